"""The page as a Hugging Face Space: `python -m demo.space build`, `push ORG/NAME`.

A Space gets only the files that it needs.

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
from demo.compute import scores
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
    *("bench/results/table.csv", "bench/results/photographs/table.csv"),
    scores.REPORT.relative_to(ROOT).as_posix(),
    *(
        f"bench/results/{grid}/{name}"
        for grid in scores.GRIDS
        for name in (*scores.TABLES, "weights-*.safetensors")
    ),
    *("bench/results/early/early.csv", "bench/results/early/weights-*.safetensors"),
    "docs/preview.png",
)
TOOLS = (
    "demo/preview.py",
    "demo/screenshot.py",
    "demo/recording.py",
    "demo/load.py",
    "demo/visitors.py",
    "demo/first_visit.py",
    "demo/first_result.py",
    "demo/space/",
)
"""Parts of demo/ that the page itself does not import."""
OF_PAGE = (".py", ".html", ".css", ".js", ".md", ".json")

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
        raise ValueError(f"{folder} is not an empty folder: name a new folder, or remove it first")
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
    page = sorted(path for path in (ROOT / "demo").rglob("*") if path.suffix in OF_PAGE)
    sources += [path for path in page if not path.relative_to(ROOT).as_posix().startswith(TOOLS)]
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
                f"{file} has {size:,} bytes; a file of a Space has at most {LARGEST_FILE:,}"
            )


def front_matter() -> str:
    """Return the YAML front matter of the project's README, which is also that of the Space."""
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
        message, sdk = "The page and its networks", "static" if static else "gradio"
        try:
            return hub.push(
                name, built, "space", message, private=private, hardware=hardware, space_sdk=sdk
            )
        except hub.PaymentRequired as error:
            command = f"python -m demo.space push {name}"
            free = f"{command} --hardware {FREE}, or {command} --static"
            raise ValueError(f"{error} Free accounts can run: {free}") from error


def push_models(
    organization: str, *, private: bool = False, dry_run: bool = False
) -> Iterator[str]:
    """Publish each set of shipped weights as a model repository; yield one line per repository.

    Raises
    ------
    ValueError
        As `hub.push`.
    """
    for weights in denoise.names():
        name = f"{organization}/{model_cards.PREFIX}{weights.replace('_', '-')}"
        hub.check_name(name, "model")
        with tempfile.TemporaryDirectory() as folder:
            model_cards.fill(Path(folder), weights, name)
            if dry_run:
                yield f"{name}:\n{listing(Path(folder))}"
            else:
                message = "The weights, their training settings and the package that runs them"
                yield f"pushed: {hub.push(name, Path(folder), 'model', message, private=private)}"


def listing(folder: Path) -> str:
    """List every file with its size in bytes, and the total."""
    sizes = {file: (folder / file).stat().st_size for file in _files(folder)}
    lines = [f"{size:>12,}  {file}" for file, size in sizes.items()]
    return "\n".join([*lines, f"{sum(sizes.values()):>12,}  bytes in {len(sizes)} files"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    given = _parser().parse_args(arguments)
    if given.verb == "push" and given.static and given.hardware:
        raise ValueError(
            "--static needs no --hardware, because it runs in the browser: leave one option out"
        )
    if given.verb == "push":
        hub.check_name(given.name, "space")
    if given.verb == "build":
        folder = given.folder or Path("runs") / ("static-space" if given.static else "space")
        build(folder, static=given.static)
        print(listing(folder))
        print("written:", folder)
    elif given.verb == "push-models":
        for line in push_models(given.organisation, private=given.private, dry_run=given.dry_run):
            print(line)
    elif given.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / "space"
            build(built, static=given.static)
            print(listing(built))
        print(f"dry run: nothing was uploaded to {given.name}")
    else:
        print(
            "pushed:",
            push(given.name, private=given.private, static=given.static, hardware=given.hardware),
        )


def _parser() -> argparse.ArgumentParser:
    parser = cli.Parser(prog="python -m demo.space", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(title="commands", metavar="", dest="verb", required=True)
    made = verbs.add_parser("build", help="write the files of the Space into a folder")
    made.add_argument(
        "folder",
        type=Path,
        nargs="?",
        help="output folder (default: runs/space, runs/static-space)",
    )
    sent = verbs.add_parser("push", help="create or update the Space ORG/NAME")
    sent.add_argument("name", metavar="ORG/NAME", help="owner and name of the Space")
    for verb in (made, sent):
        verb.add_argument(
            "--static",
            action="store_true",
            help="use the page that runs in the browser (default: Gradio)",
        )
    sent.add_argument(
        "--hardware",
        choices=HARDWARE,
        metavar="NAME",
        help=f"hardware of the Space: {FREE} (free), cpu-basic, t4-small, ... (default: the hub's)",
    )
    models = verbs.add_parser(
        "push-models", help="publish each set of weights as a model repository"
    )
    models.add_argument(
        "organisation", metavar="ORG", help="your account, or an organization you may write to"
    )
    for verb in (sent, models):
        verb.add_argument(
            "--private", action="store_true", help="make a new repository private (default: public)"
        )
        verb.add_argument(
            "--dry-run", action="store_true", help="only list files and sizes (default: upload)"
        )
    return parser
