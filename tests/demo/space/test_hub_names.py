"""Names of Spaces and model repositories that the hub rejects."""

import pytest

from demo.space import build
from denoise import cli


@pytest.mark.parametrize(
    "name", ["a/b/c", "..", "", "someone/", "someone/" + "n" * 97, "someone/a\nb"]
)
@pytest.mark.parametrize(("verb", "kind"), [("push", "Space"), ("push-models", "model repository")])
def test_a_name_that_the_hub_does_not_take_is_refused_in_a_dry_run_as_well(
    capsys, verb, kind, name
):
    with pytest.raises(SystemExit) as stop:
        cli.run(build.main, [verb, name, "--dry-run"])
    said = capsys.readouterr()
    assert (stop.value.code, said.out) == (2, "")
    assert f"is not a valid name of a {kind}, ORG/NAME" in said.err
    assert len(said.err.splitlines()) == 1
