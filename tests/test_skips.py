"""`--no-skips`: a skipped test fails where what the test needs must be there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NO_DATA = "mnist is not in the data root (nowhere); set DENOISE_DATA"


@pytest.mark.parametrize(
    ("skip", "data", "passes"),
    [
        ("pytest.skip('no Chromium')", None, False),
        ("pytest.importorskip('no_such_package')", None, False),
        ("pytest.xfail('not yet')", None, False),
        (f"pytest.skip({NO_DATA!r})", None, True),
        (f"pytest.skip({NO_DATA!r})", "/data", False),
    ],
)
def test_a_skip_is_a_failure_unless_the_data_were_not_promised(tmp_path, skip, data, passes):
    file = tmp_path / "test_one.py"
    file.write_text(f"import pytest\n\ndef test_one():\n    {skip}\n")
    environment = {name: text for name, text in os.environ.items() if name != "DENOISE_DATA"}
    paths = os.pathsep.join(map(str, (HERE, HERE / "support", HERE.parent)))
    environment |= {"PYTHONPATH": paths} | ({"DENOISE_DATA": data} if data else {})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "--rootdir", str(tmp_path)]
    done = subprocess.run(
        [*command, "-c", os.devnull, "--no-skips", str(file)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (0 if passes else 1), done.stdout + done.stderr
    assert ("--no-skips was given" in done.stdout) != passes
