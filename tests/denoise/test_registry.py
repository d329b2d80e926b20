import pytest

from denoise.registry import Registry, UnknownName


@pytest.fixture
def shapes():
    registry = Registry("shape")
    registry.register("square", label="a square", aliases=("quad",))(lambda side: side * side)
    registry.register("circle", label="a circle")(lambda radius: 3 * radius)
    return registry


def test_an_alias_finds_the_entry_but_is_not_listed(shapes):
    assert shapes["quad"] is shapes["square"]
    assert shapes.names() == ["square", "circle"]


@pytest.mark.parametrize("taken", ["square", "quad"])
def test_a_taken_name_is_refused(shapes, taken):
    with pytest.raises(ValueError, match=f"the shape '{taken}' is already registered"):
        shapes.register(taken, label="again")(abs)


def test_an_unknown_name_is_answered_with_the_nearest_and_all_valid_ones(shapes):
    with pytest.raises(
        UnknownName,
        match=r"unknown shape 'sqare' \(did you mean 'square'\?\); valid: square, circle",
    ):
        shapes["sqare"]
