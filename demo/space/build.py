"""`python -m demo.space build`, `push ORG/NAME`: the page as a Hugging Face Space, with only the files that it needs.

With `--static`, the Space is the page that runs in the browser (`demo.space.static_page`).
`push-models ORG` publishes each set of weights as a model repository.

References
----------
https://huggingface.co/docs/hub/spaces-config-reference
https://huggingface.co/docs/hub/spaces-zerogpu
https://huggingface.co/docs/huggingface_hub/guides/upload
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from huggingface_hub import SpaceHardware

import denoise
from demo.space import hub, model_cards, static_page
from denoise import cli
from denoise.files.atomic import partial_folder

ROOT = Path(__file__).parents[2]
COPIED = (
    *(
        "app.py",
        "LICENSE",
        "denoise/**/*.py",
        "denoise/pretrained/*.json",
        "denoise/pretrained/*.safetensors",
    ),
    *(
        "bench/results/table.csv",
        "bench/results/photographs/table.csv",
        "bench/results/small/report.md",
    ),
    *("docs/figures/psnr-*-clipped.png", "docs/figures/pareto-*-clipped.png", "docs/preview.png"),
    "demo/controls.*",
)
TOOLS = ("demo/screenshot.py", "demo/load.py", "demo/space/")
"""Parts of demo/ that the page itself does not import."""

# lines of requirements.txt that the page does not need
OF_TESTS_AND_BENCH = ("pytest", "pyarrow", "tabulate", "filelock", "PyYAML", "Jinja2")
HARDWARE = tuple(kind.value for kind in SpaceHardware)
# ZeroGPU; since July 2026 a Gradio Space on a CPU needs a paid plan
FREE = SpaceHardware.ZERO_A10G.value
# bytes, for a Gradio Space, which starts often; the static Space's runtime is larger
LARGEST_FILE = 10_000_000


def build(folder: Path, *, static: bool = False) -> list[Path]:
    """Write the Space into a folder atomically.

    Parameters
    ----------
    folder : Path
        A new or an empty folder.
    static : bool
        Write the page that runs in the browser, without Python on the host.

    Returns
    -------
    list of Path
        The written files, relative to the folder, sorted.

    Raises
    ------
    ValueError
        The folder is not empty; a file of the Gradio Space is larger than `LARGEST_FILE`; or as
        `static_page.fill`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} holds something already: name a new folder, or remove it first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with partial_folder(folder.parent) as partial:
        made = partial / "space"
        if static:
            static_page.fill(made, front_matter(), ROOT / "LICENSE")
        else:
            _fill(made)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    return _files(folder)


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _fill(folder: Path) -> None:
    sources = [path for pattern in COPIED for path in sorted(ROOT.glob(pattern))]
    modules = sorted((ROOT / "demo").rglob("*.py"))
    sources += [path for path in modules if not path.relative_to(ROOT).as_posix().startswith(TOOLS)]
    for source in sources:
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    text = (ROOT / "demo" / "space" / "space.md").read_text()
    (folder / "README.md").write_text(f"---\n{front_matter()}---\n\n{text}")
    (folder / "requirements.txt").write_text(requirements())
    for file in _files(folder):
        size = (folder / file).stat().st_size
        if size > LARGEST_FILE:
            raise ValueError(
                f"{file} has {size:,} bytes; a file of a Space may have {LARGEST_FILE:,}"
            )


def front_matter() -> str:
    """Return the YAML front matter of the Space: that of this project's README, which is a Space's README itself."""
    return (ROOT / "README.md").read_text().split("---\n", 2)[1]


def requirements() -> str:
    """Return the lines of the project's requirements that the page needs."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return "".join(f"{line}\n" for line in lines if not line.startswith(OF_TESTS_AND_BENCH))


def push(
    name: str, *, private: bool = False, static: bool = False, hardware: str | None = None
) -> str:
    """Create or update the Space `ORG/NAME`; return its address.

    Parameters
    ----------
    name : str
    private : bool
        Visibility of a new Space.
    static : bool
        Push the page that runs in the browser.
    hardware : str, optional
        One of `HARDWARE`; an existing Space is moved to it. The hub's default is a CPU, which needs
        a paid plan.

    Raises
    ------
    ValueError
        As `build` and `hub.push`; if the hub asks for a paid plan, the message names the commands
        for free accounts.
    """
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "space"
        build(built, static=static)
        said, sdk = "The page, its networks and what it needs", "static" if static else "gradio"
        try:
            return hub.push(
                name, built, "space", said, private=private, hardware=hardware, space_sdk=sdk
            )
        except hub.PaymentRequired as error:
            again = f"python -m demo.space push {name}"
            ways = f"{again} --hardware {FREE}, or {again} --static"
            raise ValueError(f"{error} Free accounts can run: {ways}") from error


def push_models(
    organisation: str, *, private: bool = False, dry_run: bool = False
) -> Iterator[str]:
    """Publish each set of shipped weights as a model repository; yield one line per repository.

    Raises
    ------
    ValueError
        As `hub.push`.
    """
    for weights in denoise.names():
        name = f"{organisation}/{model_cards.PREFIX}{weights.replace('_', '-')}"
        hub.check_name(name, "model")
        with tempfile.TemporaryDirectory() as folder:
            model_cards.fill(Path(folder), weights, name)
            if dry_run:
                yield f"{name}:\n{listing(Path(folder))}"
            else:
                said = "The weights, how they came to be, and what runs them"
                yield f"there: {hub.push(name, Path(folder), 'model', said, private=private)}"


def listing(folder: Path) -> str:
    """List every file with its size in bytes, and the total."""
    sizes = {file: (folder / file).stat().st_size for file in _files(folder)}
    lines = [f"{size:>12,}  {file}" for file, size in sizes.items()]
    return "\n".join([*lines, f"{sum(sizes.values()):>12,}  bytes in {len(sizes)} files"])


def main(arguments: Sequence[str] | None = None) -> None:
    given = _parser().parse_args(arguments)
    if given.verb == "push" and given.static and given.hardware:
        raise ValueError(
            "--static runs in the browser and takes no --hardware: leave one of them out"
        )
    if given.verb == "push":
        hub.check_name(given.name, "space")
    if given.verb == "build":
        folder = given.folder or Path("runs") / ("static-space" if given.static else "space")
        build(folder, static=given.static)
        print(listing(folder))
        print("written:", folder)
    elif given.verb == "push-models":
        for said in push_models(given.organisation, private=given.private, dry_run=given.dry_run):
            print(said)
    elif given.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / "space"
            build(built, static=given.static)
            print(listing(built))
        print(f"nothing was sent to {given.name}")
    else:
        print(
            "there:",
            push(given.name, private=given.private, static=given.static, hardware=given.hardware),
        )


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(prog="python -m demo.space", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(title="what to do", metavar="", dest="verb", required=True)
    made = verbs.add_parser("build", help="write the folder of the Space")
    made.add_argument(
        "folder", type=Path, nargs="?", help="default: runs/space, or runs/static-space"
    )
    sent = verbs.add_parser("push", help="create the Space ORG/NAME, or bring it up to date")
    sent.add_argument("name", metavar="ORG/NAME")
    for verb in (made, sent):
        verb.add_argument(
            "--static",
            action="store_true",
            help="the page that runs in the browser: no Python there",
        )
    sent.add_argument(
        "--hardware", choices=HARDWARE, metavar="NAME",
        help=f"where the Space runs, as {FREE} (free accounts), cpu-basic or t4-small",
    )  # fmt: skip
    models = verbs.add_parser(
        "push-models", help="publish each set of weights as a model repository with a model card"
    )
    models.add_argument(
        "organisation", metavar="ORG", help="yours, or an organisation's in which you may write"
    )
    for verb in (sent, models):
        verb.add_argument("--private", action="store_true", help="for you alone")
        verb.add_argument(
            "--dry-run", action="store_true", help="list the files and sizes, and send nothing"
        )
    return parser
