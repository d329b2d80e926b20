"""Speed compared with peers: the same jobs in turns, and the sentences about the times."""

import itertools
import json
import sys

import pandas as pd
import pytest
import torch

from bench import provenance
from bench.commands import speed as command
from bench.report import figures, pages, speed_figure, speed_tables
from bench.schema import SPEED
from bench.speed import idle, systems
from bench.speed.systems import NETWORKS, SYSTEMS, Process
from bench.speed.workers import ours as own_systems
from bench.speed.workers import peers, serve
from bench.tables_io import frames
from denoise import cli
from denoise.registry import UnknownName

pytestmark = pytest.mark.slow

OWN = [name for name, system in SYSTEMS.items() if not system.peer]
TINY = {"name": "autoencoder", "channels": 1, "decoder": "nearest", "width": 2, "depth": 1}


@pytest.fixture(scope="module")
def own():
    process = Process([sys.executable, "-m", "bench.speed.workers.ours"])
    yield process
    process.close()


def job(system, **changes):
    told = {
        "architecture": json.dumps(TINY),
        "shape": (1, 8, 8),
        "batch": 3,
        "threads": 1,
        "device": "cpu",
    }
    return {"system": system, **told, **changes}


IN_BFLOAT16 = ("onednn_bfloat16", "train_bfloat16")


@pytest.mark.parametrize(
    "name", [name for name in OWN if SYSTEMS[name].cpu and name not in ("compiled", "packaged")]
)  # they need a compiler, and minutes
def test_every_system_of_the_project_returns_the_seconds_of_its_calls(own, name, request):
    if name in IN_BFLOAT16:
        request.getfixturevalue("bfloat16")
    turn = own.ask(job(name), 0.01)
    assert not turn.error
    assert turn.pictures == 3
    assert all(seconds > 0 for seconds in turn.seconds)
    assert turn.version


def test_a_job_that_fails_returns_the_reason_and_the_next_job_runs(own):
    assert own.ask(job("eager", architecture='{"name": "nothing"}'), 0.01).error.startswith(
        "UnknownName: unknown arch"
    )
    assert own.ask(job("eager"), 0.01).seconds


@pytest.mark.parametrize(("lasts", "counted"), [(1.0, [1.0]), (0.25, [0.25] * 3)])
def test_the_first_call_of_a_turn_counts_only_where_it_is_the_only_one(monkeypatch, lasts, counted):
    clock = itertools.count(step=lasts)
    now = [next(clock)]
    monkeypatch.setattr(serve.time, "perf_counter", lambda: now[-1])
    assert serve._timed(lambda: now.append(next(clock)), seconds=1.0) == counted


def test_the_end_of_a_process_is_an_error():
    process = Process([sys.executable, "-m", "bench.peers.nothing"])
    assert process.ask(job("eager"), 0.01).error.startswith("its process ended")


def test_peers_need_their_environment(monkeypatch, tmp_path):
    monkeypatch.setattr(systems, "PEERS", tmp_path / "python")
    with pytest.raises(ValueError, match="run `make peers` first"):
        systems.processes(["engine", "keras_predict"])


def test_a_system_that_must_be_alone_has_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(systems, "Process", lambda words: words)
    assert len(systems.processes(["train_bfloat16", "eager"])) == 1
    assert len(systems.processes(["train_bfloat16", "train_recorded"])) == 2


def test_every_system_has_a_process_that_knows_it():
    assert set(own_systems.SYSTEMS) == set(OWN)
    assert set(peers.SYSTEMS) == set(SYSTEMS) - set(OWN)


def test_an_unknown_system_is_refused_with_the_valid_ones():
    with pytest.raises(UnknownName, match=r"unknown system 'keras' .*; valid: keras_predict, "):
        systems.check(["keras"], torch.device("cpu"))


def test_without_a_gpu_none_is_timed(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="PyTorch finds no NVIDIA GPU; valid: cpu"):
        speed_of("--device", "cuda")


def test_a_system_of_processors_is_refused_on_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(
        ValueError, match="keras_predict does not run on a GPU; valid with --device cuda: eager, "
    ):
        speed_of("--device", "cuda", "--systems", "keras_predict")


def test_a_system_of_gpus_is_refused_on_a_processor():
    with pytest.raises(
        ValueError,
        match="cudnn_bfloat16 does not run on a CPU; valid with --device cpu: keras_",
    ):
        speed_of("--systems", "cudnn_bfloat16")


def test_a_call_on_a_gpu_ends_when_the_gpu_is_done(monkeypatch):
    said = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: said.append("done"))
    own_systems._waited(lambda: said.append("asked"), "cuda")()
    assert said == ["asked", "done"]


def speed_of(*options):
    from bench.__main__ import main

    main(["speed", *options])


@pytest.mark.parametrize(
    "options", [["--rounds", "0"], ["--seconds", "0"], ["--quiet", "-1"], ["--quiet", "nan"]]
)
def test_no_rounds_and_no_time_are_refused(options):
    with pytest.raises(ValueError, match="at least 1"):
        speed_of(*options)


def test_the_command_writes_a_row_for_each_turn(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "SIZES", {"cpu": (1, 128)})
    monkeypatch.setattr(command, "NETWORKS", {"K1": NETWORKS["K1"]})
    ran = ["--systems", "eager", "engine", "train", "--rounds", "2", "--seconds", "0.01"]
    speed_of(*ran, "--out", str(tmp_path))
    (file,) = tmp_path.glob("*.csv")
    assert figures.stamped(file.with_suffix(".png")) == speed_figure.stamp(file)
    frame = frames.read_csv(file, SPEED)
    assert list(frame.columns) == list(SPEED)
    assert len(frame) == 2 * (2 * 2 + 1)  # rounds x (systems x sizes, and training at one)
    assert (frame.images_per_s > 0).all()
    said = capsys.readouterr().out
    assert "28,353 parameters, 4.52 M MACs" in said
    assert "as many images per second as plain PyTorch" in said


@pytest.fixture
def rates(monkeypatch):
    """Return a list of rates in TMAC/s that the reference convolution yields, without waiting."""
    said = []
    monkeypatch.setattr(idle.roofline, "usual", lambda device, dtype: said.pop(0))
    monkeypatch.setattr(idle.time, "sleep", lambda seconds: None)
    return said


def test_a_turn_counts_where_the_machine_was_quiet_before_and_after_it(rates):
    rates += [0.2, 1.0, 0.2, 1.0, 1.0]  # busy; busy when the first turn ends; quiet
    turns = iter(["first", "second"])
    assert idle.Quiet(0.8, torch.device("cpu")).take(lambda: next(turns)) == "second"
    assert not rates


def test_where_no_quiet_machine_is_asked_for_every_turn_counts_at_once(rates):
    assert idle.Quiet(0.0, torch.device("cpu")).take(lambda: "first") == "first"


def test_a_run_on_a_machine_that_stays_busy_keeps_its_whole_rounds(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(command, "SIZES", {"cpu": (1, 128)})
    monkeypatch.setattr(command, "NETWORKS", {"K1": NETWORKS["K1"]})
    monkeypatch.setattr(idle, "PATIENCE", 0.5)
    asked = itertools.count()
    # Measured twice per turn: quiet for three of the four turns of two rounds.
    monkeypatch.setattr(
        idle.roofline, "usual", lambda device, dtype: 1.0 if next(asked) < 6 else 0.2
    )
    speed_of(
        "--systems",
        "eager",
        "--rounds",
        "2",
        "--seconds",
        "0.01",
        "--quiet",
        "0.8",
        "--out",
        str(tmp_path),
    )
    (file,) = tmp_path.glob("*.csv")
    assert frames.read_csv(file, SPEED)["round"].tolist() == [0, 0]
    assert "stopped after 1 round: for 0 minutes this machine was not idle" in caplog.text
    assert "reached 0.20 TMAC/s at best, and --quiet is 0.8" in caplog.text


@pytest.mark.parametrize("turns", [3, 1])
def test_a_run_that_is_interrupted_keeps_its_whole_rounds(
    turns, monkeypatch, tmp_path, caplog, capsys
):
    monkeypatch.setattr(command, "SIZES", {"cpu": (1, 128)})
    monkeypatch.setattr(command, "NETWORKS", {"K1": NETWORKS["K1"]})
    from bench.__main__ import main

    asked, ask = itertools.count(), Process.ask

    def interrupted(*given):
        if next(asked) == turns:
            raise KeyboardInterrupt
        return ask(*given)

    monkeypatch.setattr(Process, "ask", interrupted)
    ran = [
        "speed",
        "--systems",
        "eager",
        "--rounds",
        "5",
        "--seconds",
        "0.01",
        "--out",
        str(tmp_path),
    ]
    with pytest.raises(SystemExit) as ended:
        cli.run(main, ran)
    if turns < 2:  # a round has two turns
        assert (ended.value.code, list(tmp_path.iterdir())) == (130, [])
        assert capsys.readouterr().err.endswith("stopped\n")
    else:
        assert ended.value.code == 0
        assert frames.read_csv(next(tmp_path.glob("*.csv")), SPEED)["round"].tolist() == [0, 0]
        assert "stopped after 1 round: interrupted" in caplog.text


def run(rates):
    """Return a run from {(system, batch): rates by round}."""
    rows = [
        {"network": "K1", "system": system, "batch": batch, "round": number, "images_per_s": rate}
        for (system, batch), by_round in rates.items()
        for number, rate in enumerate(by_round)
    ]
    facts = {"macs": 4.5e6, "fused_macs": 4.5e6, "ceiling_conv_tmacs": 0.01}
    return pd.DataFrame(rows).assign(**facts, ran="openvino, bfloat16, pieces")


def test_the_machines_limit_is_the_best_of_all_rounds():
    frame = run({("engine", 32): [1_000, 1_000]}).assign(ceiling_conv_tmacs=[0.009, 0.006])
    assert (
        "The engine computes 0.004 TMAC/s, 50 % of the best convolution measured."
        in speed_tables.sentences(frame)
    )


def test_systems_are_compared_round_by_round_each_at_its_best():
    frame = run(
        {
            ("engine", 1): [10, 10, 10],
            ("engine", 32): [600, 300, 900],
            ("keras_predict", 32): [100, 100, 100],
            ("keras_predict", 128): [200, 150, 100],
        }
    )
    ratios = speed_tables.ratio(frame, ("engine",), ("keras_predict",))
    assert ratios.tolist() == [3, 2, 9]
    said = speed_tables.sentences(frame)[0]
    assert "3.00 times [2.00, 9.00] as many images per second as Keras" in said
    assert said.endswith("This package ran OpenVINO, bfloat16.")


def test_the_best_of_a_group_is_one_system():
    frame = run(
        {("engine", 1): [100], ("openvino_latency", 1): [50], ("openvino_throughput", 1): [80]}
    )
    assert speed_tables.ratio(
        frame, ("engine",), ("openvino_latency", "openvino_throughput")
    ).tolist() == [1.25]


def test_systems_without_a_measurement_have_no_sentence():
    said = speed_tables.sentences(run({("engine", 1): [1000]}))
    assert said == ["The engine computes 0.004 TMAC/s, 45 % of the best convolution measured."]


def test_the_ratio_of_training_rates_to_keras_is_given_round_by_round():
    said = speed_tables.sentences(
        run({("train_bfloat16", 128): [8_000, 7_500], ("keras_fit", 128): [1_600, 3_000]})
    )
    assert said[0].endswith("as many images per second as Keras `fit` (round by round 5.00, 2.50).")


def test_rows_of_a_gpu_bear_its_name_and_those_of_a_processor_the_processor_s():
    rows = {"cpu": "Some Processor", "cpu_isa": "AVX2", "cpu_threads": 2, "gpu": None}
    assert provenance.title(pd.Series(rows)) == "Some Processor, AVX2, 2 threads"
    assert provenance.title(pd.Series(rows | {"gpu": "Some GPU"})) == "Some GPU"
    assert provenance.name(pd.Series(rows).drop("gpu")) == "Some Processor"
    assert provenance.run_on(torch.device("cpu"))["gpu"] is None


def test_the_page_says_what_the_committed_runs_say():
    assert speed_tables.part().strip() == pages.part_of(pages.SPEED, speed_tables.PART)


def test_committed_runs_are_drawn():
    for path in speed_tables.RUNS:
        assert figures.stamped(path.with_suffix(".png")) == speed_figure.stamp(path), (
            "stale: python -m bench report"
        )


LATER = {  # systems that are newer than the committed runs
    *("keras_function", "keras_bfloat16", "keras_fit_bfloat16"),
    *("openvino_float32", "engine_float32"),
}


def test_committed_runs_have_every_system_in_every_round():
    for path in speed_tables.RUNS:
        frame = frames.read_csv(path, SPEED)
        device = torch.device("cpu" if frame.gpu.isna().all() else "cuda")
        assert set(frame.system) - LATER == set(systems.of(device)) - LATER
        assert set(frame.network) == set(NETWORKS)
        assert (
            frame.groupby(["network", "system", "batch"])["round"].nunique()
            == frame["round"].nunique()
        ).all()


def test_bad_options_end_with_one_line_and_code_2(capsys):
    from bench.__main__ import main

    with pytest.raises(SystemExit, match="2"):
        cli.run(main, ["speed", "--systems", "nothing"])
    assert capsys.readouterr().err.count("\n") == 1
