"""Store of a training's images on its device; one lookup in its bytes makes a batch of crops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from denoise.images.dihedral import WAYS, turned


class Store:
    """Images on a device.

    Parameters
    ----------
    images : Tensor or sequence of Tensor
        (N, C, H, W), or N images (C, H, W) of different sizes; uint8.
    channels : int
        Channels of the crops: gray images are repeated to this many, color images must have this
        many.
    side : int
        Side of the crops in pixels. 0 takes whole images, which must then have one size.
    device : torch.device
    """

    def __init__(
        self, images: Tensor | Sequence[Tensor], channels: int, side: int, device: torch.device
    ) -> None:
        if isinstance(images, Tensor):
            shapes = torch.tensor([images.shape[1:]] * len(images))
            samples = images.flatten()
        else:
            shapes = torch.tensor([image.shape for image in images])
            samples = torch.cat([image.flatten() for image in images])
        sizes = shapes.prod(1)
        # gray: the same plane again
        planes = torch.where(shapes[:, 0] == 1, 0, shapes[:, 1] * shapes[:, 2])
        self.bytes = samples.to(device)
        self.shape, self.channels, self.side = tuple(shapes[0].tolist()), channels, side
        self.starts, self.planes, self.sides = (
            part.to(device) for part in (sizes.cumsum(0) - sizes, planes, shapes[:, 1:])
        )
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        self.rows, self.columns = (
            torch.stack([turned(grid, way) for way in range(WAYS)]).to(device)
            for grid in (rows, columns)
        )

    def __len__(self) -> int:
        return len(self.starts)

    def whole(self, indices: Tensor) -> Tensor:
        """Return the images at `indices` (n,), as (n, channels, H, W) uint8."""
        return self.bytes.view(len(self), *self.shape)[indices].expand(-1, self.channels, -1, -1)

    def crops(self, indices: Tensor, places: Tensor, ways: Tensor) -> Tensor:
        """Cut one crop out of each image.

        Parameters
        ----------
        indices : Tensor
            (n,) int64: indices of the images.
        places : Tensor
            (n, 2) in [0, 1): position of each crop, as a share of the range from the top and from
            the left.
        ways : Tensor
            (n,) int64: dihedral transformation of each crop (`denoise.images.dihedral.turned`).

        Returns
        -------
        Tensor
            (n, channels, side, side) uint8.
        """
        spare = self.sides[indices] - self.side
        top, left = torch.minimum((places * (spare + 1)).long(), spare).view(-1, 2, 1, 1).unbind(1)
        width = self.sides[indices, 1].view(-1, 1, 1)
        within = (top + self.rows[ways]) * width + left + self.columns[ways]
        planes = torch.arange(self.channels, device=indices.device) * self.planes[
            indices
        ].unsqueeze(1)
        starts = self.starts[indices].unsqueeze(1) + planes
        return self.bytes[starts.view(*starts.shape, 1, 1) + within.unsqueeze(1)]
