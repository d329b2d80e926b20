"""Tables and sentences from a run of `python -m bench speed`, with the engine's speed relative to other systems."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench import provenance
from bench.report.readme import README, with_part
from bench.schema import INT8, REACH, SCALE, SPEED
from bench.scoring import int8
from bench.speed import scaling, time_to_quality
from bench.speed.systems import SYSTEMS
from bench.tables_io.frames import check
from bench.tables_io.markdown import piped
from denoise.files.atomic import whole_file

RESULTS = Path(__file__).parents[1] / "results"
RUNS = sorted(RESULTS.glob("speed/*.csv"))
PART = "speed"
TITLES = {
    "K1": "The network of the Keras example",
    "autoencoder": "The autoencoder with nearest upsampling",
}
RATIOS = (
    ("engine", ("keras_predict",), "Keras `predict`"),
    ("engine", ("openvino_latency", "openvino_throughput"), "OpenVINO in bfloat16"),
    ("engine", ("onnxruntime",), "ONNX Runtime"),
    ("engine", ("eager",), "plain PyTorch"),
    ("engine", ("eager_bfloat16",), "PyTorch in bfloat16"),
)


def text(frame: pd.DataFrame) -> str:
    """Write a table and sentences for each network, as Markdown."""
    first, limits = frame.iloc[0], frame.filter(like="ceiling_").max()
    parts = [f"By `{first.command}`, of commit {first.commit}:"]
    for network, rows in frame.groupby("network", sort=False):
        counted = rows.iloc[0]
        parts.append(
            f"**{TITLES[network]}**, {counted.parameters:,} parameters, {counted.macs / 1e6:.2f} M MACs a picture "
            f"({counted.fused_macs / 1e6:.2f} fused): pictures a second by the number of pictures a call."
        )
        parts.append(_table(rows))
        parts.append("\n".join(f"- {line}" for line in sentences(rows)))
    turns = frame["round"].nunique()
    parts.append(
        f"Medians of {turns} rounds of turns; the networks are untrained, so no scores are checked. "
        f"{provenance.title(first)}. Of the machine itself: convolution {limits.ceiling_conv_tmacs:.2f} TMAC/s, matrix "
        f"product {limits.ceiling_matmul_tmacs:.2f} TMAC/s, copy {limits.ceiling_copy_gb_s:.0f} GB/s."
    )
    return "\n\n".join(parts) + "\n"


def _table(rows: pd.DataFrame) -> str:
    rates = rows.groupby(["system", "batch"]).images_per_s.median().unstack()
    rates = rates.reindex([name for name in SYSTEMS if name in rates.index])
    cells = rates.map(lambda rate: "" if pd.isna(rate) else f"{rate:,.0f}")
    versions = rows.groupby("system").version.first()
    tasks = [SYSTEMS[name].task for name in cells.index]
    cells.insert(0, "System", [SYSTEMS[name].label for name in cells.index])
    cells.insert(
        1, "Version", [versions[name].partition("+")[0].partition("-")[0] for name in cells.index]
    )
    cells.insert(2, "Task", tasks)
    return piped(cells)


def sentences(rows: pd.DataFrame) -> list[str]:
    """Compare the engine with other systems, each at its best batch size, and with the machine's limit."""
    said = []
    for system, others, called in RATIOS:
        there = ratio(rows, (system,), others)
        if there is not None:
            said.append(
                f"The engine cleans {_times(there)} as many pictures a second as "
                f"{called}, each at its best."
            )
    deployed = ratio(rows, ("fused_bfloat16",), ("eager_bfloat16",))
    # otherwise there is nothing to fuse
    if deployed is not None and (rows.fused_macs < rows.macs).all():
        said.append(
            f"Deployed fused, it cleans {_times(deployed)} as many as deployed as it was "
            "trained, in bfloat16."
        )
    # parallel requests take longer each
    alone = ratio(rows[rows.batch == 1], ("engine",), ("openvino_latency",))
    if alone is not None:
        said.append(
            f"One picture a call: {_times(alone)} as many as OpenVINO in bfloat16, one "
            "request at a time."
        )
    for other, called in (("keras_fit", "Keras `fit`"), ("train", "PyTorch in float32")):
        trained = ratio(rows, ("train_bfloat16", "train_recorded"), (other,))
        if trained is not None:
            said.append(
                f"It trains on {_times(trained)} as many pictures a second as "
                f"{called}{_by_round(trained)}."
            )
    ours = best(rows, ("engine",))
    if ours is not None:
        reached = ours.median() * rows.fused_macs.iloc[0] / 1e12
        share = reached / rows.ceiling_conv_tmacs.max()
        said.append(
            f"The engine computes {reached:.3f} TMAC/s, {100 * share:.0f} % of the best "
            "convolution measured."
        )
    return said


def ratio(
    rows: pd.DataFrame, systems: tuple[str, ...], others: tuple[str, ...]
) -> pd.Series | None:
    """Divide the best rate of one group of systems by another's, round by round.

    None if one was not measured.
    """
    above, below = best(rows, systems), best(rows, others)
    return None if above is None or below is None else above / below


def best(rows: pd.DataFrame, systems: tuple[str, ...]) -> pd.Series | None:
    """Return the rates by round of the system and batch size with the highest median.

    None if nothing was measured.
    """
    of = rows[rows.system.isin(systems)]
    if of.empty:
        return None
    system, batch = of.groupby(["system", "batch"]).images_per_s.median().idxmax()
    return of[(of.system == system) & (of.batch == batch)].set_index("round").images_per_s


def _times(ratios: pd.Series) -> str:
    return f"{ratios.median():.2f} times [{ratios.min():.2f}, {ratios.max():.2f}]"


def _by_round(ratios: pd.Series) -> str:
    """List the ratios of all rounds, because a median hides a system with two speeds, such as Keras `fit`."""
    return (
        f" (round by round {', '.join(f'{times:.2f}' for times in ratios)})"
        if len(ratios) > 1
        else ""
    )


def update() -> None:
    """Write the committed runs into the README."""
    written = with_part(README.read_text(), PART, part())
    with whole_file(README) as partial:
        partial.write_text(written)


# Runs with one result file per machine: folder, columns, and the function that describes them.
OF_A_MACHINE = {
    "speed": (SPEED, text),
    "scale": (SCALE, scaling.text),
    "reach": (REACH, time_to_quality.text),
}


def part() -> str:
    """Write the README's part: first the facts common to every machine, then the measurements of each machine."""
    parts = [int8.text(read(RESULTS / "int8.csv", INT8))]
    machines = {path.stem for run in OF_A_MACHINE for path in RESULTS.glob(f"{run}/*.csv")}
    return "\n".join(parts + [_machine(name) for name in sorted(machines)])


def _machine(name: str) -> str:
    """Write the text of every run on one machine; the runs' files have the machine's name."""
    said: list[str] = []
    for run, (columns, described) in OF_A_MACHINE.items():
        path = RESULTS / run / f"{name}.csv"
        if not path.exists():
            continue
        frame = read(path, columns)
        said = said or [f"### {provenance.name(frame.iloc[0])}\n"]
        said.append(described(frame))
        if run == "speed":
            figure = path.with_suffix(".png").relative_to(README.parent)
            said.append(f"![Pictures a second of every system]({figure})\n")
    return "\n".join(said)


def read(path: Path, columns: dict[str, str]) -> pd.DataFrame:
    """Read a run, one file per machine; raise ValueError if its columns differ."""
    frame = pd.read_csv(path)
    check(frame, columns, path)
    return frame
