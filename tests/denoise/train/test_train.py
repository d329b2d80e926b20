"""Training, tested on `glyphs`, which every machine has; a width of 8 takes only seconds."""

import dataclasses
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from denoise import datasets
from denoise.metrics import psnr
from denoise.models import weights
from denoise.models.encoder_decoder import ResidualBlock
from denoise.noise import PictureDraws, corrupt, picture_seeds
from denoise.train import checkpoint, distributed, loop
from denoise.train.batches import Batches
from denoise.train.optimizers import OPTIMIZERS
from denoise.train.run import Run
from denoise.train.settings import SCHEDULES, WARM, stable

TINY = loop.Settings(
    dataset="glyphs", width=8, images=320, batch=32, sigma=(0.0, 0.6), precision="float32"
)


def tensors(path):
    return safetensors.torch.load_file(path)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_a_tiny_run_cleans_letters_of_fonts_it_never_saw_by_two_decibels_and_more(tmp_path):
    settings = dataclasses.replace(TINY, images=6_400, sigma=(0.4, 0.4), lr=5e-3)
    network, _ = weights.read(loop.train(settings, tmp_path))
    pictures = datasets.load("glyphs", "test")
    clean, keys = next(pictures.batches(1_000))
    noisy = corrupt(
        clean, 0.4, PictureDraws(picture_seeds("glyphs", keys, "gaussian", 0.4)), clip=True
    )
    with torch.no_grad():
        gain = psnr(network(noisy), clean).mean() - psnr(noisy, clean).mean()
    assert gain > 2


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path, monkeypatch, optimizer):
    settings = dataclasses.replace(TINY, optimizer=optimizer)
    whole = loop.train(settings, tmp_path / "whole", every=4)

    class Killed(BaseException):
        pass

    real_save, saves = checkpoint.save, []

    def killed_after_second_save(*arguments):
        real_save(*arguments)
        saves.append(arguments)
        if len(saves) == 2:
            raise Killed

    monkeypatch.setattr(checkpoint, "save", killed_after_second_save)
    with pytest.raises(Killed):
        loop.train(settings, tmp_path / "killed", every=4)
    assert not (tmp_path / "killed" / "glyphs-nearest.safetensors").exists()
    monkeypatch.setattr(checkpoint, "save", real_save)
    resumed = loop.train(settings, tmp_path / "killed", every=4)

    assert same(tensors(whole), tensors(resumed))
    assert [path.name for path in sorted((tmp_path / "killed").iterdir())] == [
        "glyphs-nearest.json",
        "glyphs-nearest.safetensors",
    ]


def test_the_seed_decides_the_weights(tmp_path):
    one, again, other = (
        tensors(loop.train(dataclasses.replace(TINY, images=64, seed=seed), tmp_path / folder))
        for seed, folder in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert same(one, again)
    assert not same(one, other)


def test_a_checkpoint_of_other_settings_is_refused_by_name(tmp_path):
    network = weights.build(TINY.network())
    optimizer = torch.optim.Adam(network.parameters())
    path = tmp_path / "glyphs-nearest.checkpoint.safetensors"
    checkpoint.save(path, network, optimizer, None, {"step": 1, "settings": {"lr": 0.1}})
    with pytest.raises(ValueError, match=r"lr was 0.1, now 0.002"):
        checkpoint.load(path, network, optimizer, None, {"lr": 0.002})


def test_a_checkpoint_from_before_there_was_a_setting_has_its_default(tmp_path):
    network = weights.build(TINY.network())
    optimizer = torch.optim.Adam(network.parameters())
    path, plain = tmp_path / "older.safetensors", TINY.plain()
    for name in plain:
        held = {key: value for key, value in plain.items() if key != name}
        checkpoint.save(path, network, optimizer, None, {"step": 1, "settings": held})
        default = plain | {name: loop.Settings().plain()[name]}
        assert checkpoint.load(path, network, optimizer, None, default)["step"] == 1


@pytest.mark.parametrize("bias", [True, False])
def test_a_residual_block_starts_at_a_tenth_with_normalisation_or_without(bias):
    options = {"output": "residual", "loss": "mse", "blocks": (1, 0, 0), "bias": bias}
    network = loop.untrained(
        dataclasses.replace(TINY, architecture="unet", init="keras", **options)
    )
    block = next(layer for layer in network.modules() if isinstance(layer, ResidualBlock))
    x = torch.randn(64, TINY.width, 16, 16)
    assert 0.02 < block.branch(x).std() / x.std() < 0.2


def test_a_truncated_checkpoint_is_named(tmp_path):
    path = tmp_path / "glyphs-nearest.checkpoint.safetensors"
    path.write_bytes(b"half")
    with pytest.raises(
        ValueError, match=r"glyphs-nearest.checkpoint.safetensors: no valid checkpoint"
    ):
        loop.train(TINY, tmp_path)


def test_the_card_says_how_the_weights_were_made(tmp_path):
    card = json.loads(loop.train(TINY, tmp_path).with_suffix(".json").read_text())
    assert card["images_seen"] == 320
    assert card["settings"] == json.loads(json.dumps(dataclasses.asdict(TINY)))
    assert card["data"]["train"] == len(datasets.load("glyphs", "train"))
    assert set(card["validation_psnr"]) == {"0.1", "0.2", "0.3", "0.4", "0.5", "0.6"}
    assert card["versions"]["torch"] == torch.__version__


def test_a_run_may_start_from_trained_weights_and_counts_their_pictures(tmp_path):
    first = loop.train(TINY, tmp_path / "first")
    short = dataclasses.replace(TINY, init_from=str(first), images=32, lr=1e-9)
    second = loop.train(short, tmp_path / "second")
    parameters = {name: value for name, value in tensors(first).items() if "running" not in name}
    for name, value in tensors(second).items():
        if name in parameters and value.is_floating_point():
            torch.testing.assert_close(value, parameters[name], atol=1e-6, rtol=0)
    assert json.loads(second.with_suffix(".json").read_text())["images_seen"] == 352


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(("norm", "stay"), [("frozen", True), ("batch", False)])
def test_statistics_that_are_kept_stay_and_the_weights_still_learn(
    tmp_path, norm, stay, precision, request
):
    if precision == "bfloat16":
        request.getfixturevalue("bfloat16")
    first = loop.train(TINY, tmp_path / "first")
    settings = dataclasses.replace(
        TINY, init_from=str(first), norm=norm, seed=1, precision=precision
    )
    # with validation during training
    before, after = tensors(first), tensors(loop.train(settings, tmp_path / "second", every=3))
    for name, value in before.items():
        stays = stay and ("running" in name or "num_batches" in name)
        assert torch.equal(after[name], value) == stays, name


def test_a_network_may_begin_as_its_layers_do_in_keras():
    """Check Glorot initialization: uniform within the square root of 6 / (fan in + fan out).

    Biases of 0.
    """
    network = loop.untrained(dataclasses.replace(TINY, architecture="K1", init="keras")).net
    for layer in (network[3], network[6]):  # a convolution and a transposed one, 32 to 32 channels
        largest = (6 / (2 * 32 * 9)) ** 0.5
        assert 0.98 * largest < layer.weight.abs().max() <= largest
        assert not layer.bias.any()
    assert loop.untrained(dataclasses.replace(TINY, architecture="K1")).net[3].bias.any()


def test_weights_of_another_architecture_cannot_be_gone_on_from(tmp_path):
    first = loop.train(dataclasses.replace(TINY, images=32), tmp_path)
    with pytest.raises(ValueError, match="has architecture .*; valid: "):
        loop.train(dataclasses.replace(TINY, init_from=str(first), decoder="bilinear"), tmp_path)


def batches(**changes):
    options = {
        "size": 8,
        "channels": 1,
        "patch": 0,
        "noise": "gaussian",
        "sigma": (0.0, 0.6),
        "clip": True,
        "seed": 0,
    }
    name = changes.pop("dataset", "glyphs")
    return Batches(datasets.load(name, "train"), **(options | changes), device=torch.device("cpu"))


def test_noise_is_fresh_in_every_batch_and_the_same_when_a_step_is_repeated():
    stream = batches(sigma=(0.5, 0.5), clip=False)
    (clean_1, noisy_1, _), (clean_2, noisy_2, _), (_, again, _) = stream(1), stream(2), stream(1)
    assert torch.equal(noisy_1, again)
    one, two = (noisy_1 - clean_1).flatten(), (noisy_2 - clean_2).flatten()
    assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 0.1


def test_every_picture_is_seen_once_an_epoch():
    pictures = datasets.load("glyphs", "train").spread(24)
    stream = Batches(
        pictures, size=8, channels=1, patch=0, noise="gaussian", sigma=(0, 0), clip=True, seed=3,
        device=torch.device("cpu"),
    )  # fmt: skip
    for first in (0, 3):
        epoch = torch.cat([stream(step)[0] for step in range(first, first + 3)]).flatten(1)
        expected = (pictures.images.float() / 255).flatten(1)
        assert sorted(map(tuple, epoch.tolist())) == sorted(map(tuple, expected.tolist()))


def test_photographs_are_trained_on_random_crops():
    clean, noisy, _ = batches(dataset="photos", channels=3, patch=48)(0)
    assert clean.shape == noisy.shape == (8, 3, 48, 48)
    assert 0 <= clean.min() < clean.max() <= 1


def test_pictures_of_different_sizes_ask_for_a_patch():
    with pytest.raises(ValueError, match="differ in size: give --patch"):
        batches(dataset="photos", channels=3)


def test_a_run_on_photographs_makes_colour_weights(tmp_path):
    settings = loop.Settings(
        dataset="photos", channels=3, patch=32, width=4, images=16, batch=8, sigma=(0.1, 0.1)
    )
    network, card = weights.read(loop.train(settings, tmp_path))
    assert network(torch.rand(1, 3, 20, 20)).shape == (1, 3, 20, 20)
    assert card["name"] == "photos-nearest"


def test_without_fresh_noise_a_picture_has_one_noise_and_with_it_a_new_one_each_time():
    pictures = datasets.load("glyphs", "train")
    common = {
        "channels": 1,
        "patch": 0,
        "noise": "gaussian",
        "sigma": (0.4, 0.4),
        "clip": True,
        "seed": 0,
    }
    for fresh in (True, False):
        batches = Batches(
            pictures, size=len(pictures), online_noise=fresh, device=torch.device("cpu"), **common
        )
        first, again = (
            {
                clean.numpy().tobytes(): noisy
                for clean, noisy in zip(*batches(epoch)[:2], strict=True)
            }
            for epoch in (0, 1)
        )
        assert first.keys() == again.keys()
        assert all(torch.equal(first[key], again[key]) for key in first) != fresh


def test_one_noise_a_picture_is_refused_with_crops():
    with pytest.raises(ValueError, match="cannot be combined with --patch"):
        dataclasses.replace(TINY, online_noise=False, patch=8)


def test_a_constant_schedule_keeps_the_learning_rate():
    assert {SCHEDULES["constant"](step, 100) for step in range(100)} == {1.0}
    assert SCHEDULES["cosine"](99, 100) < 0.01


def test_wsd_rises_stays_and_falls_to_zero_in_the_last_fifth():
    rates = [SCHEDULES["wsd"](step, 1_000) for step in range(1_000)]
    assert rates[0] == 1 / WARM
    assert set(rates[WARM - 1 : stable(1_000) + 1]) == {1.0}
    assert stable(1_000) == 800
    assert rates[900] == 0.5
    assert 0 < rates[-1] < 0.01


WSD = dataclasses.replace(TINY, optimizer="muon", schedule="wsd", half=True)


@pytest.fixture(scope="module")
def lengths(tmp_path_factory):
    """Train a network that also writes two shorter lengths; return the folder."""
    folder = tmp_path_factory.mktemp("lengths")
    loop.train(WSD, folder, name="whole", lengths={128: "short", 192: "middle"})
    return folder


@pytest.mark.parametrize(("name", "images"), [("short", 128), ("middle", 192), ("whole", 320)])
def test_every_length_equals_a_training_of_that_length_alone(lengths, tmp_path, name, images):
    alone = loop.train(dataclasses.replace(WSD, images=images), tmp_path, name=name)
    card, same_card = (
        json.loads(path.with_suffix(".json").read_text())
        for path in (alone, lengths / f"{name}.safetensors")
    )
    assert card["settings"]["images"] == images
    assert card.pop("seconds") >= 0
    assert same_card.pop("seconds") >= 0
    assert same_card == card  # with the checksum of the weights


def test_a_training_of_several_lengths_that_was_killed_in_one_goes_on(
    lengths, tmp_path, monkeypatch
):
    class Killed(BaseException):
        pass

    real = Run.finish

    def killed(run, named, target, validation):
        if named["name"] == "middle":
            raise Killed
        real(run, named, target, validation)

    monkeypatch.setattr(Run, "finish", killed)
    given = {"name": "whole", "lengths": {128: "short", 192: "middle"}}
    with pytest.raises(Killed):
        loop.train(WSD, tmp_path, **given)
    monkeypatch.undo()
    loop.train(WSD, tmp_path, **given)
    for name in ("short", "middle", "whole"):
        file = f"{name}.safetensors"
        assert (tmp_path / file).read_bytes() == (lengths / file).read_bytes()


def test_a_length_behind_the_checkpoint_is_named(tmp_path):
    settings = dataclasses.replace(WSD, images=320)
    run = Run(settings, distributed.team(settings.batch), None)
    run.start(tmp_path / "whole.checkpoint.safetensors")
    for _ in range(5):
        run.step(run.done)
    run.save()
    with pytest.raises(ValueError, match="short.safetensors is missing and the checkpoint is"):
        loop.train(settings, tmp_path, name="whole", lengths={128: "short"})


@pytest.mark.parametrize(
    ("settings", "lengths", "problem"),
    [
        (TINY, {128: "short"}, "need the schedule wsd, not cosine"),
        (WSD, {320: "same"}, "a shorter length is 320 images; valid: 1 to 319"),
        (WSD, {0: "none"}, "a shorter length is 0 images; valid: 1 to 319"),
    ],
)
def test_an_invalid_length_is_named_before_the_training(tmp_path, settings, lengths, problem):
    with pytest.raises(ValueError, match=problem):
        loop.train(settings, tmp_path / "out", lengths=lengths)
    assert not (tmp_path / "out").exists()


def test_rounded_weights_fit_float16_and_running_statistics_stay_exact(lengths):
    network, _ = weights.read(lengths / "whole.safetensors")
    for value in network.parameters():
        assert torch.equal(value.half().to(value.dtype), value)
    statistics = [value for value in network.buffers() if value.is_floating_point()]
    assert any(not torch.equal(value.half().to(value.dtype), value) for value in statistics)


def test_a_weight_beyond_float16_is_told(tmp_path):
    run = Run(WSD, distributed.team(WSD.batch), None)
    run.start(tmp_path / "whole.checkpoint.safetensors")
    next(run.network.parameters()).data.fill_(1e5)
    with pytest.raises(ValueError, match="exceeds the range of float16; valid: --no-half"):
        run.finish({"name": "whole"}, tmp_path / "whole.safetensors", 10)


def run_of(**changes):
    settings = dataclasses.replace(TINY, schedule="wsd", **changes)
    run = Run(settings, distributed.Alone(), None)
    run.start(Path("no-checkpoint"))
    return run


def test_a_training_whose_end_is_set_later_equals_one_of_that_length():
    late, known = run_of(images=320_000), run_of(images=320)
    for run in (late, known):
        while run.done < stable(10):
            run.step(run.done)
    late.end_at(10)
    assert late.settings == known.settings
    for run in (late, known):
        while run.done < 10:
            run.step(run.done)
    assert same(late.network.state_dict(), known.network.state_dict())


def test_the_end_cannot_be_set_within_the_cooldown_or_for_another_schedule():
    run = run_of()
    run.done = stable(10) + 1
    with pytest.raises(ValueError, match="beyond the stable part of 10 steps"):
        run.end_at(10)
    with pytest.raises(ValueError, match="needs the schedule wsd, not cosine"):
        Run(TINY, distributed.Alone(), None).end_at(10)


def test_images_can_be_given_instead_of_a_data_set():
    images = [datasets.load("glyphs", split).spread(7) for split in ("train", "val")]
    run = Run(TINY, distributed.Alone(), None, images)
    assert (len(run.pictures), len(run.held_out)) == (7, 7)


def test_an_estimate_leaves_the_network_in_training():
    run = run_of()
    noisy = torch.rand(2, 1, 28, 28)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    estimate = run.estimate(noisy)
    assert run.network.training
    assert same(before, run.network.state_dict())
    with torch.no_grad():
        assert torch.equal(estimate, run.network.eval()(noisy))
