"""Scoring of a user's network in tests; conftest.py has the fixtures of these tests."""

import torch

from bench.scoring import quality

CPU = torch.device("cpu")


def psnr_of(method, pictures):
    estimate = method.build(pictures, CPU)
    return quality.score(
        {"it": estimate}, pictures, quality.Corruption("gaussian", 0.4, clip=True)
    ).psnr_db.to_numpy()
