"""The Ray executor on a cluster of several nodes on this machine; one node is killed."""

import json
import shutil
import socket
import sys
import time

import pandas as pd
import pytest
import torch

ray = pytest.importorskip("ray")

from ray.cluster_utils import Cluster  # noqa: E402

from bench.sweep import executors, ray_executor  # noqa: E402
from bench.sweep.grid import Network  # noqa: E402
from bench.sweep.recipe import Recipe  # noqa: E402
from bench.sweep.run_folder import Store, read_scores  # noqa: E402
from bench.sweep.work import Job, Untrained  # noqa: E402

RECIPE = Recipe(width=2, depth=1, images=128, batch=16)
CELLS = [
    Untrained("glyphs", True, "median"),
    *(
        Network("glyphs", True, decoder, (2,), seed)
        for decoder in ("nearest", "transposed")
        for seed in (0, 1)
    ),
]


@pytest.fixture
def nodes(monkeypatch):
    """Yield a cluster whose head has no CPUs, and a function that adds nodes with one CPU each."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # a GPU would not give the same scores twice
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    small = {"object_store_memory": 100 * 2**20, "num_gpus": 0}
    # detects a dead node sooner than the default, and waits for one that is only slow
    sooner = {"health_check_period_ms": 1_000, "health_check_failure_threshold": 10}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": sooner, **small}
    )
    yield cluster, lambda **resources: cluster.add_node(num_cpus=1, **{**small, **resources})
    ray.shutdown()
    cluster.shutdown()


def scores(job):
    frames = [
        read_scores(Store(job.folder, RECIPE).scores(suite, cell.name))[0].assign(cell=cell.name)
        for cell in CELLS
        for suite in ("own", "noises")
        if suite == "own" or isinstance(cell, Network)
    ]
    return pd.concat(frames, ignore_index=True)


def soon(condition, seconds=20):
    """Wait until the condition holds, at most `seconds`; return True if the condition holds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def at_work(node):
    return not ray._private.state.available_resources_per_node()[node.node_id].get("CPU")


def job_in(folder):
    return Job(RECIPE, folder, None, suites=("own", "noises"))


def test_a_node_that_is_killed_midway_costs_nothing(tmp_path, nodes):
    cluster, add = nodes
    first, _ = add(), add()
    here, there = job_in(tmp_path / "here"), job_in(tmp_path / "there")
    done = ray_executor.cluster(CELLS, there, cluster.address)
    finished = [next(done)]
    assert soon(lambda: at_work(first))
    cluster.remove_node(first, allow_graceful=False)
    finished += done

    assert sorted(cell.name for cell in finished) == sorted(cell.name for cell in CELLS)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # like the nodes: sums in another order would train other weights
    try:
        assert [*executors.here(CELLS, here)] == CELLS
    finally:
        torch.set_num_threads(threads)
    pd.testing.assert_frame_equal(scores(there), scores(here), rtol=0, atol=1e-4)
    files = [
        sorted(path.relative_to(job.folder) for path in job.folder.rglob("*"))
        for job in (here, there)
    ]
    assert files[0] == files[1]


def test_networks_share_the_gpus_of_a_cluster_that_has_some(tmp_path, nodes, monkeypatch):
    cluster, add = nodes
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # Ray counts the GPUs that the variable names
    add(num_gpus=1)

    def asked(cell, *rest):
        return {cell.name: json.dumps(ray.get_runtime_context().get_assigned_resources()).encode()}

    monkeypatch.setattr(ray_executor, "make_cell", asked)
    untrained, network = cells = CELLS[:2]
    assert {*ray_executor.cluster(cells, job_in(tmp_path), cluster.address)} == {*cells}
    assert json.loads((tmp_path / untrained.name).read_text()) == {"CPU": 1}
    assert json.loads((tmp_path / network.name).read_text()) == {
        "CPU": 1,
        "GPU": ray_executor.GPU_SHARE,
    }


def test_a_cell_that_another_run_holds_waits_and_a_wrong_one_is_named(tmp_path, nodes):
    cluster, add = nodes
    add()
    job, (untrained, network, other, *_) = job_in(tmp_path), CELLS
    with Store(tmp_path, RECIPE).lock(untrained.name):
        done = ray_executor.cluster([untrained, network], job, cluster.address)
        assert next(done) == network
    assert [*done] == [untrained]

    # Existing weights are sent to the node, and an error in them comes back in one line.
    made, copy = (Store(tmp_path, RECIPE).weights(cell.name) for cell in (network, other))
    for ending in (".safetensors", ".json"):
        shutil.copy(made.with_suffix(ending), copy.with_suffix(ending))
    with pytest.raises(
        ValueError,
        match=r"^glyphs-clipped-nearest-2-s1: .*was trained with other settings.*not changed$",
    ):
        next(ray_executor.cluster([other], job, cluster.address))


def test_a_node_with_other_code_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has other code"):
        ray_executor.make_cell(CELLS[0], job_in(tmp_path), {}, {"commit": "another"})


def test_an_address_where_no_cluster_is_gets_one_line_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ValueError, match=rf"no Ray cluster at {address}: .*valid: HOST:PORT"):
            next(ray_executor.cluster(CELLS, job_in(tmp_path), address))


def test_without_ray_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[ray\]'"):
        next(ray_executor.cluster(CELLS, job_in(tmp_path)))
