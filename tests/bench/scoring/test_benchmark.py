import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from bench import __main__ as command
from bench import labels, provenance, timing
from bench.report import benchmark_table, figures, pages, photographs
from bench.schema import COLUMNS, KEY
from bench.scoring import benchmark, methods, quality, tune_classical
from denoise import classical, datasets
from denoise.decoders import DECODERS
from denoise.images import dihedral
from denoise.metrics import psnr
from denoise.models import weights

pytestmark = pytest.mark.slow

OF_LETTERS = [name for name in weights.names() if name.partition("-")[2] in DECODERS]


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """Run `python -m bench` on letters, as on a machine without data and internet access."""
    out = tmp_path_factory.mktemp("bench")
    command.main(
        [
            "--datasets",
            "glyphs",
            "--pictures",
            "20",
            "--sigma",
            "0.2",
            "0.4",
            "--quick",
            "--out",
            str(out),
        ]
    )
    return benchmark_table.read(out / "table.csv")


def test_there_is_one_row_a_dataset_level_and_method(frame):
    assert len(frame) == 2 * (len(classical.DENOISERS) + len(OF_LETTERS))
    assert not frame.duplicated(KEY).any()


def test_every_row_has_every_column_of_the_schema_and_its_settings(frame):
    assert list(frame.columns) == list(COLUMNS)
    assert set(frame.commit) == {provenance.commit()}
    always = [
        "psnr_db",
        "psnr_ci95_db",
        "ssim",
        "ssim_ci95",
        "sigma_255",
        "cpu",
        "cpu_threads",
        "dtype",
        "torch",
    ]
    assert frame[always].notna().all().all()
    # they compute nothing, so they have no time
    floors = frame.method.isin(["noisy", "black", "mean"])
    for column in ("cpu_ms_p50", "cpu_ms_p90", "cpu_images_per_s", "batch", "timed_sigma"):
        assert (frame[column].isna() == floors).all()


def test_gpu_columns_are_empty_where_there_is_no_gpu(frame):
    present = torch.cuda.is_available()
    networks = frame[frame.parameters.notna()]
    assert networks.gpu_ms_p50.notna().all() == present
    assert frame.gpu.notna().all() == present


def test_only_networks_have_parameters_macs_and_a_checksum(frame):
    is_network = frame.method.isin(OF_LETTERS)
    for column in ("parameters", "macs", "weights_sha256", "trained_on", "decoder"):
        assert (frame[column].notna() == is_network).all()
    assert frame[frame.method == "mnist-nearest"].macs.unique() == [72_705_024]


def test_the_floors_have_the_scores_computed_by_hand(frame):
    pictures = datasets.load("glyphs", "test").spread(20)
    clean, _ = next(pictures.batches(20))
    expected = psnr(torch.zeros_like(clean), clean).mean().item()
    assert frame[frame.method == "black"].psnr_db.tolist() == pytest.approx(
        [expected] * 2, rel=1e-5
    )


def test_scores_do_not_depend_on_which_other_methods_are_scored():
    pictures = datasets.load("glyphs", "test").spread(5)
    corruption = quality.Corruption("gaussian", 0.3, clip=True)
    alone, together = (
        {arm.name: arm.build(pictures, torch.device("cpu")) for arm in methods.find(names)}
        for names in (["median"], ["noisy", "median"])
    )
    one, two = (quality.score(denoisers, pictures, corruption) for denoisers in (alone, together))
    pd.testing.assert_frame_equal(one, two[two.method == "median"].reset_index(drop=True))


def test_black_scores_9_73_db_on_mnist(real):
    pictures = datasets.load("mnist", "test", real("mnist"))
    clean, _ = next(pictures.batches(10_000))
    assert psnr(torch.zeros_like(clean), clean).mean().item() == pytest.approx(9.73, abs=0.01)


def test_a_set_that_is_not_there_is_left_out_with_one_line(tmp_path, monkeypatch):
    def closed(*arguments, **options):
        raise datasets.MissingData("mnist is not in the data root: put it there")

    monkeypatch.setitem(datasets.DATASETS._entries, "mnist", _entry(closed))
    found, left_out = benchmark.available(("mnist", "glyphs"), tmp_path)
    assert list(found) == ["glyphs"]
    assert left_out == {"mnist": "mnist is not in the data root: put it there"}


def _entry(build):
    from denoise.registry import Entry

    return Entry("mnist", build, "MNIST")


def test_every_method_is_timed_at_every_batch_size():
    calls = []
    times = timing.measure(
        {"copy": lambda y, s: calls.append(len(y)) or y},
        torch.zeros(3, 1, 4, 4),
        0.1,
        torch.device("cpu"),
        (1, 7),
        1,
    )
    assert set(calls) == {1, 7}
    assert set(times["copy"]) == {1, 7}
    assert set(times["copy"][7]) == {"ms_p50", "ms_p90", "images_per_s", "calls"}


def test_a_slow_method_is_timed_as_often_as_is_asked(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    rounds, least = 2, 5
    times = timing.measure(
        {"copy": lambda y, s: y},
        torch.zeros(3, 1, 4, 4),
        0.1,
        torch.device("cpu"),
        (1,),
        rounds,
        least=least,
    )
    assert times["copy"][1]["calls"] == rounds * least


def test_the_mean_of_photographs_of_different_sizes_is_one_value():
    sets, _ = benchmark.available(("photos",), None)
    plan = benchmark.Plan(sigmas=(0.1,), pictures=1, rounds=1)
    rows = benchmark.make(plan, sets, methods.find(["noisy", "mean", "median"]), "")
    assert rows.method.tolist() == ["noisy", "mean", "median"]
    assert rows[rows.method == "mean"].psnr_db.item() < 15
    assert rows.psnr_db.tolist()[0] == pytest.approx(20, abs=0.5)
    assert rows[rows.method == "median"].batch.tolist() == [2]


def test_a_color_network_skips_gray_images_and_a_gray_network_takes_color_channels(real):
    sets, _ = benchmark.available(("set12", "cbsd68"), real("cbsd68"))
    plan = benchmark.Plan(sigmas=(0.1,), pictures=1, rounds=0)
    rows = benchmark.make(plan, sets, methods.find(["photo-gray", "photo-color"]), "")
    rows = rows[rows.status == "ok"].set_index(["dataset", "method"])
    assert set(rows.index) == {
        ("set12", "photo-gray"),
        ("cbsd68", "photo-gray"),
        ("cbsd68", "photo-color"),
    }
    gray, color = (
        row.macs / (row.height * row.width)
        for row in (rows.loc["set12", "photo-gray"], rows.loc["cbsd68", "photo-gray"])
    )
    assert color == pytest.approx(3 * gray, rel=0.05)  # channel by channel


def test_two_methods_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two methods have one name: median"):
        methods.find(["median", "noisy", "median"])


def test_the_machine_is_named():
    assert provenance.machine()["cpu"]
    assert provenance.machine()["cpu_threads"] == torch.get_num_threads()


@pytest.mark.parametrize("method", tune_classical.METHODS)
@pytest.mark.parametrize("dataset", tune_classical.IMAGES)
def test_classical_methods_have_the_strength_that_the_search_found_best(dataset, method):
    searched = tune_classical.mean_over_levels(pd.read_csv(benchmark_table.RESULTS / "tuning.csv"))
    of_set = searched.loc[(dataset, method)]
    assert classical.STRENGTHS[method][dataset] == of_set.idxmax()
    assert of_set.index[0] < of_set.idxmax() < of_set.index[-1]


def test_the_readable_table_is_made_from_the_committed_table():
    assert (benchmark_table.RESULTS / "README.md").read_text() == benchmark_table.columns_text()
    for path in benchmark_table.RESULTS.rglob("table.csv"):
        assert path.with_suffix(".md").read_text() == benchmark_table.markdown(
            benchmark_table.read(path)
        )


def test_the_pages_show_what_the_committed_table_of_photographs_says():
    frame, camera = map(benchmark_table.read, (photographs.TABLE, photographs.CAMERA))
    part = pages.part_of(pages.PHOTOGRAPHS, photographs.PART)
    assert part == photographs.part(frame, camera).strip()
    assert pages.part_of(pages.README, photographs.SHORT) == photographs.short(frame).strip()
    assert figures.stamped(photographs.CURVES) == photographs.stamp(), (
        "the curves are stale: python -m bench report"
    )


def test_the_committed_tables_are_of_the_shipped_weights():
    tables = [benchmark_table.read(path) for path in benchmark_table.RESULTS.rglob("table.csv")]
    committed = pd.concat(tables).dropna(subset="weights_sha256")
    committed = committed.assign(method=committed.method.map(methods.plain))
    sums = {name: weights.read(weights.locate(name))[1]["sha256"] for name in weights.names()}
    assert set(zip(committed.method, committed.weights_sha256, strict=True)) == set(sums.items())


def test_a_network_denoises_its_kind_of_images_by_default_and_any_images_if_named():
    letters = datasets.load("glyphs", "train")
    photographs = datasets.load("photos", "train")
    cpu = torch.device("cpu")
    networks = methods.find(untrained=False)
    assert set(benchmark.build(networks, letters, cpu)) == set(OF_LETTERS)
    assert not set(benchmark.build(networks, photographs, cpu)) & set(OF_LETTERS)
    assert set(benchmark.build(methods.find(["mnist-nearest"]), photographs, cpu)) == {
        "mnist-nearest"
    }


@pytest.mark.parametrize(
    ("channels", "by_default", "by_name"),
    [
        ((1,), {"photo-gray"}, {"photo-gray"}),
        ((3,), {"photo-color"}, {"photo-gray", "photo-color"}),
        # the only network that can denoise all of these images
        ((1, 3), {"photo-gray"}, {"photo-gray"}),
    ],
)
def test_gray_images_are_denoised_by_the_gray_network_and_color_images_by_the_color_network(
    channels, by_default, by_name
):
    images = tuple(torch.zeros(count, 8, 8, dtype=torch.uint8) for count in channels)
    keys = tuple(map(str, channels))
    pictures, cpu = datasets.Pictures("photos", "train", images, keys, keys), torch.device("cpu")
    photographic = ["photo-gray", "photo-color"]
    assert (
        set(benchmark.build(methods.find(untrained=False), pictures, cpu)) & set(photographic)
        == by_default
    )
    assert set(benchmark.build(methods.find(photographic), pictures, cpu)) == by_name


def test_a_noise_conditional_network_is_two_methods(tmp_path):
    told = weights.build(
        {
            "name": "unet",
            "width": 4,
            "depth": 1,
            "noise_conditional": True,
            "output": "residual",
            "bias": False,
        }
    )
    card = {
        "architecture": {
            "name": "unet",
            "channels": 1,
            "decoder": "nearest",
            "width": 4,
            "depth": 1,
            "noise_conditional": True,
        }
    }
    card["architecture"] |= {"output": "residual", "bias": False}
    path = tmp_path / "told.safetensors"
    weights.save(told, {**card, "settings": {"dataset": "train400"}}, path)
    blind, informed = methods.find([str(path), f"{path}:told"])
    assert (blind.name, informed.name) == ("told", "told:told")
    assert (blind.told_sigma, informed.told_sigma) == (False, True)
    assert informed.label == "told: U-Net, upsampling nearest + conv 3x3 (train400, told sigma)"
    noisy, letters = torch.rand(1, 1, 32, 32), datasets.load("glyphs", "train")
    answers = [arm.build(letters, torch.device("cpu"))(noisy, 0.2) for arm in (blind, informed)]
    assert not torch.equal(*answers)
    with pytest.raises(ValueError, match="mnist-nearest is not noise-conditional: leave out :told"):
        methods.find(["mnist-nearest:told"])


def test_a_self_ensemble_costs_eight_times_as_much_and_has_another_output():
    one, mean = methods.find(["photo-gray", "photo-gray:ensemble"])
    shape = (1, 24, 32)
    assert mean.costs(shape) == {
        "parameters": one.costs(shape)["parameters"],
        "macs": 8 * one.costs(shape)["macs"],
    }
    assert mean.label.endswith("(bsds500, ensemble)")
    noisy, letters = torch.rand(1, *shape), datasets.load("glyphs", "train")
    clean, ensemble = (arm.build(letters, torch.device("cpu")) for arm in (one, mean))
    expected = dihedral.average(lambda view: clean(view, 0.2), noisy)
    torch.testing.assert_close(ensemble(noisy, 0.2), expected)
    for name in ("photo-gray:told:ensemble", "photo-gray:ensemble:told"):
        (both,) = methods.find([name])
        assert (both.name, both.told_sigma) == ("photo-gray:told:ensemble", True)
    with pytest.raises(ValueError, match="mnist-nearest was not trained with --dihedral"):
        methods.find(["mnist-nearest:ensemble"])


def test_counts_are_whole_and_times_have_three_figures_in_a_readable_table():
    assert [labels.three_figures(ms) for ms in (3056.2, 999.6, 87.84, 0.12345)] == [
        "3,060",
        "1,000",
        "87.8",
        "0.123",
    ]
    published = benchmark_table.markdown(
        benchmark_table.read(benchmark_table.RESULTS / "photographs" / "table.csv")
    )
    assert "\n68 test images of 481x321; gaussian noise, unclipped, draw 0;" in published
    assert "e+" not in published
    assert "| 34,017.78 |" in " ".join(published.split())  # millions of MACs of photo-gray


def test_markdown_leaves_cells_without_a_measurement_empty(frame):
    line = next(
        line
        for line in benchmark_table.markdown(frame).splitlines()
        if line.startswith("| Median 3x3")
    )
    cells = [cell.strip() for cell in line.split("|")]
    assert "nan" not in line
    assert cells[4] == ""  # parameters of a method without any


def test_two_folders_that_would_have_one_name_are_refused_before_anything_is_measured(tmp_path):
    for name in ("a", "b"):
        for split in ("train", "test"):
            (tmp_path / name / split).mkdir(parents=True)
            Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / name / split / "gray.png")
    with pytest.raises(
        ValueError, match="would have one name in the table: measure one dataset a run"
    ):
        benchmark.available((f"folder:{tmp_path / 'a'}", f"folder:{tmp_path / 'b'}"), None)


def test_a_user_s_folder_has_scores_costs_and_times_like_any_set(tmp_path):
    for split in ("train", "test"):
        (tmp_path / "mine" / split).mkdir(parents=True)
        Image.fromarray(np.full((20, 24), 128, np.uint8)).save(
            tmp_path / "mine" / split / "gray.png"
        )
    words = [
        "--datasets",
        f"folder:{tmp_path / 'mine'}",
        "--methods",
        "noisy",
        "mnist-nearest",
        "--sigma",
        "0.4",
    ]
    command.main([*words, "--quick", "--out", str(tmp_path / "out")])
    row = (
        benchmark_table.read(tmp_path / "out" / "table.csv")
        .set_index("method")
        .loc["mnist-nearest"]
    )
    assert (row.dataset, row.pictures, row.height, row.width) == ("folder", 1, 20, 24)
    assert row[["psnr_db", "parameters", "macs", "cpu_ms_p50", "cpu_images_per_s"]].notna().all()
