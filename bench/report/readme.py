"""Generated parts of the README, each between two marks: one part for each backbone, and further parts."""

from __future__ import annotations

from pathlib import Path

from bench.report import answer, render, sentences, tables
from bench.report.results import Results, figure_name

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def marks(part: str) -> tuple[str, str]:
    """Return the lines that begin and end a part."""
    return (
        f"<!-- {part}: made by `python -m bench report`, do not edit -->",
        f"<!-- end of {part} -->",
    )


def with_part(text: str, part: str, made: str) -> str:
    """Return the README's `text` with new content between the two marks of a part.

    Raises
    ------
    ValueError
        The marks are missing.
    """
    begin, end = marks(part)
    if begin not in text or end not in text:
        raise ValueError(f"the README has no place for the {part}: {begin} ... {end}")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{made}\n{end}{rest.partition(end)[2]}"


def with_answer(text: str, results: Results) -> str:
    """Return the README's `text` with the part of these results."""
    return with_part(text, results.body.mark, _answer(results))


def _answer(results: Results) -> str:
    dataset, clipped = results.shown
    overview = tables.overview(results.summary, results.costs(), dataset, clipped)
    parts = [sentences.in_short(results.differences)]
    parts += [
        f"**{table.title}.** {table.note}\n\n{render.pipes(table.cells)}"
        for table in (tables.question(results.differences), overview)
    ]
    of_figure = {
        kind: f"docs/figures/{figure_name(kind, dataset, clipped)}" for kind in ("psnr", "pareto")
    }
    parts += [
        f"![PSNR by noise level for every decoder]({of_figure['psnr']})",
        results.caption("psnr"),
        f"![Quality against cost for every decoder]({of_figure['pareto']})",
        results.caption("pareto"),
        answer.method(results.recipe),
        answer.missing(results.methods, results.recipe, results.taught()[0]),
    ]
    return "\n\n".join(parts) + "\n"
