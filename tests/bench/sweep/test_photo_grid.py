"""The decoder comparison inside U-Nets, on two images of Set12: from the plan to the report."""

import pytest

from bench import __main__ as command
from bench.report import build, pages, results
from bench.sweep import collect, recipe, work
from bench.sweep.backbones import BODIES
from bench.sweep.grid import Selection, suites
from bench.sweep.recipe import Recipe
from denoise.models import weights

TINY = ["--width", "4", "--depth", "1", "--images", "64", "--batch", "8", "--seeds", "2"]


def test_a_u_net_is_trained_as_dncnn_was_blind_and_not_clamped():
    networks = Selection(seeds=1).networks(Recipe(body="unet", width=16))
    assert {(network.dataset, network.clip) for network in networks} == {("bsd68", False)}
    assert {network.arm for network in networks} == set(BODIES["unet"].arms)
    for network in networks:
        settings = network.settings(Recipe(body="unet", width=16))
        assert settings.sigma == pytest.approx((0, 55 / 255))
        assert not settings.clip
        built = weights.build(settings.network())
        assert not any(name.endswith("bias") for name, _ in built.named_parameters())


def test_it_is_tested_at_the_levels_of_papers_and_under_the_noise_of_cameras():
    found = suites("bsd68", False, "unet")
    assert {round(test.corruption.sigma * 255) for test in found["own"]} == {15, 25, 50}
    assert {test.dataset for test in found["on_set12"]} == {"set12"}
    assert {test.corruption.noise for test in found["noises"]} == {"poisson", "camera", "jpeg"}
    assert {test.corruption.noise for test in suites("mnist", True)["noises"]} == {
        "salt_pepper",
        "poisson",
        "speckle",
        "masking",
    }


def test_every_backbone_can_be_named_in_a_recipe():
    assert tuple(BODIES) == recipe.BODIES


def test_an_unknown_backbone_is_refused():
    with pytest.raises(ValueError, match="unknown backbone 'resnet'; valid: autoencoder, unet"):
        Recipe(body="resnet")


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """Return a collected grid of two decoders and two seeds; skip without the data."""
    folder = tmp_path_factory.mktemp("photographs")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OWN_PICTURES", "OTHER_PHOTOGRAPHS"):
            patch.setattr(work, name, 2)
        part = ["--datasets", "set12", "--arms", "nearest", "transposed", "--budgets", "parameters"]
        command.main(["grid", "--body", "unet", *part, *TINY, "--out", str(folder / "grid")])
        command.main(
            ["collect", "--out", str(folder / "grid"), "--results", str(folder / "results")]
        )
    return folder / "results"


@pytest.mark.slow
def test_the_networks_stand_in_a_report_of_their_own(real, request, monkeypatch, tmp_path):
    for name in ("set12", "train400"):
        real(name)
    found = results.Results.read(request.getfixturevalue("collected"))
    page = tmp_path / "photographs.md"
    page.write_text("\n".join(pages.marks(found.body.mark)))
    monkeypatch.setitem(pages.OF_MARK, found.body.mark, page)
    made = build.texts(found)
    report = made[found.folder / "report.md"]
    assert "Which decoder should a U-Net for photographs use?" in report
    assert "mean over sigma 15/255 to 50/255" in report
    assert "| 15/255 |" in " ".join(report.split())
    assert "U-Nets of width 4 and depth 1, trained blind over sigma 0 to 55/255" in made[page]
    assert "tutorials" not in report
    methods = collect.read(found.folder)[0]
    assert (
        methods[methods.method == "set12-unclipped-nearest-4-s0"]
        .command.item()
        .startswith(
            "python -m bench grid --datasets set12 --only set12-unclipped-nearest-4-s0 "
            "--body unet --width 4"
        )
    )
