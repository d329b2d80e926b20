"""Training on photographs: crops, noise-conditional networks, EMA, and stained pages."""

import dataclasses

import pytest
import safetensors.torch
import torch

from denoise import datasets
from denoise.datasets.base import Pictures
from denoise.images.dihedral import turned
from denoise.metrics import psnr
from denoise.models import weights
from denoise.models.architectures import ARCHITECTURES
from denoise.train import checkpoint, ema, loop
from denoise.train.batches import Batches
from denoise.train.settings import LOSSES
from denoise.train.store import Store
from denoise.train.validate import validate

TINY = loop.Settings(
    dataset="photos",
    channels=3,
    architecture="unet",
    width=4,
    depth=1,
    output="residual",
    bias=False,
    noise_conditional=True,
    loss="mse",
    patch=16,
    dihedral=True,
    ema=0.9,
    images=64,
    batch=8,
    sigma=(0.0, 0.2),
    clip=False,
    precision="float32",
)


def batches(pictures, **changes):
    options = {
        "size": 64,
        "channels": 1,
        "patch": 4,
        "noise": "gaussian",
        "sigma": (0.1, 0.1),
        "clip": False,
    }
    return Batches(pictures, **(options | changes), seed=0, device=torch.device("cpu"))


def numbered(dirty=()):
    """Return an image of 4x4 pixels with distinct values."""
    return Pictures(
        "it",
        "train",
        (torch.arange(16, dtype=torch.uint8).view(1, 4, 4),),
        ("a",),
        ("a",),
        {},
        dirty,
    )


def test_a_picture_is_seen_in_all_eight_ways_that_keep_its_pixels():
    image = torch.arange(16.0).view(4, 4)
    ways = {
        tuple(turned.rot90(k).flatten().tolist())
        for turned in (image, image.flip(1))
        for k in range(4)
    }
    clean, _, _ = batches(numbered(), dihedral=True)(0)
    seen = {tuple((one * 255).round().flatten().tolist()) for one in clean}
    assert seen == ways
    assert len(ways) == 8
    clean, _, _ = batches(numbered())(0)
    assert {tuple((one * 255).round().flatten().tolist()) for one in clean} == {
        tuple(image.flatten().tolist())
    }


def test_a_stained_picture_is_cut_and_turned_as_its_clean_one():
    pages = numbered(dirty=(torch.arange(16, dtype=torch.uint8).view(1, 4, 4) + 100,))
    clean, noisy, _ = batches(pages, dihedral=True, patch=3, sigma=(0.0, 0.0))(0)
    torch.testing.assert_close(noisy, clean + 100 / 255)


def test_a_batch_of_crops_is_what_cutting_them_one_by_one_gives():
    draws = torch.Generator().manual_seed(0)
    shapes = [(3, 9, 7), (1, 5, 8), (3, 5, 5)]  # color and gray, all of different sizes
    images = [torch.randint(256, shape, dtype=torch.uint8, generator=draws) for shape in shapes]
    # the last one just below 1
    places = torch.tensor([[0.0, 0.0], [0.99, 0.99], [0.5, 0.2], [0.99999994, 0.99999994]])
    indices, ways = torch.tensor([0, 1, 0, 2]), torch.tensor([0, 3, 6, 5])
    crops = Store(images, 3, 5, torch.device("cpu")).crops(indices, places, ways)
    # of positions 0 to 4 from the top and 0 to 2 from the left, and so on
    corners = [(0, 0), (0, 3), (2, 0), (0, 0)]
    for crop, index, (top, left), way in zip(crops, indices, corners, ways, strict=True):
        cut = images[index][:, top : top + 5, left : left + 5].expand(3, -1, -1)
        assert torch.equal(crop, turned(cut, int(way)))


def test_crops_reach_every_corner_of_a_picture():
    clean, _, _ = batches(numbered(), patch=1, size=500)(0)
    assert len(clean.unique()) == 16


def test_levels_are_told_as_often_as_is_asked():
    _, _, levels = batches(numbered(), noise_dropout=0.25, size=4_000)(0)
    assert sorted(set(levels.tolist())) == pytest.approx([0.0, 0.1])
    assert (levels == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
    _, _, levels = batches(numbered())(0)
    assert (levels > 0).all()


def test_the_noise_that_is_told_is_the_noise_that_is_there():
    clean, noisy, levels = batches(numbered(), size=2_000, patch=4, sigma=(0.0, 0.5))(0)
    found = (noisy - clean).flatten(1).std(1)
    assert torch.corrcoef(torch.stack([found, levels]))[0, 1] > 0.9


def test_pictures_that_are_not_square_are_turned_only_in_crops():
    pictures = Pictures("it", "train", (torch.zeros(1, 4, 5, dtype=torch.uint8),), ("a",), ("a",))
    with pytest.raises(ValueError, match="those of it are not square: give --patch"):
        batches(pictures, patch=0, dihedral=True)


def test_pages_whose_two_versions_differ_in_size_are_refused():
    with pytest.raises(
        ValueError, match="the shapes of the dirty images differ from those of the clean images"
    ):
        numbered(dirty=(torch.zeros(1, 4, 5, dtype=torch.uint8),))


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights_and_the_same_average(tmp_path, monkeypatch):
    whole = loop.train(TINY, tmp_path / "whole", every=3)

    class Killed(BaseException):
        pass

    real_save = checkpoint.save

    def killed(*arguments):
        real_save(*arguments)
        raise Killed

    monkeypatch.setattr(checkpoint, "save", killed)
    with pytest.raises(Killed):
        loop.train(TINY, tmp_path / "killed", every=3)
    monkeypatch.setattr(checkpoint, "save", real_save)
    resumed = loop.train(TINY, tmp_path / "killed", every=3)
    one, other = (safetensors.torch.load_file(path) for path in (whole, resumed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_average_is_what_is_kept(tmp_path):
    last, averaged = (
        safetensors.torch.load_file(
            loop.train(dataclasses.replace(TINY, ema=ema), tmp_path / str(ema))
        )
        for ema in (0.0, 0.9)
    )
    assert last.keys() == averaged.keys()
    assert not all(torch.equal(last[name], averaged[name]) for name in last)


def test_an_average_forgets_the_initial_weights_soon_and_then_follows_slowly():
    network = ARCHITECTURES["unet"].build(width=2, depth=1, output="residual", bias=False)
    kept = ema.ema(network, 0.99)
    first = next(network.parameters())
    for value in [1.0] * 50:
        torch.nn.init.constant_(first, value)
        kept.update_parameters(network)
    assert next(kept.module.parameters()).mean().item() == pytest.approx(1, abs=1e-3)
    torch.nn.init.constant_(first, 2.0)
    kept.update_parameters(network)
    assert 1.0 < next(kept.module.parameters()).mean().item() < 1.2


def test_a_gray_network_is_trained_and_validated_on_colour_pictures_turned_gray(tmp_path):
    network, card = weights.read(loop.train(dataclasses.replace(TINY, channels=1), tmp_path))
    assert card["architecture"]["channels"] == 1
    assert network(torch.rand(1, 1, 9, 9)).shape == (1, 1, 9, 9)


def test_the_trainings_behind_a_network_are_told_from_the_first_to_the_last(tmp_path):
    first = loop.train(TINY, tmp_path, name="first")
    second = loop.train(
        dataclasses.replace(TINY, init_from=str(first), seed=1), tmp_path, name="second"
    )
    trainings = weights.history(weights.read(second)[1])
    assert [card["name"] for _, card in trainings] == ["first", "second"]
    assert [card["images_seen"] for _, card in trainings] == [64, 128]
    assert [images for images, _ in trainings] == [64, 64]


def test_a_run_on_stained_pages_learns_to_clean_them(tmp_path, real):
    settings = dataclasses.replace(
        TINY,
        dataset="documents",
        channels=1,
        patch=32,
        sigma=(0.0, 0.0),
        images=640,
        batch=16,
        noise_conditional=False,
        lr=5e-3,
    )
    network, card = weights.read(loop.train(settings, tmp_path, real("documents")))
    pages = datasets.load("documents", "val", real("documents"))
    clean, dirty, _ = next(pages.pairs(1))
    with torch.no_grad():
        before, after = ((clean - one).square().mean() for one in (dirty, network(dirty)))
    assert after < 0.7 * before
    assert set(card["validation_psnr"]) == {"0"}


def test_the_loss_psnr_is_minus_the_mean_psnr_whatever_the_noise_of_each_picture():
    clean = torch.rand(2, 1, 16, 16)
    answer = clean + torch.tensor([0.05, 0.2]).view(-1, 1, 1, 1)
    network = weights.build(TINY.network())
    assert LOSSES["psnr"](network, answer, clean).item() == pytest.approx(
        -psnr(answer, clean).mean().item(), abs=0.02
    )
    assert LOSSES["psnr"](network, clean, clean).item() == pytest.approx(-50)


def test_photographs_are_validated_at_the_levels_of_papers_within_the_range(real):
    held_out = datasets.load("train400", "val", real("train400")).spread(1)
    settings = dataclasses.replace(TINY, dataset="train400", channels=1, sigma=(0.0, 30 / 255))
    scores = validate(weights.build(settings.network()), held_out, settings)
    assert [round(level * 255) for level in scores] == [15, 25, 30]
