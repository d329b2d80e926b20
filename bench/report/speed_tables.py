"""Tables and sentences from runs of `python -m bench speed`: the engine and other systems."""

from __future__ import annotations

import pandas as pd

from bench import provenance
from bench.paths import RESULTS
from bench.report import deploy_tables, pages, speed_texts
from bench.schema import DEPLOY, REACH, SCALE, SPEED
from bench.speed.systems import SYSTEMS
from bench.tables_io.frames import read_csv
from bench.tables_io.markdown import piped

RUNS = sorted(RESULTS.glob("speed/*.csv"))
PART = "speed"
TITLES = {
    "K1": "The network of the Keras example",
    "autoencoder": "The autoencoder with nearest upsampling",
}
TASKS = {"clean": "inference", "train": "training"}
RATIOS = (
    ("engine", ("keras_predict",), "Keras `predict`"),
    (
        "engine",
        ("keras_predict", "keras_function", "keras_bfloat16"),
        "the fastest of these forms of Keras",
    ),
    ("engine", ("openvino_latency", "openvino_throughput"), "OpenVINO in its default format"),
    ("engine_float32", ("keras_predict", "keras_function"), "Keras in its faster form"),
    ("engine_float32", ("openvino_float32",), "OpenVINO in float32"),
    ("engine_float32", ("onnxruntime",), "ONNX Runtime"),
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
            f"**{TITLES[network]}**, {counted.parameters:,} parameters, "
            f"{counted.macs / 1e6:.2f} M MACs per image ({counted.fused_macs / 1e6:.2f} fused): "
            "images per second by batch size."
        )
        parts.append(_table(rows))
        parts.append("\n".join(f"- {line}" for line in sentences(rows)))
    turns = frame["round"].nunique()
    parts.append(
        f"Medians of {turns} rounds; the networks are untrained, so no score is checked. "
        f"{provenance.title(first)}. Limits of the machine: convolution "
        f"{limits.ceiling_conv_tmacs:.2f} TMAC/s, matrix product "
        f"{limits.ceiling_matmul_tmacs:.2f} TMAC/s, copy {limits.ceiling_copy_gb_s:.0f} GB/s."
    )
    return "\n\n".join(parts) + "\n"


def _table(rows: pd.DataFrame) -> str:
    rates = rows.groupby(["system", "batch"]).images_per_s.median().unstack()
    rates = rates.reindex([name for name in SYSTEMS if name in rates.index])
    cells = rates.map(lambda rate: "" if pd.isna(rate) else f"{rate:,.0f}")
    versions = rows.groupby("system").version.first()
    tasks = [TASKS[SYSTEMS[name].task] for name in cells.index]
    cells.insert(0, "System", [SYSTEMS[name].label for name in cells.index])
    cells.insert(
        1, "Version", [versions[name].partition("+")[0].partition("-")[0] for name in cells.index]
    )
    cells.insert(2, "Task", tasks)
    return piped(cells)


def sentences(rows: pd.DataFrame) -> list[str]:
    """Compare the engine with other systems, each at its best batch size, and with the limit."""
    lines = []
    for system, others, called in RATIOS:
        there = ratio(rows, (system,), others)
        # the fastest of several forms says nothing new if one was measured
        known = rows.system[rows.system.isin(others)].nunique() >= min(len(others), 2)
        if there is not None and known:
            lines.append(
                f"Inference: {_times(there)} as many images per second as {called} "
                f"({_ran(rows, others)}), each at its best batch size. This package ran "
                f"{_ran(rows, (system,))}."
            )
    deployed = ratio(rows, ("fused_bfloat16",), ("eager_bfloat16",))
    # otherwise there is nothing to fuse
    if deployed is not None and (rows.fused_macs < rows.macs).all():
        lines.append(
            f"Fused: {_times(deployed)} as many images per second as unfused, in PyTorch and "
            "bfloat16."
        )
    # parallel requests take longer each
    alone = ratio(rows[rows.batch == 1], ("engine",), ("openvino_latency",))
    if alone is not None:
        lines.append(
            f"One image per call: {_times(alone)} as many as OpenVINO "
            f"({_ran(rows, ('openvino_latency',))}), one request at a time."
        )
    for other, called in (("keras_fit", "Keras `fit`"), ("train", "PyTorch in float32")):
        trained = ratio(rows, ("train_bfloat16", "train_recorded"), (other,))
        if trained is not None:
            lines.append(
                f"Training: {_times(trained)} as many images per second as "
                f"{called}{_by_round(trained)}."
            )
    ours = best(rows, ("engine",))
    if ours is not None:
        reached = ours.median() * rows.fused_macs.iloc[0] / 1e12
        share = reached / rows.ceiling_conv_tmacs.max()
        lines.append(
            f"The engine computes {reached:.3f} TMAC/s, {100 * share:.0f} % of the best "
            "convolution measured."
        )
    return lines


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
    found = _best_rows(rows, systems)
    return None if found.empty else found.set_index("round").images_per_s


def _best_rows(rows: pd.DataFrame, systems: tuple[str, ...]) -> pd.DataFrame:
    of = rows[rows.system.isin(systems)]
    if of.empty:
        return of
    system, batch = of.groupby(["system", "batch"]).images_per_s.median().idxmax()
    return of[(of.system == system) & (of.batch == batch)]


def _ran(rows: pd.DataFrame, systems: tuple[str, ...]) -> str:
    """Return the backend, if there are several, and the number format of the best system."""
    said = _best_rows(rows, systems).ran.iloc[0].split(", ")
    return ", ".join(said[:2]).replace("openvino", "OpenVINO")


def _times(ratios: pd.Series) -> str:
    return f"{ratios.median():.2f} times [{ratios.min():.2f}, {ratios.max():.2f}]"


def _by_round(ratios: pd.Series) -> str:
    """List the ratios of all rounds: a median hides a system with two speeds, as Keras `fit`."""
    return (
        f" (round by round {', '.join(f'{times:.2f}' for times in ratios)})"
        if len(ratios) > 1
        else ""
    )


def update() -> None:
    """Write the committed runs into the page on speed."""
    pages.update(pages.SPEED, PART, part())


# Runs with one result file per machine: folder, columns, and the function that describes them.
OF_A_MACHINE = {
    "speed": (SPEED, text),
    "scale": (SCALE, speed_texts.scale),
    "reach": (REACH, speed_texts.reach),
}


def part() -> str:
    """Write the part of the page: the decoders by runtime, then each machine."""
    parts = [
        f"### Decoders by runtime\n\n{deploy_tables.text(read_csv(path, DEPLOY))}"
        for path in sorted(RESULTS.glob("*/deploy.csv"))
    ]
    machines = {path.stem for run in OF_A_MACHINE for path in RESULTS.glob(f"{run}/*.csv")}
    return "\n".join(parts + [_machine(name) for name in sorted(machines)])


def _machine(name: str) -> str:
    """Write the text of every run on one machine; the runs' files have the machine's name."""
    lines: list[str] = []
    for run, (columns, described) in OF_A_MACHINE.items():
        path = RESULTS / run / f"{name}.csv"
        if not path.exists():
            continue
        frame = read_csv(path, columns)
        lines = lines or [f"### {provenance.name(frame.iloc[0])}\n"]
        lines.append(described(frame))
        if run == "speed":
            figure = path.with_suffix(".png")
            lines.append(
                pages.image(pages.SPEED, figure, "Images per second of every system") + "\n"
            )
    return "\n".join(lines)
