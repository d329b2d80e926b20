"""CUDA graphs: a recording has the output of the recorded call.

Here, a recording is a list of calls without a GPU.
"""

from pathlib import Path

import pytest
import torch

from denoise.graph import cuda_graphs
from denoise.graph.cuda_graphs import KEPT, SMALL, WARM, BySize, Replayed
from denoise.models.base import AnySize
from denoise.train import distributed
from denoise.train.run import Run
from denoise.train.settings import Settings


@pytest.fixture
def recordings(monkeypatch):
    """Count the replays of each recording.

    A replay calls the recorded function and writes its output in place.
    """
    counts = []

    def recorded(call, device, pool):
        answer, number = call(), len(counts)
        counts.append(0)

        def again():
            counts[number] += 1
            answer.copy_(call())

        return answer, again

    monkeypatch.setattr(cuda_graphs, "recorded", recorded)
    monkeypatch.setattr(cuda_graphs, "beside", lambda call, device: call())
    return counts


def test_a_function_is_recorded_after_its_first_calls_and_answers_the_same(recordings):
    double = Replayed(lambda x, y: 2 * x + y)
    for number in range(WARM + 3):
        x, y = torch.full((2, 3), float(number)), torch.ones(2, 3)
        assert torch.equal(double(x, y), 2 * x + y)
        assert len(recordings) == (number >= WARM)
    assert recordings == [3]


def test_what_a_recording_was_given_stays_as_it_is(recordings):
    inplace = Replayed(lambda x: x.add_(1))
    for _ in range(WARM):
        inplace(torch.zeros(3))
    x = torch.zeros(3)
    inplace(x)
    assert torch.equal(x, torch.zeros(3))


def test_a_training_whose_gradients_are_recorded_comes_to_the_same_weights(recordings, monkeypatch):
    # an architecture without call counters
    kind = {"architecture": "unet", "output": "residual", "bias": False, "loss": "mse"}
    options = {
        "width": 4,
        "depth": 1,
        "images": 10 * 16,
        "batch": 16,
        "ema": 0.9,
        "precision": "float32",
    }
    settings = Settings("glyphs", **kind, **options)
    weights = []
    for record in (False, True):
        run = Run(settings, distributed.team(16), None)
        run.start(Path("none"))
        if record:
            run.gradients_of = Replayed(run._gradients, choosing=True)
        for step in range(10):
            run.step(step)
        weights.append(run.trained.state_dict())
    assert recordings == [10 - WARM]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_the_choice_of_convolutions_is_left_alone_where_answers_must_not_vary(monkeypatch):
    cudnn = torch.backends.cudnn
    for deterministic in (False, True):
        monkeypatch.setattr(cudnn, "deterministic", deterministic)
        with cuda_graphs._choosing(True):
            assert cudnn.benchmark is not deterministic
        assert not cudnn.benchmark


def test_what_cannot_be_recorded_is_called_each_time(monkeypatch):
    def refuses(call, device, pool):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(cuda_graphs, "recorded", refuses)
    monkeypatch.setattr(cuda_graphs, "beside", lambda call, device: call())
    double = Replayed(lambda x: 2 * x)
    for number in range(WARM + 3):
        assert double(torch.tensor(float(number))) == 2 * number


class OnGpu(torch.Tensor):
    """A tensor that claims to be on a GPU."""

    is_cuda = True


class Telling(torch.nn.Module):
    """A noise-conditional network whose output is the image plus the level."""

    def forward(self, x):
        return x[:, :1] + x[:, 1:]


class Stream:
    """A stream stub that has nothing to wait for and is its own event."""

    def record_event(self):
        return self

    def wait(self, stream):
        return None


@pytest.fixture
def network(recordings, monkeypatch):
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream())
    return AnySize(BySize(Telling()), multiple=1, sigmoid=False, noise_conditional=True)


def on_gpu(*shape):
    return (torch.rand(*shape) / 2).as_subclass(OnGpu)


def test_a_network_is_recorded_once_a_size_and_told_each_level(network, recordings):
    for level in (None, 0.1, 0.2, 0.3, None, 0.4):
        for shape in ((1, 1, 8, 8), (2, 1, 5, 6)):
            x = on_gpu(*shape)
            torch.testing.assert_close(
                torch.Tensor(network(x, level)), torch.Tensor(x) + (level or 0.0)
            )
    assert recordings == [6 - WARM] * 2


def test_an_answer_outlives_the_next_call(network):
    for _ in range(WARM + 1):
        network(on_gpu(1, 1, 4, 4))
    first = network(on_gpu(1, 1, 4, 4))
    kept = torch.Tensor(first).clone()
    network(on_gpu(1, 1, 4, 4))
    assert torch.equal(torch.Tensor(first), kept)


def test_the_sizes_that_were_called_last_are_kept(network):
    for side in range(1, KEPT + 4):
        network(on_gpu(1, 1, side, side))
        network(on_gpu(1, 1, 1, 1))
    sides = [shape[-1] for shape, *_ in network.net._known]
    assert sides == [*range(5, KEPT + 4), 1]


def test_large_batches_and_those_of_processors_are_not_recorded(network, recordings):
    for _ in range(WARM + 2):
        network(on_gpu(1, 1, 2, SMALL // 2 + 1))
        network(torch.rand(1, 1, 8, 8))
    assert not network.net._known
    assert not recordings
