"""How a network that a user brings is scored in tests; the fixtures of such tests are in conftest.py."""

import torch

from bench import quality

CPU = torch.device("cpu")


def psnr_of(method, pictures):
    estimate = method.build(pictures, CPU)
    return quality.score({"it": estimate}, pictures, quality.Corruption("gaussian", 0.4, clip=True)).psnr_db.to_numpy()
