"""Invalid input on every command line: one line on stderr, exit code 2, no partial output."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench.__main__
import denoise.__main__
from denoise import classical, cli
from denoise.models import weights
from denoise.registry import ALIASES
from denoise.train import loop
from denoise.train.settings import Settings

ROOT = Path(__file__).parents[2]


MAINS = {"denoise": denoise.__main__.main, "denoise.train": loop.main, "bench": bench.__main__.main}


@pytest.fixture
def run(capsys):
    """Return a function that runs a command line in this process.

    It returns exit code and stderr.
    """

    def run(module, *arguments):
        with pytest.raises(SystemExit) as stop:
            cli.run(MAINS[module], [str(argument) for argument in arguments])
        return stop.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["denoise.train", "--dataset", "mnst"],
            "unknown dataset 'mnst' (did you mean 'mnist'?); valid: mnist, ",
        ),
        (["denoise.train", "--decoder", "xyz"], "unknown decoder 'xyz'; valid: nearest, "),
        (["denoise.train", "--architecture", "resnet"], "unknown architecture 'resnet'"),
        (
            ["denoise.train", "--noise", "gausian"],
            "unknown noise 'gausian' (did you mean 'gaussian'?)",
        ),
        (["denoise.train", "--loss", "l2"], "unknown loss 'l2'; valid: bce, mse, l1"),
        (["denoise.train", "--sigma", "nan"], "units of the [0, 1] range"),
        (["denoise.train", "--sigma=-0.1:0.5"], "units of the [0, 1] range"),
        (["denoise.train", "--sigma", "25"], "25 on the 0-255 scale is 0.098"),
        (["denoise.train", "--sigma", "0.6:0.1"], "valid: LOW:HIGH with LOW at most HIGH"),
        (["denoise.train", "--sigma", "high"], "valid: a number (0.4) or a range (0:0.6)"),
        (["denoise.train", "--batch", "0"], "batch is 0; it must be at least 1"),
        (["bench", "--methods", "mnist-nearst"], "unknown method 'mnist-nearst'"),
        (["bench", "--datasets", "mnst"], "unknown dataset 'mnst'"),
        (["bench", "--sigma", "25"], "25 on the 0-255 scale is 0.098"),
        (["bench", "--pictures", "-1"], "--pictures is -1"),
        (
            ["denoise", "nowhere.png", "-o", "out.png", "--model", "mnist-nearest"],
            "nowhere.png: no such file",
        ),
        (
            ["denoise", ROOT / "README.md", "-o", "out.png", "--model", "mnist-nearest"],
            "README.md: not an image",
        ),
        (["denoise", "nowhere.png", "-o", "out.png", "--model", "cats"], "unknown weights 'cats'"),
    ],
)
def test_bad_input_gets_one_line_that_names_what_is_valid_and_exit_code_2(run, arguments, said):
    code, stderr = run(*arguments)
    assert code == 2
    assert len(stderr.splitlines()) == 1
    assert said in stderr


def test_a_command_line_started_from_a_shell_ends_with_that_code_and_line():
    command = [sys.executable, "-m", "denoise.train", "--dataset", "mnst"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: unknown dataset 'mnst' (did you mean 'mnist'?); valid: mnist, "
    )


@pytest.fixture
def noisy(tmp_path):
    path = tmp_path / "noisy.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 33), dtype=np.uint8)).save(path)
    return path


def test_one_command_cleans_a_picture(run, noisy):
    assert run(
        "denoise", noisy, "-o", noisy.with_name("clean.png"), "--model", "mnist-nearest"
    ) == (0, "")
    with Image.open(noisy.with_name("clean.png")) as clean:
        assert (clean.size, clean.mode) == ((33, 31), "L")


def test_the_input_is_never_overwritten(run, noisy):
    before = noisy.read_bytes()
    code, stderr = run("denoise", noisy, "-o", noisy, "--model", "mnist-nearest")
    assert code == 2
    assert "never overwritten" in stderr
    assert noisy.read_bytes() == before


@pytest.mark.parametrize("out", ["clean.xyz", "nofolder/clean.png"])
def test_a_picture_that_cannot_be_written_leaves_nothing_behind(run, noisy, out):
    code, stderr = run("denoise", noisy, "-o", noisy.parent / out, "--model", "mnist-nearest")
    assert code == 2
    assert len(stderr.splitlines()) == 1
    assert list(noisy.parent.iterdir()) == [noisy]


def test_a_truncated_picture_is_named(run, noisy):
    noisy.write_bytes(noisy.read_bytes()[:300])
    code, stderr = run(
        "denoise", noisy, "-o", noisy.with_name("clean.png"), "--model", "mnist-nearest"
    )
    assert code == 2
    assert "noisy.png: cannot be read as an image" in stderr


def test_missing_data_without_a_network_says_where_to_put_the_files(run, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    code, stderr = run(
        "denoise.train", "--dataset", "mnist", "--data-root", tmp_path, "--out", tmp_path / "runs"
    )
    assert code == 2
    assert len(stderr.splitlines()) == 1
    assert "put train-images-idx3-ubyte" in stderr
    assert str(tmp_path / "MNIST" / "raw") in stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_help_comes_at_once_because_torch_is_not_imported():
    code = (
        "import sys; from bench.__main__ import _parser; _parser(); sys.exit('torch' in "
        "sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_commands_that_train_set_how_threads_wait_before_torch_is_imported():
    code = (
        "import os, sys; from denoise.train import __main__ as train; from bench import __main__;"
        "assert 'torch' not in sys.modules; sys.argv[1:] = ['--help']\n"
        "try: train.command()\n"
        "except SystemExit: print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    variables = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    for given, kept in (
        ({}, "10000"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "None"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
    ):
        usual = {name: os.environ[name] for name in os.environ if name not in variables}
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=usual | given,
            check=False,
        )
        assert done.stdout.splitlines()[-1] == kept, done.stderr


def test_output_that_is_closed_early_ends_without_a_traceback():
    code = "import sys; from denoise import cli; cli.run(lambda words: print('line\\n' * 100_000))"
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    run.stdout.readline()
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait() == 0


def test_nothing_but_plain_lines_goes_into_a_file(tmp_path):
    words = [
        "bench",
        "--datasets",
        "glyphs",
        "--methods",
        "noisy",
        "median",
        "--quick",
        "--out",
        str(tmp_path),
    ]
    run = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    assert run.returncode == 0
    assert not set("\x1b\r\x08") & set(run.stdout + run.stderr)
    assert "%|" not in run.stderr  # no progress bar


def test_a_method_of_a_non_commercial_licence_is_there_only_where_the_user_installed_it(tmp_path):
    assert "bm3d" not in classical.DENOISERS
    (tmp_path / "bm3d.py").write_text(
        "def bm3d(image, sigma_psd):\n    return image * 0 + sigma_psd\n"
    )
    code = (
        "import torch; from denoise.classical import DENOISERS; "
        "print(DENOISERS['bm3d'].build(None)(torch.zeros(2, 1, 4, 4), 0.25).mean().item())"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert run.stdout.strip() == "0.25"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("cp1252", b"\\u65e5 \xe9 \\udce9"),
        ("ascii", b"\\u65e5 \\xe9 \\udce9"),
        ("utf-8", "日 é \\udce9".encode()),
    ],
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_the_console_cannot_show_is_escaped_and_the_command_goes_on(
    monkeypatch, encoding, shown, stream
):
    written = io.BytesIO()
    monkeypatch.setattr(sys, stream, io.TextIOWrapper(written, encoding=encoding, errors="strict"))

    def main(words):
        print("日 é \udce9", file=getattr(sys, stream))
        print("next", file=getattr(sys, stream), flush=True)

    with pytest.raises(SystemExit) as stop:
        cli.run(main)
    assert stop.value.code == 0
    assert written.getvalue().splitlines() == [shown, b"next"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("two\nlines\r\n", "two lines"),
        ("a  b.png: no such file", "a  b.png: no such file"),
        ("\x1b[2J\x07.png", "\\x1b[2J\\x07.png"),
        ("right\u202eleft", "right\\u202eleft"),
        ("日本.png", "日本.png"),
        (KeyError(), "KeyError"),
    ],
)
def test_a_line_has_neither_breaks_nor_characters_that_move_the_cursor(said, line):
    assert cli.one_line(said) == line


def test_settings_become_words_and_words_become_settings():
    settings = Settings(
        dataset="glyphs",
        architecture="unet",
        decoder_widths=(16, 8),
        output="residual",
        loss="mse",
        noise_conditional=True,
        bias=False,
        sigma=(0.05, 25 / 255),
        online_noise=True,
        dihedral=True,
        patch=16,
        lr=1e-3,
        seed=7,
    )
    parser = cli.Parser()
    cli.add_options(parser, Settings)
    words = cli.words(settings)
    assert "--noise-conditional" in words
    assert "--no-bias" in words
    assert cli.from_options(parser.parse_args(words), Settings) == settings
    assert cli.words(Settings()) == []


def test_old_names_of_settings_are_read_from_cards_and_command_lines(monkeypatch):
    old = ["--no-told", "--untold", "0.25", "--no-fresh", "--start", "mnist-nearest"]
    old += ["--norm", "kept", "--optimiser", "muon"]
    new = ["--no-noise-conditional", "--noise-dropout", "0.25", "--no-online-noise"]
    new += ["--init-from", "mnist-nearest", "--norm", "frozen", "--optimizer", "muon"]
    found = []
    for words in old, new:
        parser = cli.Parser()
        cli.add_options(parser, Settings, ALIASES)
        found.append(cli.from_options(parser.parse_args(words), Settings))
        assert "--told" not in parser.format_help()
    card = {"untold": 0.25, "fresh": False, "start": "mnist-nearest", "norm": "kept"}
    found.append(Settings.of({"settings": card | {"optimiser": "muon"}}))
    assert found[0] == found[1] == found[2]


def test_a_network_of_a_card_with_old_names_is_built():
    card = {"name": "unet", "width": 2, "depth": 1, "bias": False, "output": "residual"}
    assert weights.build(card | {"told": True}).noise_conditional
