"""`python -m bench rescore`: each convention is checked against its source."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.signal import convolve2d

from bench import __main__ as command
from bench.commands import rescore
from bench.report import benchmark_table, pages
from bench.schema import RESCORE
from bench.scoring import quality
from bench.scoring.conventions import CONVENTIONS, score
from bench.sweep import collect
from denoise import cli, datasets, metrics


@pytest.fixture(params=[(1, 28, 28), (3, 20, 33)], ids=["gray", "color"])
def pair(request, generator):
    """Return estimates with errors of very different size, and images with flat parts."""
    target = torch.rand(5, *request.param, generator=generator)
    target[..., :12] = 0
    errors = torch.randn(target.shape, generator=generator) * torch.tensor(
        [0.01, 0.05, 0.1, 0.3, 0.6]
    ).view(5, 1, 1, 1)
    return (target + errors).clamp(0, 1), (target * 255).round() / 255


def test_the_project_scores_as_everywhere_else_here(pair):
    scores = CONVENTIONS["project"].build(*pair)
    assert (scores["psnr_db"] == metrics.psnr(*pair)).all()
    assert (scores["ssim"] == metrics.ssim(*pair)).all()


def test_kair_scores_8_bit_images_as_its_functions_do(pair):
    scores = CONVENTIONS["kair"].build(*pair)
    # its tensor2uint
    preds, target = (np.uint8((x.clamp(0, 1).numpy() * 255.0).round()) for x in pair)
    for number in range(len(preds)):
        mse = ((preds[number].astype(float) - target[number].astype(float)) ** 2).mean()
        assert scores["psnr_db"][number].item() == pytest.approx(
            20 * np.log10(255 / np.sqrt(mse)), abs=1e-4
        )
        channels = [_wang(x, y) for x, y in zip(preds[number], target[number], strict=True)]
        assert scores["ssim"][number].item() == pytest.approx(np.mean(channels), abs=1e-6)


def _wang(x, y):
    """Compute SSIM of two 8-bit gray images from the paper's formula, in the valid region."""
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    x, y = x.astype(float), y.astype(float)
    mean_x, mean_y, xx, yy, xy = (
        convolve2d(z, window, mode="valid") for z in (x, y, x * x, y * y, x * y)
    )
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * (xy - mean_x * mean_y) + c2)
    return (above / ((mean_x**2 + mean_y**2 + c1) * (xx - mean_x**2 + yy - mean_y**2 + c2))).mean()


def test_skimage_scores_with_a_uniform_window_and_sample_covariance(pair):
    """Check the documented defaults of scikit-image, which computes the score."""
    scores = CONVENTIONS["skimage"].build(*pair)
    preds, target = (x.double().flatten(0, 1)[:, None] for x in pair)
    mean = lambda x: torch.nn.functional.avg_pool2d(x, 7, stride=1)  # noqa: E731
    x, y = mean(preds), mean(target)
    sample = 49 / 48
    xx, yy, xy = (
        sample * (mean(a * b) - p * q)
        for a, b, p, q in [(preds, preds, x, x), (target, target, y, y), (preds, target, x, y)]
    )
    c1, c2 = 0.01**2, 0.03**2
    expected = (2 * x * y + c1) * (2 * xy + c2) / ((x**2 + y**2 + c1) * (xx + yy + c2))
    torch.testing.assert_close(
        scores["ssim"], expected.reshape(5, -1).mean(1).float(), rtol=0, atol=1e-4
    )
    torch.testing.assert_close(scores["psnr_db"], metrics.psnr(*pair), rtol=0, atol=1e-3)


def test_skimage_scores_as_the_library_called_by_hand(pair):
    from skimage.metrics import structural_similarity

    scores = CONVENTIONS["skimage"].build(*pair)
    preds, target = (x[3].permute(1, 2, 0).numpy() for x in pair)
    expected = structural_similarity(target, preds, data_range=1, channel_axis=-1)
    assert scores["ssim"][3].item() == pytest.approx(expected, abs=1e-5)


def test_torchmetrics_scores_a_set_as_the_library_does(pair):
    image = pytest.importorskip("torchmetrics.image")
    library = (
        image.PeakSignalNoiseRatio(data_range=1.0),
        image.StructuralSimilarityIndexMeasure(data_range=1.0),
    )
    preds, target = pair
    batches = [(preds[:2], target[:2]), (preds[2:], target[2:])]
    for metric in library:
        for batch in batches:
            metric.update(*batch)
    scores = score("torchmetrics", batches)
    assert scores["psnr_db"] == pytest.approx(library[0].compute().item(), abs=1e-4)
    assert scores["ssim"] == pytest.approx(library[1].compute().item(), abs=1e-4)


def test_a_tutorial_scores_the_squared_error_of_the_whole_set(pair):
    preds, target = pair
    scores = score("tutorial", [(preds[:2], target[:2]), (preds[2:], target[2:])])
    assert scores["psnr_db"] == pytest.approx(
        -10 * (preds - target).square().mean().log10().item(), abs=1e-4
    )
    assert scores["ssim"] == pytest.approx(metrics.ssim(*pair).mean().item(), abs=1e-6)


def test_tensorflow_scores_images_as_the_project_does():
    """Compare with `tf.image.psnr` and `tf.image.ssim` of TensorFlow 2.21, `max_val=1.0`."""
    row, column = np.mgrid[:28, :32].astype(float)
    target = np.round(127.5 + 127.5 * np.sin(row * column / 20)) / 255
    waves = np.stack([0.05 * np.cos(3 * row + column), 0.4 * np.cos(row - 2 * column)])
    pair = np.clip(target + waves, 0, 1), np.broadcast_to(target, waves.shape)
    preds, target = (torch.from_numpy(x[:, None].astype(np.float32)) for x in pair)
    for name in ("project", "tutorial"):
        scores = CONVENTIONS[name].build(preds, target)
        assert scores["psnr_db"].tolist() == pytest.approx([29.488344, 12.475133], abs=1e-4)
        assert scores["ssim"].tolist() == pytest.approx([0.9942371, 0.74692136], abs=1e-5)


def test_images_of_different_sizes_are_pooled_by_their_pixels():
    small, large = torch.full((1, 1, 12, 12), 0.1), torch.full((1, 1, 24, 24), 0.5)
    scores = score("tutorial", [(small, torch.zeros_like(small)), (large, torch.zeros_like(large))])
    assert scores["psnr_db"] == pytest.approx(
        -10 * np.log10((0.01 * 144 + 0.25 * 576) / 720), abs=1e-4
    )


@pytest.mark.parametrize("name", CONVENTIONS.names())
def test_images_smaller_than_the_window_are_refused_and_images_as_large_are_scored(name, generator):
    window = CONVENTIONS[name].facts["window"]
    enough, few = (
        torch.rand(2, 1, side, side + 1, generator=generator) for side in (window, window - 1)
    )
    assert np.isfinite(list(score(name, [(enough, 1 - enough)]).values())).all()
    with pytest.raises(
        ValueError,
        match=f"{name}.*at least {window}x{window} pixels; these are {window - 1}x{window}",
    ):
        score(name, [(few, few)])


@pytest.mark.parametrize("name", CONVENTIONS.names())
def test_an_estimate_that_is_not_finite_is_never_averaged(name, generator):
    target = torch.rand(3, 1, 16, 16, generator=generator)
    preds = target.clone()
    preds[1] = torch.nan
    assert np.isnan(list(score(name, [(preds, target)]).values())).all()


@pytest.mark.parametrize("name", CONVENTIONS.names())
def test_a_perfect_estimate_has_an_infinite_psnr_and_an_ssim_of_one(name, generator):
    target = torch.rand(2, 1, 16, 16, generator=generator)
    assert score(name, [(target, target)]) == {"psnr_db": np.inf, "ssim": pytest.approx(1)}


# the command


def _rescore(out, *arguments):
    command.main(
        ["rescore", "--datasets", "glyphs", "--pictures", "5", "--out", str(out), *arguments]
    )
    return pd.read_csv(out / "rescore.csv")


def test_every_method_is_scored_under_every_convention(tmp_path, capsys):
    frame = _rescore(tmp_path, "--methods", "noisy", "mnist-nearest", "--sigma", "0.2", "0.4")
    assert len(frame) == 2 * 2 * len(CONVENTIONS)
    assert frame[["psnr_db", "ssim", "protocol", "command"]].notna().all().all()
    printed = capsys.readouterr().out
    assert printed.count("#### glyphs, 5 test images, gaussian noise") == 2
    for name in CONVENTIONS.names():
        assert f"{name}: {CONVENTIONS[name].label}" in printed


def test_the_convention_of_the_project_gives_the_scores_of_the_table(tmp_path):
    frame = _rescore(tmp_path, "--methods", "noisy", "--convention", "project")
    pictures = datasets.load("glyphs", "test").spread(5)
    scores = quality.score(
        {"noisy": lambda y, s: y}, pictures, quality.Corruption("gaussian", 0.4, clip=True)
    )
    assert frame.psnr_db.item() == pytest.approx(scores.psnr_db.mean(), rel=1e-5)
    assert frame.ssim.item() == pytest.approx(scores.ssim.mean(), rel=1e-5)


def test_the_spread_is_the_largest_minus_the_least(tmp_path):
    frame = _rescore(tmp_path, "--methods", "noisy", "black")
    table = rescore.wide(frame, "ssim")
    assert table.columns.tolist() == [*CONVENTIONS.names(), "spread"]
    scores = frame[frame.method == "black"].ssim
    assert table.spread["black"] == scores.max() - scores.min()


def test_an_invalid_method_is_shown_as_such(tmp_path, capsys):
    path = tmp_path / "net.py"
    path.write_text(
        "from torch import nn\n\nclass Net(nn.Module):\n    def forward(self, x):\n       "
        " return x / 0\n"
    )
    frame = _rescore(tmp_path, "--methods", "noisy", "--model", f"{path}:Net")
    assert frame[frame.method == "net"][["psnr_db", "ssim"]].isna().all().all()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| net")]
    cells = [[cell.strip() for cell in line.split("|")[2:-1]] for line in lines]
    assert cells == [["invalid"] * len(CONVENTIONS) + [""]] * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--convention", "kai"],
            "unknown convention 'kai' (did you mean 'kair'?); valid: project, kair, skimage, ",
        ),
        (["--methods", "mnist-nearst"], "unknown method 'mnist-nearst'"),
        (["--datasets", "mnst"], "unknown dataset 'mnst'"),
        (["--sigma", "25"], "25 on the 0-255 scale is 0.098"),
        (["--pictures", "-1"], "--pictures is -1"),
        (["--model", "nowhere.onnx"], "nowhere.onnx: no such file"),
    ],
)
def test_bad_input_gets_one_line_and_writes_nothing(tmp_path, capsys, arguments, said):
    with pytest.raises(SystemExit) as stop:
        cli.run(
            command.main, ["rescore", "--datasets", "glyphs", "--out", str(tmp_path), *arguments]
        )
    lines = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2
    assert len(lines) == 1
    assert said in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_the_page_tells_the_spread_that_the_committed_scores_have():
    frame = collect.read_csv(benchmark_table.RESULTS / "rescore.csv", RESCORE)
    rows = frame[
        (frame.method == "mnist-nearest") & (frame.dataset == "mnist") & (frame.sigma == 0.4)
    ]
    text = " ".join((pages.ROOT / "docs" / "benchmark.md").read_text().split())
    assert f"between {rows.psnr_db.min():.2f} and {rows.psnr_db.max():.2f} dB" in text
    assert f"SSIM between {rows.ssim.min():.3f} and {rows.ssim.max():.3f}" in text
    assert f"{rows.pictures.iloc[0]} digits" in text
