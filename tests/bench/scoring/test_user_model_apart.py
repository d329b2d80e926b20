"""Isolation of a user's network: inputs, process settings and names of other methods stay."""

import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest
import torch
from own_models import CPU, psnr_of

from bench import timing
from bench.report import benchmark_table
from bench.scoring import methods, quality, user_model

HEAD = "import torch\nfrom torch import nn\n"

IN_PLACE = """class Half(nn.Module):
    def forward(self, x):
        return x.mul_(0.5)

class Keeps(nn.Module):
    seen = None
    def forward(self, x):
        if self.seen is not None:
            self.seen.zero_()
        self.seen = x
        return x * 1

def half(): return Half()
def relu(): return nn.Sequential(nn.ReLU(inplace=True), nn.Identity())
def keeps(): return Keeps()
"""


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("function", ["half", "relu", "keeps"])
def test_a_network_that_writes_into_its_input_changes_no_score_of_another(
    written, letters, function, clip
):
    path = written(HEAD + IN_PLACE)
    corruption = quality.Corruption("gaussian", 0.4, clip=clip)
    arms = methods.find(["noisy", "median"], [user_model.load(f"{path}:{function}")])
    scored = {}
    for order in (arms, arms[::-1], arms[:2]):
        frame = quality.score(
            {arm.name: arm.build(letters, CPU) for arm in order}, letters, corruption
        )
        scored[tuple(arm.name for arm in order)] = frame.set_index(["method", "picture"]).psnr_db
    first, reverse, alone = scored.values()
    assert (first == reverse.loc[first.index]).all()
    assert (first.loc[alone.index] == alone).all()


def test_a_network_that_writes_into_its_input_is_timed_on_the_same_images_in_every_call(
    written, letters
):
    path = written(
        f"{HEAD}SEEN = []\n{IN_PLACE}".replace("x.mul_", "SEEN.append(float(x.sum())) or x.mul_")
    )
    method = user_model.load(f"{path}:half")
    noisy, _ = next(letters.batches(4))
    before = noisy.clone()
    timing.measure({"it": method.build(letters, CPU)}, noisy, 0.4, CPU, (4,), 1, least=3)
    seen = sys.modules[f"own_network:{path.resolve()}"].SEEN
    assert len(seen) > 3
    assert len(set(seen)) == 1
    assert torch.equal(noisy, before)


SETTING = """
import os, warnings, numpy
def disturb():
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)
    torch.manual_seed(3)
    numpy.seterr(all="raise")
    warnings.simplefilter("error")
    os.chdir("/")
    print("all set")

class Net(nn.Module):
    def forward(self, x):
        WITHIN
        return x

def build():
    BUILDING
    return Net()
"""


@pytest.mark.parametrize("place", ["the file", "BUILDING", "WITHIN"])
def test_process_settings_of_a_file_reach_no_other_network(written, letters, capsys, place):
    text = f"{SETTING}\ndisturb()\n" if place == "the file" else SETTING.replace(place, "disturb()")
    path = written(HEAD + text.replace("WITHIN", "pass").replace("BUILDING", "pass"))
    before = (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        Path.cwd(),
        list(warnings.filters),
        torch.get_rng_state(),
    )
    method = user_model.load(f"{path}:build")
    user_model.check([method], {"glyphs": (letters, letters)})
    (shipped,) = methods.find(["mnist-nearest"])
    corruption = quality.Corruption("gaussian", 0.4, clip=True)
    together = {"own": method.build(letters, CPU), "shipped": shipped.build(letters, CPU)}
    scores = quality.score(together, letters, corruption).set_index("method").psnr_db
    assert scores.loc["shipped"].to_numpy() == pytest.approx(psnr_of(shipped, letters), abs=0)
    after = (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        Path.cwd(),
        list(warnings.filters),
        torch.get_rng_state(),
    )
    assert before[:4] == after[:4]
    if place != "WITHIN":  # a network may draw random numbers
        assert torch.equal(before[4], after[4])
    assert torch.is_grad_enabled()
    assert "all set" not in capsys.readouterr().out


def test_a_network_of_another_precision_is_scored_beside_shipped_ones(written, letters):
    path = written(f"""{HEAD}torch.set_default_dtype(torch.float64)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 1, 1)
        nn.init.ones_(self.layer.weight), nn.init.zeros_(self.layer.bias)
    def forward(self, x):
        return self.layer(x.double())
def build(): return Net()
""")
    assert psnr_of(user_model.load(f"{path}:build"), letters) == pytest.approx(
        psnr_of(methods.find(["noisy"])[0], letters), abs=1e-4
    )


@pytest.mark.parametrize("name", ["a|b", "a`b", "a b\nc"])
def test_a_name_with_a_mark_of_markdown_keeps_its_table_whole(name):
    columns = dict.fromkeys(
        ("parameters", "macs", "cpu_ms_p50", "cpu_images_per_s", "gpu_ms_p50", "gpu_images_per_s")
    )
    rows = [(name, 0.4, 12.0), ("other", 0.4, 11.0)]
    frame = pd.DataFrame(rows, columns=["method", "sigma", "psnr_db"])
    frame = frame.assign(dataset="glyphs", label=frame.method, status="ok", **columns).astype(
        dict.fromkeys(columns, float)
    )
    lines = benchmark_table.pipes(benchmark_table.wide(frame, "glyphs")).splitlines()
    assert len(lines) == 4
    assert {line.replace("\\|", "").count("|") for line in lines} == {9}
