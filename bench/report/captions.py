"""Caption of each kind of figure: its content, and how to read it."""

CAPTIONS = {
    "examples": (
        "Test pictures under {noise} of sigma {sigma} and what each arm makes of them (seed 0, {budget}). Below "
        "each its PSNR: one picture says nothing of an arm."
    ),
    "psnr": (
        "Left: PSNR by noise level at {budget}; where curves lie on one another, the arms differ by less than a line "
        "is wide. Right: the difference from nearest + conv 3x3, each arm moved a little aside. An interval that "
        "leaves out the line at 0 is a difference, of this pair and level."
    ),
    "pareto": (
        "PSNR (mean over the levels) against each cost: higher is better, further left is cheaper. {several}A bar is "
        "the interval of the difference from nearest + conv 3x3 at the same budget: where it reaches that arm's point, "
        "the two tie. Dashed: what nothing cheaper reaches."
    ),
    "spectra": (
        "Power spectra of the residual, the middle being the lowest frequency; below, less that of nearest + conv 3x3. "
        "A checkerboard of period 2 would stand at the corners and at the middles of the sides, one of period 4 "
        "halfway from there to the middle."
    ),
}
SEVERAL = "The marker is the budget; a network that is on several is drawn once. "
"""Sentence added for a figure with several budgets."""
