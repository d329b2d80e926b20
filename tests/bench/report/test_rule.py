"""The rule that names a decoder, and its regret on settings that it was not made from."""

import pandas as pd
import pytest

from bench.report import rule


def table(rows):
    """Return scores by setting; each row: dataset, budget, images, then a score per arm."""
    frame = pd.DataFrame(
        [
            {"dataset": name, "clipped": True, "width": 8, "depth": 2}
            | {"budget": budget, "images": images}
            | scores
            for name, budget, images, scores in rows
        ]
    )
    return frame.set_index(rule.SETTING)


KNOWN = table(
    [
        ("mnist", "channels", 50_000, {"nearest": 21.0, "transposed_k4": 20.9, "haar": 20.0}),
        ("notmnist", "channels", 50_000, {"nearest": 20.0, "transposed_k4": 20.05, "haar": 19.0}),
        ("mnist", "channels", 400_000, {"nearest": 22.0, "transposed_k4": 22.2, "haar": 22.1}),
    ]
)


def test_the_rule_names_the_decoder_with_the_smallest_mean_regret():
    found = rule.decide(KNOWN)
    assert dict(zip(found.images, found.arm, strict=True)) == {
        50_000: "nearest",
        400_000: "transposed_k4",
    }


@pytest.mark.parametrize(
    ("images", "arm"), [(10_000, "nearest"), (130_000, "nearest"), (150_000, "transposed_k4")]
)
def test_a_length_between_two_takes_the_nearer_on_a_log_scale(images, arm):
    assert rule.chosen(rule.decide(KNOWN), "channels", images) == arm


def test_a_budget_that_the_rule_does_not_know_takes_the_reference():
    assert rule.chosen(rule.decide(KNOWN), "parameters", 50_000) == "nearest"


def test_the_regret_is_the_distance_from_the_best_decoder_of_the_setting():
    held_out = table(
        [
            ("mnist", "channels", 50_000, {"nearest": 21.0, "transposed_k4": 21.3, "haar": 21.4}),
            ("mnist", "channels", 100_000, {"nearest": 21.0}),  # an arm is missing
        ]
    )
    (row,) = rule.regrets(rule.decide(KNOWN), held_out).to_dict("records")
    assert (row["best"], row["rule"]) == ("haar", "nearest")
    assert row["regret_rule"] == pytest.approx(0.4)
    assert row["regret_transposed_k4"] == pytest.approx(0.1)


def test_at_least_20_settings_were_listed_and_none_is_of_the_comparison():
    listed = rule.settings()
    assert len(listed.drop_duplicates()) == len(listed) >= 20
    usual = listed.clipped & (listed.width == 8) & (listed.depth == 2)
    assert not usual.any()
