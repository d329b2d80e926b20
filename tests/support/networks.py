"""Small networks with the statistics of trained networks, their images, and backends."""

import torch
from torch import nn

from denoise.inference import backends
from denoise.models import weights

# The "cudnn" backend falls back to PyTorch's own calls on a CPU, so that its graph can be tested
# there.
LOWERED = [*(name for name in backends.backends(torch.device("cpu")) if name != "plain"), "cudnn"]

BODIES = {
    "autoencoder": {"name": "autoencoder"},
    "unet": {"name": "unet"},
    "bias-free": {"name": "unet", "bias": False, "output": "residual", "noise_conditional": True},
    "residual blocks": {"name": "unet", "blocks": [1, 2, 1]},
}


def alive(network, seed=0):
    """Set batch-norm statistics as in a trained network; fresh statistics would hide errors."""
    draws = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values, low, high in (
                (layer.running_mean, -1, 1),
                (layer.running_var, 0.5, 2),
                (layer.weight, 0.5, 2),
                (layer.bias, -1, 1),
            ):
                values.data.copy_(torch.rand(values.shape, generator=draws) * (high - low) + low)
    return network.eval()


def pictures(height, width, channels=1):
    return torch.rand(
        2, channels, height, width, generator=torch.Generator().manual_seed(height * width)
    )


def built(body, decoder, channels=1):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return alive(
            weights.build(
                {**BODIES[body], "channels": channels, "decoder": decoder, "width": 6, "depth": 2}
            )
        )
