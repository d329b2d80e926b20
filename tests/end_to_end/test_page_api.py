"""The page's code lines for programs, run unchanged."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import skimage
from PIL import Image

from demo import page
from demo.widgets import api_help

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url():
    blocks = page.build()
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **page.launch_options())
    yield address
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def lines(url):
    return dict(
        zip(
            ("compare", "clean", "curl"),
            re.findall("```[a-z]+\n(.*?)```", api_help.text(url), re.S),
            strict=True,
        )
    )


@pytest.fixture
def pasted(lines, tmp_path):
    Image.fromarray(np.tile(np.arange(28, dtype=np.uint8) * 9, (28, 1))).save(
        tmp_path / "digit.png"
    )
    Image.fromarray(skimage.data.astronaut()[:90, :100]).save(tmp_path / "photo.jpg")

    def paste(name, *command):
        done = subprocess.run(
            [*command, lines[name]], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return paste


def test_python_compares(pasted):
    said = pasted("compare", sys.executable, "-c")
    assert set(re.findall("'([^']+)': ", said)) == {"noisy", "mnist-nearest", "mnist-transposed_k3"}


def test_python_cleans_a_photograph_and_has_the_file(pasted):
    said = pasted("clean", sys.executable, "-c")
    # An ordinary JPEG with subsampled chroma: the method for correlated noise is 0.3 dB better here
    # than photo-color.
    assert "'network': 'photo-gray on luma and chroma, correlated noise of sigma 6.0'" in said
    with Image.open(said.split("lossless: ")[-1].strip()) as clean:
        assert (clean.format, clean.size) == ("PNG", (100, 90))


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_curl_compares(pasted):
    said = pasted("curl", "bash", "-c")
    assert "event: complete" in said
    assert '"mnist-transposed_k3": {"psnr":' in said


def test_the_address_is_the_one_at_which_the_page_is_open():
    assert 'Client("https://someone-name.hf.space/")' in api_help.text(
        "https://someone-name.hf.space/"
    )
    assert api_help.ADDRESS in api_help.text("javascript:alert(1)")
