"""Distributed training on two processes of this machine, through gloo."""

import dataclasses
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import safetensors
import safetensors.torch
import torch

from denoise.train import distributed, loop

pytestmark = pytest.mark.slow

pytest.importorskip("lightning_fabric")

SETTINGS = loop.Settings(
    dataset="glyphs",
    width=4,
    images=6_400,
    batch=64,
    lr=1e-2,
    sigma=(0.4, 0.4),
    precision="float32",
)
OPTIONS = (
    "--dataset glyphs --width 4 --images 6400 --batch 64 --lr 1e-2 --sigma 0.4 --precision "
    "float32 --every 40"
)
WAY = ["--optimizer", "muon"]  # Adam steps what Muon does not: both are shared and resumed
STOPPED = """
import os
from denoise import cli
from denoise.train import checkpoint, loop

save = checkpoint.save

def killed(*arguments):
    save(*arguments)
    os._exit(9)

checkpoint.save = killed
loop.SAVE = 1e9
cli.run(loop.main)
"""
ASKED = """
import os, signal
from denoise import cli
from denoise.train import loop
from denoise.train.run import Run

step = Run.step

def asked(run, number):
    if os.environ["RANK"] == "1" and number == 6:
        os.kill(os.getpid(), signal.SIGTERM)
    return step(run, number)

Run.step = asked
cli.run(loop.main)
"""
DIVERGED = """
from denoise import cli
from denoise.train import loop
from denoise.train.run import Run

gradients = Run._gradients

def diverged(run, clean, noisy, levels):
    loss = gradients(run, clean, noisy, levels)
    return loss * float("nan") if run.team.rank == 1 and run.done == 6 else loss

Run._gradients = diverged
cli.run(loop.main)
"""


def torchrun(out, *program, options=()):
    """Run a program in two processes on the CPU, also on a machine with GPUs."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",
        *program,
    ]
    command += [*OPTIONS.split(), "--out", str(out), *options]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Return the folder of a complete run of two processes."""
    out = tmp_path_factory.mktemp("two")
    ended = torchrun(out, "-m", "denoise.train", options=WAY)
    assert ended.returncode == 0, ended.stderr
    return out


def test_two_processes_reach_the_score_of_one(two, tmp_path):
    settings = dataclasses.replace(SETTINGS, optimizer="muon")
    one, both = (
        json.loads((folder / "glyphs-nearest.json").read_text())
        for folder in (loop.train(settings, tmp_path, every=40).parent, two)
    )
    # Seeds of this run differ by 0.3 dB (standard deviation); the noisy images are 4 dB worse.
    assert both["validation_psnr"]["0.4"] == pytest.approx(one["validation_psnr"]["0.4"], abs=0.5)
    assert both["settings"] == one["settings"]
    assert both["images_seen"] == one["images_seen"] == 6_400
    assert (one["run_on"]["processes"], both["run_on"]["processes"]) == (1, 2)
    assert [point["images"] for point in both["curve"]] == [2_560, 5_120]


def test_two_processes_write_one_set_of_files(two):
    endings = ("json", "png", "safetensors")
    assert sorted(path.name for path in two.iterdir()) == [
        f"glyphs-nearest.{ending}" for ending in endings
    ]


def test_two_killed_processes_go_on_to_the_same_weights(two, tmp_path):
    script = tmp_path / "stopped.py"
    script.write_text(STOPPED)
    out = tmp_path / "out"
    assert torchrun(out, str(script), options=WAY).returncode != 0
    assert [path.name for path in out.iterdir()] == ["glyphs-nearest.checkpoint.safetensors"]
    ended = torchrun(out, "-m", "denoise.train", options=WAY)
    assert ended.stderr.count("continuing from step 40 of 100") == 1, ended.stderr
    whole, resumed = (
        safetensors.torch.load_file(path / "glyphs-nearest.safetensors") for path in (two, out)
    )
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


def test_all_processes_stop_at_the_same_step_if_one_is_asked_to(tmp_path):
    script, out = tmp_path / "asked.py", tmp_path / "out"
    script.write_text(ASKED)
    ended = torchrun(out, str(script))
    assert ended.returncode != 0
    said = [line for line in ended.stderr.splitlines() if line.startswith("stopped at")]
    assert said == ["stopped at 7 % (step 7 of 100): the same command continues from there"]
    saved = out / "glyphs-nearest.checkpoint.safetensors"
    assert list(out.iterdir()) == [saved]
    with safetensors.safe_open(saved, "pt") as file:
        assert json.loads(file.metadata()["progress"])["step"] == 7


def test_all_processes_end_if_the_share_of_one_is_not_finite(tmp_path):
    script, out = tmp_path / "diverged.py", tmp_path / "out"
    script.write_text(DIVERGED)
    ended = torchrun(out, str(script), options=["--every", "5"])
    assert ended.returncode != 0
    said = [line for line in ended.stderr.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert said[0].startswith(
        "error: the loss of step 7 is nan: the training has diverged and stops; "
    )
    assert "the checkpoint of step 5 is kept" in said[0]


def test_a_batch_that_cannot_be_shared_evenly_is_refused_in_one_line(tmp_path):
    ended = torchrun(tmp_path / "out", "-m", "denoise.train", options=["--batch", "33"])
    assert ended.returncode != 0
    line = (
        "error: --batch 33 does not divide evenly among 2 processes; valid: a multiple of 2, "
        "such as 32"
    )
    assert [text for text in ended.stderr.splitlines() if text.startswith("error:")] == [line]
    assert not (tmp_path / "out").exists()


def test_the_shares_of_the_processes_are_the_batch_of_one():
    batch = torch.rand(6, 1, 4, 4), torch.rand(6, 1, 4, 4)
    members = [
        distributed.Team(
            SimpleNamespace(world_size=3, global_rank=rank, device=torch.device("cpu"))
        )
        for rank in range(3)
    ]
    for whole, shares in zip(
        batch, zip(*(member.share(*batch) for member in members), strict=True), strict=True
    ):
        assert torch.equal(torch.cat(shares), whole)


def test_without_torchrun_training_is_alone_and_needs_no_fabric(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    monkeypatch.setenv("WORLD_SIZE", "4")  # set by a launcher other than torchrun
    assert distributed.team(33).size == 1


def test_without_fabric_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    for name, value in {
        "TORCHELASTIC_RUN_ID": "1",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ValueError, match=r"pip install '\.\[distributed\]'"):
        distributed.team(32)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(
        ValueError,
        match=r"2 processes but 1 GPUs on this machine; valid: torchrun --nproc-per-node 1",
    ):
        distributed.team(32)
