"""The dihedral group: eight ways to turn and mirror an image, and the self-ensemble."""

import pytest
import torch

import denoise
from denoise import datasets
from denoise.images import dihedral
from denoise.metrics import psnr
from denoise.noise import PictureDraws, corrupt, picture_seeds

CORNER = torch.arange(6.0).view(1, 1, 2, 3)


def test_the_eight_views_of_a_picture_differ_and_each_is_turned_back():
    seen = [dihedral.turned(CORNER, way) for way in range(dihedral.WAYS)]
    assert len({(tuple(view.shape), tuple(view.flatten().tolist())) for view in seen}) == 8
    for way, view in enumerate(seen):
        assert torch.equal(dihedral.turned_back(view, way), CORNER)


def test_the_mean_of_what_does_not_mind_being_turned_is_its_answer():
    torch.testing.assert_close(dihedral.average(lambda x: x / 2, CORNER), CORNER / 2)


def test_an_ensemble_answers_alike_however_the_picture_lies():
    denoiser = denoise.load("photo-gray", "cpu", "float32")
    noisy = torch.rand(1, 1, 40, 24, generator=torch.Generator().manual_seed(0))
    upright = denoiser.estimate(noisy, ensemble=True)
    for way in range(dihedral.WAYS):
        turned = denoiser.estimate(dihedral.turned(noisy, way), ensemble=True)
        torch.testing.assert_close(dihedral.turned_back(turned, way), upright, atol=1e-5, rtol=0)
    assert not torch.allclose(denoiser.estimate(noisy), upright, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["photo-gray", "photo-color"])
def test_an_ensemble_is_better_on_photographs(real, name):
    denoiser = denoise.load(name, "cpu")
    dataset = "set12" if denoiser.channels == 1 else "cbsd68"
    pictures = datasets.load(dataset, "test", real(dataset)).spread(4)
    gains = []
    for whole, keys in pictures.batches(1):
        clean = whole[..., :160, :160]
        noisy = corrupt(
            clean,
            25 / 255,
            PictureDraws(picture_seeds(dataset, keys, "gaussian", 25 / 255)),
            clip=False,
        )
        one, mean = denoiser.estimate(noisy), denoiser.estimate(noisy, ensemble=True)
        gains.append((psnr(mean, clean) - psnr(one, clean)).item())
    assert min(gains) > 0


def test_an_ensemble_is_told_the_level_in_every_view():
    denoiser = denoise.load("photo-gray", "cpu", "float32")
    noisy = torch.rand(1, 1, 24, 40, generator=torch.Generator().manual_seed(0))
    told = denoiser.estimate(noisy, 0.1, ensemble=True)
    torch.testing.assert_close(
        told, dihedral.average(lambda view: denoiser.estimate(view, 0.1), noisy)
    )
    assert not torch.allclose(told, denoiser.estimate(noisy, ensemble=True), atol=1e-3)


def test_a_network_that_never_saw_turned_pictures_has_no_ensemble():
    with pytest.raises(
        ValueError, match="mnist-nearest was not trained with --dihedral: it has no self-ensemble"
    ):
        denoise.load("mnist-nearest")(torch.rand(28, 28), ensemble=True)
