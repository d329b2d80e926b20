"""Caption of each kind of figure: its content, and how to read it."""

CAPTIONS = {
    "examples": (
        "Test images under {noise} of sigma {sigma}, and the output of each arm with its PSNR "
        "(seed 0, {budget}). One image does not rank the arms."
    ),
    "psnr": (
        "Left: PSNR by noise level at {budget}; curves on top of each other differ by less than "
        "the width of a line. Right: the difference from nearest + conv 3x3, with the arms drawn "
        "side by side. A bar that does not cross 0 is a difference for that pair and level."
    ),
    "pareto": (
        "PSNR (mean over the levels) against each cost; up and left is better. {several}A bar is "
        "the 95 % interval of the difference from nearest + conv 3x3 at the same budget. Dashed: "
        "the Pareto front."
    ),
    "factors": (
        "PSNR (mean over the levels) that each choice spans, with the other choices as in the "
        "comparison. The number is the length of the bar in dB."
    ),
    "lengths": (
        "Above: PSNR (mean over the levels and seeds) by training length. Below: the difference "
        "from nearest + conv 3x3, with its 95 % interval over training seeds. In the gray band two "
        "decoders count as equal."
    ),
    "spectra": (
        "Power spectrum of the residual, with the lowest frequency in the middle; below, the "
        "difference from nearest + conv 3x3. A checkerboard of period 2 shows at the corners and "
        "at the middles of the sides, one of period 4 halfway to the middle."
    ),
}
SEVERAL = "The marker shows the budget; a network on several budgets is drawn once. "
"""Sentence added for a figure with several budgets."""
