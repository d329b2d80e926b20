"""The exact form of a trained network that suits a runtime.

A stage that doubles the size has two exact forms:

- `fused`: one transposed convolution of stride 2. Nearest upsampling + convolution 3x3 takes this
  form too (`denoise.fuse`).
- `convolutions`: no transposed convolution. One convolution computes the four pixels of each 2x2
  cell, its phases, as channels of the small image, and `nn.PixelShuffle` rearranges them. Nearest
  upsampling + convolution stays as it is.

ONNX Runtime computes convolutions in 8-bit integers, but no transposed convolution.

References
----------
Shi et al., "Is the deconvolution layer the same as a convolutional layer?", 2016.
https://arxiv.org/abs/1609.07009
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from denoise.graph.fusion import fuse, is_convolution, layer_of, put_before, replace, traced
from denoise.models.base import AnySize
from denoise.registry import UnknownName, unknown

FUSED, CONVOLUTIONS = "fused", "convolutions"
FORMS = {
    "pytorch": FUSED,
    "openvino": FUSED,
    "onnxruntime": FUSED,
    "onnxruntime-int8": CONVOLUTIONS,
}
"""Form of each runtime. ONNX Runtime leaves transposed convolutions in float32."""


def deploy(network: AnySize, runtime: str = "pytorch") -> AnySize:
    """Return the exact form of a network that suits a runtime.

    Parameters
    ----------
    network : AnySize
        Trained network in evaluation mode; it is not modified.
    runtime : str
        A name of `FORMS`.

    Returns
    -------
    AnySize
        Network equal to `network` within the rounding of float32. It is not for training.

    Raises
    ------
    UnknownName
        Unknown runtime; the message lists the valid ones.
    ValueError
        The errors of `denoise.fuse`.

    Examples
    --------
    >>> import denoise, torch
    >>> network = denoise.load("mnist-transposed_k3").network
    >>> deployed = denoise.deploy(network, "onnxruntime-int8")
    >>> any(isinstance(layer, torch.nn.ConvTranspose2d) for layer in deployed.modules())
    False
    """
    if runtime not in FORMS:
        raise UnknownName(unknown("runtime", runtime, list(FORMS)))
    return in_form(network, FORMS[runtime])


def in_form(network: AnySize, form: str) -> AnySize:
    """Return a network in one of the two forms of this module."""
    if form == FUSED:
        return fuse(network)
    made = copy.copy(fuse(network, join=False))
    graph = traced(made.net)
    for node in list(graph.graph.nodes):
        layer = layer_of(graph, node)
        if is_convolution(layer) and isinstance(layer, nn.ConvTranspose2d) and _is_doubling(layer):
            pad, conv = phases(layer)
            put_before(graph, node, pad)
            put_before(graph, node, conv)
            replace(graph, node, nn.PixelShuffle(2))
    graph.graph.lint()
    graph.recompile()
    graph.delete_all_unused_submodules()
    made._modules = {**made._modules, "net": graph.eval()}
    return made


def _is_doubling(layer: nn.ConvTranspose2d) -> bool:
    """Return True for a square transposed convolution that exactly doubles the size."""
    kernel, other = layer.kernel_size
    padding, extra = layer.padding[0], layer.output_padding[0]
    square = kernel == other and len({*layer.padding}) == len({*layer.output_padding}) == 1
    plain = layer.stride == (2, 2) and layer.dilation == (1, 1) and layer.groups == 1
    return square and plain and kernel - 2 * int(padding) + extra == 2


@torch.no_grad()
def phases(layer: nn.ConvTranspose2d) -> tuple[nn.ZeroPad2d, nn.Conv2d]:
    """Return the padding and the convolution that compute the phases of a transposed convolution.

    (N, C, H, W) -> (N, 4 C', H, W), the four phases of each channel adjacent, as `nn.PixelShuffle`
    takes them. `layer` has stride 2 and exactly doubles the size.

    In one dimension pixel 2 m + r is the sum of tap k at input pixel m + (r + padding - k) / 2, for
    each k that makes this an integer.
    """
    size, padding = layer.kernel_size[0], int(layer.padding[0])
    taps = [
        (r, (r + padding - k) // 2, k)
        for r in range(2)
        for k in range(size)
        if (r + padding - k) % 2 == 0
    ]
    first, last = min(shift for _, shift, _ in taps), max(shift for _, shift, _ in taps)
    places = torch.zeros(2, last - first + 1, size)
    for r, shift, k in taps:
        places[r, shift - first, k] = 1
    places = places.to(layer.weight)
    weight: Tensor = torch.einsum("rak,sbl,iokl->orsiab", places, places, layer.weight)
    conv = nn.utils.skip_init(
        nn.Conv2d, layer.in_channels, 4 * layer.out_channels, last - first + 1,
        bias=layer.bias is not None, device=weight.device, dtype=weight.dtype,
    )  # fmt: skip
    conv.weight.copy_(weight.flatten(0, 2))
    if layer.bias is not None and conv.bias is not None:
        conv.bias.copy_(layer.bias.repeat_interleave(4))
    return nn.ZeroPad2d((-first, last, -first, last)), conv
