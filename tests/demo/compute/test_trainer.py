"""Training process of the page: both networks are those of the project's own command."""

import threading
import zipfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load as weights_of

import denoise
from demo.compute import trainer
from demo.compute.race import Asked
from demo.compute.trainer import Pair
from denoise import datasets
from denoise.train.loop import train
from denoise.train.run import Diverged
from denoise.train.settings import stable


@pytest.fixture
def pair():
    asked = Asked(("nearest", "transposed_k2"), "autoencoder", "glyphs", 0.4, False, 10, 3)
    images = datasets.load("glyphs", "train"), datasets.load("glyphs", "val")
    return Pair(asked.settings, images, asked.clean, 2.5)


@pytest.fixture
def points():
    return []


def test_the_networks_are_bit_equal_to_those_of_the_command(pair, points, tmp_path):
    pair.train(points.append)
    assert pair.end == "time"
    done = pair.finish(tmp_path)
    assert done["archive"]
    assert len(done["scores"]) == 2
    with zipfile.ZipFile(tmp_path / trainer.ARCHIVE) as archive:
        archive.extractall(tmp_path / "mine")
    for run in pair.runs:
        settings = replace(run.settings, images=pair.seen)
        theirs = train(settings, tmp_path / "theirs", name=settings.decoder, show=False)
        mine = tmp_path / "mine" / theirs.name
        one, other = (weights_of(file.read_bytes()) for file in (mine, theirs))
        assert all(torch.equal(one[name], other[name]) for name in other)
        assert denoise.load(mine).card["images_seen"] == pair.seen
    assert f"--images {pair.seen} " in done["commands"][0]
    assert "--decoder transposed_k2" in done["commands"][1]
    assert (tmp_path / "mine" / "commands.txt").read_text().splitlines() == done["commands"]


def test_both_see_as_many_images_and_every_point_has_both_scores(pair, points):
    pair.train(points.append)
    assert pair.runs[0].done == pair.runs[1].done
    assert points[-1]["images"] == pair.seen
    assert [point["images"] for point in points] == sorted(point["images"] for point in points)
    assert all(len(point["psnr"]) == len(point["outputs"]) == 2 for point in points)


def test_both_batches_are_equal(pair):
    for one, other in zip(*(run.batches(7) for run in pair.runs), strict=True):
        assert torch.equal(one, other)


def test_a_stopped_training_has_scores_and_no_archive(pair, points, tmp_path):
    pair.stopped.set()
    pair.train(points.append)
    assert (pair.end, pair.done) == ("stopped", 1)
    done = pair.finish(tmp_path)
    assert not done["archive"]
    assert len(done["scores"]) == 2
    assert not list(tmp_path.iterdir())


def test_a_training_that_diverges_says_so(pair, points):
    with torch.no_grad():
        next(pair.runs[1].network.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged):
        pair.train(points.append)


@pytest.mark.parametrize("done", range(1, 60))
def test_the_length_has_its_cooldown_after_the_steps_that_are_done(done):
    assert stable(trainer.length(done)) >= done
    assert trainer.length(done) == 1 or stable(trainer.length(done) - 1) < done


def test_the_process_obeys_further_lines_and_ends_with_its_input(monkeypatch):
    ended, stopped = [], threading.Event()
    monkeypatch.setattr(trainer.os, "_exit", ended.append)
    trainer._obey(iter(["stop\n"]), stopped)
    assert stopped.is_set()
    assert ended == [0]
