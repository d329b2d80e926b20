import re
from dataclasses import replace

import pandas as pd
import pytest

from bench.__main__ import RESULTS
from bench.commands import strips
from bench.report import build, examples, figures, in_short, pages, results, sentences
from bench.report.results import figure_name
from bench.schema import DIFFERENCES, FILES, SUMMARY
from bench.stats.intervals import MARGIN
from bench.sweep import collect, summary
from bench.tables_io.frames import read_csv, read_parquet
from denoise.inference import packed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["small", "unet"])
def committed(request):
    return results.Results.read(RESULTS.parent / request.param)


@pytest.fixture(scope="module")
def texts(committed):
    return build.texts(committed)


def differences(gap, low, high, *, seeds=3):
    """Return the difference of two arms on MNIST at equal MACs: the first is better by `gap`."""
    small = max(abs(low), abs(high)) <= MARGIN
    verdict = "equal" if small else "better" if low > 0 else "worse" if high < 0 else "undecided"
    common = {
        "trained_on": "mnist",
        "trained_clipped": True,
        "tested_on": "mnist",
        "noise": "gaussian",
        "clipped": True,
        "levels": "all",
        "budget": "macs",
        "resolvable_db": 0.05,
        "seeds": seeds,
        "pictures": 2000,
        "groups": 2000,
    }
    rows = [
        {
            "arm": "nearest",
            "other": "transposed_k3",
            "psnr_db": gap,
            "psnr_db_low": low,
            "psnr_db_high": high,
            "verdict": verdict,
        },
        {
            "arm": "transposed_k3",
            "other": "nearest",
            "psnr_db": -gap,
            "psnr_db_low": -high,
            "psnr_db_high": -low,
            "verdict": {"better": "worse", "worse": "better"}.get(verdict, verdict),
        },
    ]
    return pd.DataFrame([common | row for row in rows], columns=list(DIFFERENCES))


def test_a_difference_is_told_with_its_interval():
    pairs, _ = sentences.verdicts(differences(0.31, 0.24, 0.38), "macs")
    assert pairs[0] == (
        "On MNIST (clipped Gaussian noise, mean over the levels) at equal MACs, upsampling nearest "
        "+ conv 3x3 beats transposed conv 3x3 by 0.31 dB [0.24, 0.38]. (3 training seeds, "
        "2,000 images; power is 80 % at a difference of 0.05 dB.)"
    )


def test_the_better_arm_comes_first():
    pairs, leaders = sentences.verdicts(differences(-0.31, -0.38, -0.24), "macs")
    assert (
        "transposed conv 3x3 beats upsampling nearest + conv 3x3 by 0.31 dB [0.24, 0.38]"
        in pairs[0]
    )
    assert "transposed conv 3x3 has the highest mean; it beats upsampling nearest" in leaders[0]


def test_equal_arms_and_an_undecided_pair_are_told_apart():
    pairs, leaders = sentences.verdicts(differences(0.02, -0.01, 0.05), "macs")
    assert "are equal: they differ by 0.02 dB [-0.01, 0.05]" in pairs[0]
    assert "equal to transposed conv 3x3" in leaders[0]
    pairs, leaders = sentences.verdicts(differences(0.02, -0.10, 0.14), "macs")
    assert "may be equal or not: they differ by 0.02 dB [-0.10, 0.14]" in pairs[0]
    assert "undecided against transposed conv 3x3" in leaders[0]


def test_a_zero_has_no_sign():
    pairs, _ = sentences.verdicts(differences(0.002, -0.003, 0.05), "macs")
    assert "they differ by 0.00 dB [0.00, 0.05]" in pairs[0]


def test_pictures_that_belong_together_are_counted():
    rows = differences(0.31, 0.24, 0.38).assign(groups=190)
    assert (
        "(3 training seeds, 2,000 images of 190 fonts; power"
        in sentences.verdicts(rows, "macs")[0][0]
    )


def test_the_summary_names_the_training_sets_of_each_verdict():
    channels = differences(0.31, 0.24, 0.38).assign(budget="channels")
    equal = differences(-0.02, -0.05, 0.01).assign(
        budget="channels", trained_on="notmnist", tested_on="notmnist"
    )
    macs = differences(-0.31, -0.38, -0.24)
    assert sentences.summary(pd.concat([channels, equal, macs])) == (
        "At equal channels, upsampling nearest + conv 3x3 less transposed conv 3x3 is -0.02 to "
        "+0.31 dB: better on MNIST clipped; equal on notMNIST clipped. "
        + sentences.verdicts(macs, "macs")[0][0]  # a single case is worded in the singular
    )


def test_one_seed_is_said_to_be_one_seed():
    pairs, leaders = sentences.verdicts(differences(0.3, 0.2, 0.4, seeds=1), "macs")
    assert "scores 0.30 dB [0.20, 0.40] more than" in pairs[0]
    assert "another seed may reverse the order" in pairs[0]
    assert not leaders


def test_the_pareto_front_holds_what_nothing_cheaper_reaches():
    points = [(3, 20.0), (1, 10.0), (2, 9.0), (3, 19.0), (4, 20.0), (5, 21.0)]
    assert figures.pareto(points) == [(1, 10.0), (3, 20.0), (5, 21.0)]


def test_a_cost_that_was_not_measured_leaves_its_arms_out_of_the_figure(committed):
    costs = results.named_costs(committed.methods, [])
    costs["unknown"] = float("nan")
    costs["of one"] = float("nan")
    costs.loc[("nearest", committed.body.budgets[0]), "of one"] = 1.0
    figure = figures.quality_against_cost(
        committed.summary, committed.differences, costs, *committed.body.shown
    )
    drawn = [len(panel.containers) for panel in figure.axes]
    figures.plt.close(figure)
    assert drawn[0] == drawn[1] > 1
    assert drawn[2:] == [0, 1]


def test_checkerboards_are_compared_on_one_training_set_with_the_seeds_of_all():
    committed = results.Results.read(RESULTS)
    meters = collect.read_meters(RESULTS / "checkerboard.csv")
    fewer = meters[~((meters.arm == "bilinear") & (meters.seed == 0))]
    alike = build.alike(fewer, *committed.body.shown)
    assert set(zip(alike.dataset, alike.clipped, strict=True)) == {committed.body.shown}
    assert len({frozenset(seeds) for _, seeds in alike.groupby("arm").seed}) == 1
    assert 0 not in set(alike.seed)


def test_every_text_for_readers_is_what_the_committed_results_say(texts):
    on_demand = {"report.html", "report.tex"}  # in no commit: they say the same as report.md
    for path, text in texts.items():
        if path.exists() or path.name not in on_demand:
            assert path.read_text() == text, f"{path.name} is stale: python -m bench report"


def test_summary_and_differences_follow_from_the_scores_of_each_picture(committed, tmp_path):
    """Compute the rows of the first training set again; detect rows made by other rules."""
    methods, scores = collect.read(committed.folder)
    dataset, clipped = methods.dataset[0], methods.clipped[0]
    part = methods[(methods.dataset == dataset) & (methods.clipped == clipped)]
    rows, pairs = summary.summarise(part, scores[scores.method.isin(part.method)])
    rows.to_csv(tmp_path / "summary.csv", index=False, float_format="%.6g")
    pairs.to_parquet(tmp_path / "differences.parquet", index=False)
    for read, name, schema in (
        (read_csv, "summary.csv", SUMMARY),
        (read_parquet, "differences.parquet", DIFFERENCES),
    ):
        held, anew = (read(folder / name, schema) for folder in (committed.folder, tmp_path))
        of_part = (held.trained_on == dataset) & (held.trained_clipped == clipped)
        pd.testing.assert_frame_equal(
            held[of_part].reset_index(drop=True), anew, rtol=1e-4, atol=1e-5, check_dtype=False
        )


def test_the_summary_has_a_row_for_every_scored_arm_and_test(committed):
    methods, scores = collect.read(committed.folder)
    keys = ["dataset", "noise", "clipped", "sigma"]
    tests = scores[["method", *keys]].drop_duplicates()
    own = methods.set_index("method").loc[tests.method]
    scored = zip(
        own.dataset, own.clipped, own.arm, *(tests[key] for key in keys[:3]),
        map("{:g}".format, tests.sigma), strict=True,
    )  # fmt: skip
    columns = ["trained_on", "trained_clipped", "arm", "tested_on", "noise", "clipped", "levels"]
    rows = committed.summary[committed.summary.levels != "all"][columns]
    assert set(rows.itertuples(index=False, name=None)) == set(scored)


def test_methods_that_lost_rows_are_refused(tmp_path):
    for path in RESULTS.glob("scores-*.parquet"):
        (tmp_path / path.name).symlink_to(path)
    methods = pd.read_csv(RESULTS / "methods.csv", dtype=str)
    methods[methods.missing == "False"][:-1].to_csv(tmp_path / "methods.csv", index=False)
    with pytest.raises(ValueError, match="have different methods"):
        collect.read(tmp_path)


def test_every_figure_was_drawn_from_the_committed_results(committed):
    for name, figure, stamp in build.pictures(committed):
        figures.plt.close(figure)
        assert figures.stamped(pages.FIGURES / name) == stamp, (
            f"{name} is stale: python -m bench report"
        )
    drawn = figures.stamped(pages.FIGURES / figure_name("examples", *committed.shown))
    assert drawn == examples.stamp(committed), "the examples are stale: python -m bench report"


def test_no_network_is_above_the_ceiling_of_its_machine():
    for path in RESULTS.glob("costs-*.csv"):
        assert collect.read_costs(path).fraction_of_ceiling.max() <= 1


def test_a_figure_is_stale_when_the_code_that_draws_it_or_an_arm_s_colour_changes(
    tmp_path, monkeypatch
):
    (tmp_path / "drawing.py").write_text("one")
    monkeypatch.setattr(figures, "DRAWN_BY", (tmp_path / "drawing.py",))
    before = figures.stamp()
    (tmp_path / "drawing.py").write_text("two")
    assert figures.stamp() != before
    before = figures.stamp()
    monkeypatch.setattr(
        figures, "DECODERS", [replace(entry, colour="#000000") for entry in figures.DECODERS]
    )
    assert figures.stamp() != before


def test_every_figure_is_in_the_report_and_every_link_of_it_leads_to_one(committed, texts):
    drawn = {name for name, _, _ in build.pictures(committed)}
    figures.plt.close("all")
    for report in ("report.md", "report.html"):
        text = texts[committed.folder / report]
        links = re.findall(r'(?:\]\(|src=")([^)"]+\.png)', text)
        assert {(committed.folder / link).resolve() for link in links} == {
            pages.FIGURES / name for name in drawn | {figure_name("examples", *committed.shown)}
        }


def test_every_part_of_the_page_has_an_anchor_of_its_own(committed, texts):
    page = texts[committed.folder / "report.html"]
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]+)"', page)) == set(anchors)


def test_every_committed_file_is_of_its_schema():
    assert list(read_csv(RESULTS / "summary.csv", SUMMARY).arm.unique())
    assert list(collect.read_meters(RESULTS / "checkerboard.csv").arm.unique())
    for name in ("learning-rates.csv", "photo-trials.csv", "levels.csv"):
        assert len(read_csv(RESULTS.parent / name, FILES[name]))


def test_every_committed_network_has_its_weights(committed):
    there = committed.methods[~committed.methods.missing & committed.methods.seed.notna()]
    assert packed.names(committed.folder) == set(there.method)


def test_no_committed_file_is_larger_than_10_mb():
    assert max(path.stat().st_size for path in RESULTS.parent.rglob("*")) < 10_000_000


def test_the_strips_are_of_the_shipped_weights():
    for name, strip in strips.STRIPS.items():
        found = figures.stamped(pages.FIGURES / f"strip-{name}.png")
        assert found == strips.stamp(strip), f"{name} is stale: python -m bench strips"


def test_a_page_without_a_place_for_a_part_is_refused():
    with pytest.raises(ValueError, match="no place for the part 'answer'"):
        pages.with_part("# Nothing", "answer", "42")


def test_latex_holds_no_character_that_would_end_a_row(committed, texts):
    text = texts[committed.folder / "report.tex"]
    assert not re.search(r"(?<!\\)[%#_]", text)


def test_the_short_answer_names_the_largest_lead_of_each_budget():
    channels = differences(0.31, 0.24, 0.38).assign(budget="channels")
    undecided = differences(0.35, -0.05, 0.75).assign(
        budget="channels", trained_on="notmnist", tested_on="notmnist"
    )
    macs = differences(-0.1, -0.2, -0.06)
    rows = pd.concat([channels, undecided, macs])
    assert in_short.answer(rows) == (
        "Nearest upsampling + convolution and transposed convolution (both 3x3) differ by at most "
        "0.35 dB: at equal channels nearest upsampling + convolution leads by up to 0.35 dB "
        "[-0.05, 0.75] (notMNIST clipped; of 2 training sets: better on 1, undecided on 1) and at "
        "equal MACs transposed convolution leads by up to 0.10 dB [0.06, 0.20] (MNIST clipped; of "
        "1 training set: better on 1)."
    )
    assert in_short.choice(rows) == (
        "Choose nearest upsampling + convolution if parameters are limited and transposed "
        "convolution if MACs are limited."
    )


def test_the_headline_sets_the_pair_beside_the_gain_of_a_u_net():
    pair = differences(-0.1, -0.2, -0.06)
    unet = differences(0.9, 0.8, 1.0).iloc[:1].assign(arm="unet", other="nearest")
    both = "nearest upsampling + convolution and transposed convolution (both 3x3) end within"
    assert sentences.headline(pair) == f"N{both[1:]} 0.10 dB of each other."
    assert sentences.headline(pd.concat([pair, unet])) == (
        f"It hardly matters: {both} 0.10 dB of each other; "
        "a U-Net of the same size is 0.9 dB better."
    )
    small = unet.assign(psnr_db=0.15)
    assert sentences.headline(pd.concat([pair, unet, small])).startswith("It matters: ")
    assert "is 0.1 to 0.9 dB better" in sentences.headline(pd.concat([pair, unet, small]))


def test_the_short_answer_recommends_either_of_two_equal_arms():
    rows = differences(0.02, -0.01, 0.05)
    assert in_short.answer(rows).endswith("(MNIST clipped; of 1 training set: equal on 1).")
    assert in_short.choice(rows) == "Choose either if MACs are limited."


def test_the_readme_has_the_nine_decoders_and_one_figure(committed):
    text = pages.README.read_text()
    assert len(text.encode()) <= 12_000
    if committed.folder.name == "small":
        short = pages.part_of(pages.README, in_short.PART)
        assert sum(line.startswith("| ") for line in short.splitlines()) == 1 + 9
        assert short.count("![") == 1
