"""Table of `bench deploy`: the best form of each decoder in each runtime."""

from __future__ import annotations

import pandas as pd

from bench import labels
from bench.report.render import pipes
from denoise.graph import deploy

RUNTIMES = {
    "pytorch": "PyTorch",
    "openvino": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
    "onnxruntime-int8": "ONNX Runtime, int8",
}


def text(frame: pd.DataFrame) -> str:
    """Tabulate the time per image of the faster form (rows: decoders, columns: runtimes)."""
    rows = frame[frame.batch == frame.batch.max()]
    fastest = rows.loc[rows.groupby(["arm", "runtime"], sort=False).images_per_s.idxmax()]
    cells = []
    for arm, of_arm in fastest.groupby("arm", sort=False):
        cell = {"Decoder": labels.arm(arm).label}
        for row in of_arm.itertuples():
            mark = "" if row.form == deploy.FORMS[row.runtime] else "*"
            cell[RUNTIMES[row.runtime]] = f"{1e6 / row.images_per_s:.0f}{mark}"
            if row.layers_int8:
                cell["Layers in int8"] = f"{row.layers_int8} of {row.layers}"
                cell["Change (dB)"] = f"{row.change_db:+.3f}"
        cells.append(cell)
    first = rows.iloc[0]
    forms = "; ".join(f"{RUNTIMES[name]}: {form}" for name, form in deploy.FORMS.items())
    return (
        f"Microseconds per 28x28 image, batch {first.batch}, {first.cpu}, "
        f"{labels.counted(first.cpu_threads, 'thread')}, float32 but for the last, median of "
        f"{first.rounds} rounds in turns. `denoise.deploy` chooses {forms}. *: the other form is "
        f"faster. Change: PSNR on {first.pictures:,} validation images.\n\n"
        + pipes(pd.DataFrame(cells).fillna(""))
        + "\n"
    )
