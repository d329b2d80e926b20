"""Sentences and tables on runs of `bench scale` and `bench reach`."""

from __future__ import annotations

import pandas as pd

from bench import labels
from bench.speed import scaling
from bench.tables_io.markdown import piped


def scale(frame: pd.DataFrame) -> str:
    """Write the time and the memory of the engine by image size and by number of images."""
    # weights may have changed since
    commit = frame.commit.iloc[0].replace("-dirty", " with uncommitted changes")
    network = f"`{scaling.ONE}` of commit {commit}"
    one = f"One image, {network}: milliseconds and added memory, by side in pixels"
    many = (
        f"Images of 28x28 in chunks of {scaling.CHUNK:,}, `{scaling.MANY}`: milliseconds and "
        "added memory, by number of images"
    )
    threads = frame[frame.what == "size"].threads.unique()
    powers = ", ".join(
        f"{scaling.exponent(frame, count):.3f} ({labels.counted(count, 'thread')})"
        for count in threads
    )
    starts = "; ".join(
        f"`{row.what}` {row.seconds:.2f} s"
        for row in frame[frame.what.isin(list(scaling.STARTS))].itertuples()
    )
    parts = [
        f"**{one}**:\n\n{_by(frame[frame.what == 'size'], 'side')}",
        f"**{many}**:\n\n{_by(frame[frame.what == 'number'], 'pictures')}",
        f"From {scaling.LINEAR_FROM} pixels a side, time grows with the number of pixels to the "
        f"power {powers}. From the start of the process: {starts}.",
    ]
    return "\n\n".join(parts) + "\n"


def _by(rows: pd.DataFrame, column: str) -> str:
    """Tabulate milliseconds and MB for each number of threads, with a column per value."""
    threads = rows.threads.unique()
    cells = {"Threads": [f"{count} {unit}" for count in threads for unit in ("ms", "MB")]}
    for value, group in rows.groupby(column):
        by = group.set_index("threads")
        pairs = [
            (f"{by.seconds[count] * 1e3:,.1f}", f"{by.peak_bytes[count] / 2**20:,.0f}")
            for count in threads
        ]
        cells[f"{value:,}"] = [text for pair in pairs for text in pair]
    return piped(pd.DataFrame(cells))


def reach(frame: pd.DataFrame) -> str:
    """Write the time of each training to the published loss."""
    first = frame.iloc[0]
    where = f"{first.threads} threads" if pd.isna(first.gpu) else first.gpu
    lines = []
    for row in frame.itertuples():
        verdict = "reached" if row.bce <= row.known_bce else "not reached"
        steps = (
            ""
            if pd.isna(row.train_seconds)
            else f" ({row.train_seconds:.0f} s of them from its first step on)"
        )
        lines.append(
            f"- {row.optimiser.capitalize()}: {row.seconds:.0f} s{steps}, {row.images_seen:,} "
            f"images, {row.bce:.4f} ({verdict}), by `{row.training}`."
        )
    return (
        "**Time to quality**: seconds of a training process from start to end. The target is the "
        "cross-entropy that the Keras example publishes after 150 epochs of 60,000 images, "
        f"{first.known_bce:.4f} ({first.pictures:,} test images, {where}):\n\n"
        + "\n".join(lines)
        + "\n"
    )
