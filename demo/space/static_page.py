"""The static page, for accounts that cannot host Python: ONNX Runtime Web runs the networks.

References
----------
https://onnxruntime.ai/docs/tutorials/web/
https://huggingface.co/docs/hub/spaces-sdks-static
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from demo.compute import draws, results
from demo.compute.answers import CAP, FIRST_ARMS, HIGHEST, name_of
from demo.compute.images import LARGEST, LARGEST_SIDE
from demo.compute.samples import samples
from demo.tabs import photo_hint
from demo.tabs.compare import FIRST
from demo.widgets import head, labs, templates
from denoise.datasets import DATASETS
from denoise.inference import onnx_export, packed

SOURCE = Path(__file__).parent / "static"
CONTROLS = Path(__file__).parents[1] / "controls.js"
LABS = "<!-- labs -->"  # place of the labs' templates and scripts in index.html
RUNTIME = "onnxruntime-web@1.30.0"  # MIT license; npm verifies the checksum of its files
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
PATIENCE = 300  # seconds
COUNTS = (25, 50, 100, draws.DRAWS)  # draws after which the browser shows their distribution
SECONDS = 8  # no further draw starts after this time


def fill(folder: Path, front_matter: str, license_file: Path) -> None:
    """Write the page, its networks and its runtime into a folder.

    The page loads nothing from other hosts.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    front_matter : str
        YAML front matter of the Gradio Space; the static Space takes its title and tags from it.
    license_file : Path
        License file, copied into the folder.

    Raises
    ------
    ValueError
        npm or the packages of the extra `onnx` are missing, or npm cannot download the runtime.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scripts = [templates.FOLDER / name for name in (*labs.SCRIPTS, "widgets/lens.js")]
    for source in (license_file, CONTROLS, head.PREVIEW, *scripts, *SOURCE.iterdir()):
        shutil.copyfile(source, folder / source.name)
    index = folder / "index.html"
    loaded = "\n".join(f'<script src="{file.name}"></script>' for file in scripts)
    text = index.read_text().replace(LABS, f"{labs.templates()}{loaded}")
    index.write_text(head.with_tags(text, address=""))
    readme = folder / "README.md"
    readme.write_text(f"---\n{_facts(front_matter)}---\n\n{readme.read_text()}")
    _fetch_runtime(folder)
    page = {
        "highest": HIGHEST,
        "largest_side": LARGEST_SIDE,
        "largest_pixels": LARGEST,
        "draws": {"counts": COUNTS, "seconds": SECONDS, "matters": draws.MATTERS, "highest": CAP},
        "photograph": {
            **{"bins": photo_hint.BINS, "flat": photo_hint.FLAT},
            "small_side": draws.SMALL,
        },
        "usual": {key: FIRST[key] for key in ("sigma", "clip", "seed")},
        "families": [{"name": name, "label": DATASETS[name].label} for name in results.families()],
        "networks": [
            _network(family, arm, folder)
            for family, arms in results.trained().items()
            for arm in arms
            if arm in FIRST_ARMS
        ],
        "samples": _samples(folder),
    }
    (folder / "page.json").write_text(json.dumps(page, indent=1) + "\n")


def _facts(front_matter: str) -> str:
    """Return the front matter of a static Space."""
    facts = yaml.safe_load(front_matter)
    kept = (
        "title",
        "emoji",
        "colorFrom",
        "colorTo",
        "short_description",
        "license",
        "tags",
        "pinned",
    )
    of_static = {"sdk": "static", "app_file": "index.html"}
    return yaml.safe_dump(
        {key: facts[key] for key in kept} | of_static, allow_unicode=True, sort_keys=False
    )


def _fetch_runtime(folder: Path) -> None:
    if shutil.which("npm") is None:
        raise ValueError(
            "npm is missing, which downloads ONNX Runtime Web: apt-get install npm, or nodejs.org"
        )
    with tempfile.TemporaryDirectory() as packed:
        command = ["npm", "pack", "--silent", RUNTIME]
        try:
            done = subprocess.run(
                command, cwd=packed, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            raise ValueError(
                f"npm did not download {RUNTIME} within {PATIENCE} seconds: try again"
            ) from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["npm printed no error"]
            raise ValueError(f"npm did not download {RUNTIME}: {lines[0]}")
        (archive,) = Path(packed).glob("*.tgz")
        with tarfile.open(archive) as archived:
            for name in RUNTIME_FILES:
                file = archived.extractfile(f"package/dist/{name}")
                if file is None:
                    raise ValueError(f"{RUNTIME} of npm holds no file dist/{name}")
                (folder / name).write_bytes(file.read())


def _network(family: str, arm: str, folder: Path) -> dict[str, Any]:
    """Export one network; return the facts that the page needs about it."""
    denoiser = packed.denoiser(results.FOLDER, results.trained()[family][arm])
    name = name_of(family, arm)
    file = f"{name}.onnx"
    onnx_export.any_size(denoiser.network, folder / file, denoiser.channels)
    shown = results.entry(arm)
    return {
        "name": name,
        "family": family,
        "label": shown.label,
        "colour": shown.colour,
        "decoder": arm not in results.CEILINGS,
        "file": file,
        "multiple": denoiser.network.multiple,
    }


def _samples(folder: Path) -> list[dict[str, str]]:
    """Write the rendered samples, which may be redistributed with the page, as PNG.

    Return their facts.
    """
    found = []
    for number, sample in enumerate(
        one for one in samples() if one.rendered and one.family in results.families()
    ):
        file = f"sample-{number}.png"
        Image.fromarray(sample.image).save(folder / file)
        found.append({"label": sample.label, "family": sample.family, "file": file})
    return found
