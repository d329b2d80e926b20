"""The Space: exactly the files of the page, pushed to a hub on loopback and started."""

import contextlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import fake_hub
import httpx
import huggingface_hub
import numpy as np
import pandas as pd
import pytest
import yaml
from gradio_client import Client, handle_file
from PIL import Image

import denoise
from demo.compute import scores
from demo.space import build, model_cards, static_page
from denoise import cli
from denoise.datasets import DATASETS
from denoise.models import weights

pytestmark = pytest.mark.slow

NAME = "someone/decoders"
REPO = f"spaces/{NAME}"
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("space") / "built"
    return folder, build.build(folder)


def test_it_has_what_the_page_needs_and_nothing_else(built):
    folder, files = built
    names = {str(file) for file in files}
    assert {
        "app.py",
        "README.md",
        "LICENSE",
        "requirements.txt",
        "demo/page.py",
        "denoise/inference/engine.py",
    } <= names
    assert {
        "demo/controls.js",
        "demo/page.css",
        "demo/tabs/learn.md",
        "demo/widgets/comparison.html",
        "demo/opening/first_result.json",
        "docs/preview.png",
        "demo/widgets/score_chart.js",
    } <= names
    assert names >= {f"bench/results/{grid}/summary.csv" for grid in scores.GRIDS}
    assert not [name for name in names if name.startswith("demo/space/")]
    assert {f"denoise/pretrained/{name}.safetensors" for name in weights.names()} <= names
    assert {name.partition("/")[0] for name in names} == {
        "app.py", "README.md", "LICENSE", "requirements.txt", "demo", "denoise", "bench", "docs",
    }  # fmt: skip
    assert not [
        name
        for name in names
        if name.endswith(("space.py", "screenshot.py", "visitors.py", "visit.py", ".pyc"))
    ]
    assert names == {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_every_file_of_the_page_s_tools_that_is_named_is_there():
    assert all((build.ROOT / name).exists() for name in build.TOOLS)


def test_its_front_matter_is_what_the_hub_takes(built):
    facts = yaml.safe_load((built[0] / "README.md").read_text().split("---\n")[1])
    assert (facts["sdk"], facts["app_file"]) == ("gradio", "app.py")
    assert {facts["colorFrom"], facts["colorTo"]} <= COLOURS
    assert len(facts["short_description"]) <= 60
    assert facts["python_version"] in ("3.10", "3.12")  # versions that ZeroGPU supports
    assert re.fullmatch(r"6\.\d+\.\d+", facts["sdk_version"])
    assert facts["suggested_hardware"] == build.FREE  # default hardware of a duplicated Space


def test_its_requirements_are_the_project_s_without_those_of_tests(built):
    lines = (built[0] / "requirements.txt").read_text().splitlines()
    assert "torch>=2.9,<3" in lines
    assert not [line for line in lines if line.startswith("pytest")]
    assert set(lines) <= set((build.ROOT / "requirements.txt").read_text().splitlines())


def test_a_folder_that_holds_something_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SystemExit) as end:
        cli.run(build.main, ["build", str(tmp_path)])
    assert end.value.code == 2
    assert "is not an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with fake_hub.running() as hub:
        monkeypatch.setenv("HF_TOKEN", fake_hub.TOKEN)
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        huggingface_hub.utils.disable_progress_bars()
        yield hub


def pushed(*words, verb="push"):
    """Run a command in this process; return its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    printed = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with printed[0], printed[1], pytest.raises(SystemExit) as end:
        cli.run(build.main, [verb, *words])
    return SimpleNamespace(returncode=end.value.code, stdout=out.getvalue(), stderr=err.getvalue())


def test_the_command_runs_from_a_shell(hub):
    """Run one push in its own process: the library reads the endpoint on import."""
    there = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "demo.space", "push", NAME],
        cwd=build.ROOT,
        env={**os.environ, **there},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert NAME in done.stdout


def test_what_is_pushed_is_what_is_built_and_an_old_file_goes(hub, built):
    hub.repos[REPO], hub.files[REPO] = {}, {"old.py": b"old"}
    done = pushed(NAME)
    assert done.returncode == 0, done.stderr
    assert NAME in done.stdout
    folder, files = built
    assert hub.files[REPO] == {str(file): (folder / file).read_bytes() for file in files}


def test_a_new_space_is_created_as_asked(hub):
    assert pushed(NAME, "--private").returncode == 0
    asked = hub.repos[REPO]
    assert (asked["type"], asked["sdk"]) == ("space", "gradio")
    assert asked.get("private") or asked.get("visibility") == "private"


def test_a_free_account_is_told_the_commands_that_work_for_it(hub):
    hub.free = True
    done = pushed(NAME)
    (line,) = done.stderr.strip().splitlines()
    assert done.returncode == 2
    assert fake_hub.UNPAID in line
    for way in ("--hardware zero-a10g", "--static"):
        assert f"python -m demo.space push {NAME} {way}" in line
    assert not hub.files


def test_a_free_account_hosts_the_space_on_zerogpu(hub):
    hub.free = True
    done = pushed(NAME, "--hardware", "zero-a10g")
    assert done.returncode == 0, done.stderr
    assert hub.repos[REPO]["hardware"] == "zero-a10g"
    assert "app.py" in hub.files[REPO]


def test_a_space_that_is_there_is_moved_to_the_hardware_that_is_named(hub):
    hub.repos[REPO], hub.files[REPO] = {"hardware": "cpu-basic"}, {}
    done = pushed(NAME, "--hardware", "zero-a10g")
    assert done.returncode == 0, done.stderr
    assert hub.repos[REPO]["hardware"] == "zero-a10g"


@pytest.mark.parametrize("words", [("--hardware", "zero"), ("--static", "--hardware", "zero-a10g")])
def test_hardware_that_makes_no_sense_is_refused_before_anything_is_sent(hub, words, capsys):
    with pytest.raises(SystemExit) as end:
        cli.run(build.main, ["push", NAME, *words])
    assert end.value.code == 2
    assert "--hardware" in capsys.readouterr().err
    assert not hub.repos


def test_zerogpu_finds_a_function_that_asks_for_a_gpu(built, tmp_path):
    """Check that `spaces.GPU` decorates a function: ZeroGPU starts no app without one."""
    package = tmp_path / "spaces"
    package.mkdir()
    (package / "__init__.py").write_text(STAND_IN)
    (package / "config.py").write_text("class Config:\n    zero_gpu = True\n")
    told = {
        "PYTHONPATH": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
        "SYSTEM": "spaces",
        "SPACE_ID": NAME,
    }
    kept = {name: value for name, value in os.environ.items() if name != "DENOISE_DATA"}
    done = subprocess.run(
        [sys.executable, "-c", "import app, spaces; print(*spaces.asked)"],
        cwd=built[0],
        env={**kept, **told},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(), fake_hub.NO_FUNCTION


STAND_IN = """
import sys
assert "torch" not in sys.modules, "spaces comes before torch"
asked = []
def GPU(function):
    assert function.__qualname__ == function.__name__, "a function of a module"
    asked.append(f"{function.__module__}.{function.__name__}")
    return function
def gradio_auto_wrap(function):
    return function
"""


def test_the_static_page_is_pushed_as_a_static_space(hub, monkeypatch):
    """The export itself is tested with the static page; here a stand-in takes its place."""
    monkeypatch.setattr(
        static_page.onnx_export, "any_size", lambda network, path, channels: path.write_bytes(b"-")
    )
    done = pushed(NAME, "--static")
    assert done.returncode == 0, done.stderr
    assert hub.repos[REPO]["sdk"] == "static"
    assert {"index.html", "page.json", "mnist-nearest.onnx"} <= set(hub.files[REPO])


def test_a_dry_run_lists_files_and_sizes_and_sends_nothing(hub, built):
    done = pushed(NAME, "--dry-run")
    assert done.returncode == 0
    for file in built[1]:
        assert f"{(built[0] / file).stat().st_size:,}  {file}" in done.stdout
    assert not hub.repos


@pytest.mark.parametrize("trouble", ["no token", "refused", "not reached", "no name"])
def test_what_is_wrong_is_said_in_one_line(hub, monkeypatch, tmp_path, trouble):
    name = "a/b/c" if trouble == "no name" else NAME
    if trouble == "no token":
        monkeypatch.delenv("HF_TOKEN")
    if trouble == "refused":
        hub.refused = True
    if trouble == "not reached":
        hub.server_close()
    done = pushed(name)
    assert done.returncode == 2
    said = {
        "no token": "no Hugging Face token",
        "refused": "the hub rejected someone/decoders: You don't have",
        "not reached": "the hub rejected someone/decoders",
        "no name": "'a/b/c' is not a valid name of a Space",
    }
    assert said[trouble] in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_pushed_files_start_alone_and_answer(hub, tmp_path):
    assert pushed(NAME).returncode == 0
    there = tmp_path / "space"
    hub.lay_out(REPO, there)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "DENOISE_DATA")
    }
    places = {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(tmp_path / "cache"),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    log = tmp_path / "log"
    with log.open("w") as said:
        page = subprocess.Popen(
            [sys.executable, "app.py"], cwd=there, env={**kept, **places}, stdout=said, stderr=said
        )
    try:
        client = Client(_once_it_answers(f"http://127.0.0.1:{port}/", page, log), verbose=False)
        noisy = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
        Image.fromarray(noisy).save(tmp_path / "noisy.png")
        asked = handle_file(tmp_path / "noisy.png")
        _, _, file = client.predict(asked, "clean", "photograph", 0, 0, api_name="/clean")
        assert np.array_equal(
            np.asarray(Image.open(file)), denoise.load("photo-gray", "cpu")(noisy)
        )
        _, compared = client.predict(asked, "gaussian", True, 0.3, 0, "mnist", api_name="/compare")
        assert compared["mnist-nearest"]["psnr"]
        address = f"http://127.0.0.1:{port}/benchmark"
        assert httpx.get(f"{address}/scores.json").json()["chart"]["bodies"]
        assert b"plotly.js" in httpx.get(f"{address}/plotly.js").content[:100]
    finally:
        page.terminate()
        page.wait(30)


def _once_it_answers(url, page, log):
    for _ in range(240):
        assert page.poll() is None, log.read_text()
        try:
            httpx.get(f"{url}config", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return url
    raise AssertionError(f"the page did not answer: {log.read_text()}")


def test_every_model_repository_holds_weights_a_card_and_what_runs_them(hub):
    done = pushed("someone", verb="push-models")
    assert done.returncode == 0, done.stderr
    assert {name for name in hub.files if name.startswith("models/")} == {
        f"models/someone/denoise-{name.replace('_', '-')}" for name in weights.names()
    }
    files = hub.files["models/someone/denoise-photo-gray"]
    assert {
        "README.md",
        "LICENSE",
        "photo-gray.safetensors",
        "photo-gray.json",
        "denoise/inference/engine.py",
    } <= set(files)
    assert not [
        name for name in files if name.endswith(".safetensors") and name != "photo-gray.safetensors"
    ]


@pytest.mark.parametrize("name", weights.names())
def test_a_model_card_has_the_committed_scores_as_its_model_index(name):
    card = huggingface_hub.ModelCard(model_cards.card(name, f"someone/denoise-{name}"))
    assert (card.data.license, card.data.pipeline_tag) == ("mit", "image-to-image")
    found = [
        result.metric_value for result in card.data.eval_results if result.metric_type == "psnr"
    ]
    tables = pd.concat([pd.read_csv(path) for path in model_cards.TABLES])
    committed = tables[(tables.method == name) & tables.psnr_db.notna()].psnr_db.round(4).tolist()
    assert found
    assert set(found) <= set(committed)
    trained_on = json.loads(weights.locate(name).with_suffix(".json").read_text())["settings"][
        "dataset"
    ]
    assert f"Training images: {DATASETS[trained_on].facts['license']}." in card.text
    assert "None" not in card.text
    assert "nan" not in card.text


@pytest.mark.parametrize("name", ["photo-color", "mnist-transposed_k3", "document"])
def test_the_usage_of_a_model_card_works_when_it_is_pasted(hub, tmp_path, name):
    assert pushed("someone", verb="push-models").returncode == 0
    repository = f"someone/denoise-{name.replace('_', '-')}"
    text = hub.files[f"models/{repository}"]["README.md"].decode()
    (pasted,) = re.findall("```python\n(.*?)```", text, re.S)
    there = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "hf")}
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    said = "\nprint(denoise.__file__, clean.shape, clean.dtype, (clean != noisy).any())"
    done = subprocess.run(
        [sys.executable, "-c", pasted + said], cwd=tmp_path, env={**kept, **there},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file, *about = done.stdout.split(maxsplit=1)
    assert file.startswith(str(tmp_path / "hf"))
    assert about == [f"{(64, 64, 3) if name == 'photo-color' else (64, 64)} uint8 True\n"]
