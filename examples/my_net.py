"""Your network in the table: `python -m bench --model examples/my_net.py:build`.

Replace `Blur` with your network and its weights. The file imports nothing from this project.
"""

import torch
import torch.nn.functional as F
from torch import nn


class Blur(nn.Module):
    """Gaussian blur of standard deviation `width`, in pixels: a denoiser without training."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        offsets = torch.arange(-2.0, 3.0)
        weights = torch.exp(-0.5 * (offsets / width) ** 2)
        kernel = torch.outer(weights, weights)
        self.register_buffer("kernel", kernel / kernel.sum())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the estimate for (N, C, H, W) in [0, 1], same shape; any channels, any size."""
        channels = x.shape[1]
        kernel = self.kernel.expand(channels, 1, 5, 5)
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), kernel, groups=channels)


def build() -> nn.Module:
    """Return the network with its weights loaded; `python -m bench` calls this function once."""
    return Blur()
