"""Tests of the Ray executor in their own process, because Ray may end its client process."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests" / "support" / "ray_cluster.py"


@pytest.mark.slow
def test_the_ray_executor_on_clusters_of_several_nodes():
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TESTS)]
    for _ in range(3):
        run = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
        # otherwise Ray has ended the process before its last line
        if re.search(r"\d+ (passed|failed|error)", run.stdout):
            break
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"\d+ passed", run.stdout)
    assert "skipped" not in run.stdout
