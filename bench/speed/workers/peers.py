"""Third-party systems: Keras on TensorFlow, ONNX Runtime, OpenVINO.

The worker process is `python -m bench.speed.workers.peers`.

References
----------
Keras, "Convolutional autoencoder for image denoising".
https://keras.io/examples/vision/autoencoder/
ONNX Runtime. https://onnxruntime.ai/docs/performance/tune-performance/threading.html
OpenVINO, performance hints.
https://docs.openvino.ai/2025/openvino-workflow/running-inference/optimize-inference.html
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.speed.workers.serve import Job, serve

# Images of one `predict` or `fit`, by network: half a second of work or more. With fewer images,
# start-up would dominate. With more, a turn would span several busy and idle phases of the machine.
PREDICTED = {"K1": 4_096, "autoencoder": 1_024}
ASYNC = 1_024  # images per call with parallel requests
PACKAGES = {"keras": "keras", "onnxruntime": "onnxruntime", "openvino": "openvino"}


def keras_predict(
    network: str, shape: list[int], batch: int, threads: int, policy: str = "float32", **_: Any
) -> Job:
    """Run inference by Keras `predict`."""
    model, images = _keras(network, tuple(shape), threads, policy), _keras_images(network, shape)
    data = _untuned(images, batch)
    return lambda: model.predict(data, verbose=0), len(images), policy


def keras_function(
    network: str, shape: list[int], batch: int, threads: int, policy: str = "float32", **_: Any
) -> Job:
    """Run inference by the Keras model as a `tf.function`, on one batch, without `predict`."""
    model = _keras(network, tuple(shape), threads, policy)
    import tensorflow

    compiled = tensorflow.function(functools.partial(model, training=False))
    images = tensorflow.constant(_images(batch, [*shape[1:], shape[0]]))
    return lambda: compiled(images).numpy(), batch, policy


def keras_fit(
    network: str, shape: list[int], batch: int, threads: int, policy: str = "float32", **_: Any
) -> Job:
    """Train one epoch by Keras `fit`, with Adam on binary cross-entropy."""
    model = _keras(network, tuple(shape), threads, policy)
    model.compile("adam", "binary_crossentropy")
    images = _keras_images(network, shape)
    data = _untuned((images, images), batch)
    return lambda: model.fit(data, epochs=1, verbose=0), len(images), policy


def _untuned(images: Any, batch: int) -> Any:
    """Return a data set of batches whose own tuner is off: between two of its steps it sleeps."""
    import tensorflow

    data = tensorflow.data.Dataset.from_tensor_slices(images).batch(batch).prefetch(2)
    options = tensorflow.data.Options()
    options.autotune.enabled = False
    return data.with_options(options)


def _keras_images(network: str, shape: list[int]) -> np.ndarray:
    """Make random images, (N, H, W, C), the layout of Keras."""
    return np.random.default_rng(0).random((PREDICTED[network], *shape[1:], shape[0]), np.float32)


@functools.cache
def _keras(network: str, shape: tuple[int, ...], threads: int, policy: str) -> Any:
    """Build a network from Keras layers, in a number format: float32 or mixed_bfloat16.

    "K1" is the network of the Keras example; "autoencoder" has nearest upsampling.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow
    from keras import layers

    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    keras.mixed_precision.set_global_policy(policy)
    given = keras.Input((*shape[1:], shape[0]))
    x = given
    if network == "K1":
        for _ in range(2):
            x = layers.MaxPooling2D(2, padding="same")(
                layers.Conv2D(32, 3, activation="relu", padding="same")(x)
            )
        for _ in range(2):
            x = layers.Conv2DTranspose(32, 3, strides=2, activation="relu", padding="same")(x)
    else:

        def conv(x: Any, width: int) -> Any:
            x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            return layers.ReLU()(layers.BatchNormalization()(x))

        x = conv(conv(x, 32), 32)
        for width in (64, 128):
            x = conv(conv(layers.MaxPooling2D(2)(x), width), width)
        for width in (64, 32):
            x = conv(conv(layers.UpSampling2D(2)(x), width), width)
    return keras.Model(given, layers.Conv2D(shape[0], 3, activation="sigmoid", padding="same")(x))


def onnx_runtime(onnx: str, shape: list[int], batch: int, threads: int, **_: Any) -> Job:
    """Run inference by ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Spinning threads would go on after a call and slow down the system that is timed next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: _images(batch, shape)}
    return lambda: session.run(None, given), batch, "float32"


def openvino_latency(onnx: str, shape: list[int], batch: int, threads: int, **_: Any) -> Job:
    """Run inference by OpenVINO, one request at a time."""
    model, ran = _openvino(onnx, tuple(shape), batch, threads, "LATENCY")
    request, images = model.create_infer_request(), _images(batch, shape)
    return lambda: request.infer({0: images}, share_inputs=True, share_outputs=True), batch, ran


def openvino_float32(onnx: str, shape: list[int], batch: int, threads: int, **_: Any) -> Job:
    """Run inference by OpenVINO in float32, one request at a time."""
    model, ran = _openvino(onnx, tuple(shape), batch, threads, "LATENCY", exact=True)
    request, images = model.create_infer_request(), _images(batch, shape)
    return lambda: request.infer({0: images}, share_inputs=True, share_outputs=True), batch, ran


def openvino_int8(int8: str, shape: list[int], batch: int, threads: int, **_: Any) -> Job:
    """Run a file quantized by `bench.scoring.deployed`.

    OpenVINO chooses the layers that it computes in integers.
    """
    model, ran = _openvino(int8, tuple(shape), batch, threads, "LATENCY")
    request, images = model.create_infer_request(), _images(batch, shape)
    layers = [operation.get_rt_info() for operation in model.get_runtime_model().get_ops()]
    products = [
        layer["runtimePrecision"].astype(str)
        for layer in layers
        if "onvolution" in layer["layerType"].astype(str)
    ]
    coarse = sum(precision.lower() in ("i8", "u8") for precision in products)
    call = functools.partial(request.infer, {0: images}, share_inputs=True, share_outputs=True)
    return call, batch, f"{coarse} of {len(products)} convolutions in 8-bit integers, else {ran}"


def openvino_throughput(onnx: str, shape: list[int], batch: int, threads: int, **_: Any) -> Job:
    """Run inference by OpenVINO, requests in parallel."""
    import openvino

    model, ran = _openvino(onnx, tuple(shape), batch, threads, "THROUGHPUT")
    queue = openvino.AsyncInferQueue(model)
    images = _images(batch, shape)
    requests = max(2 * len(queue), ASYNC // batch)

    def call() -> None:
        for _ in range(requests):
            queue.start_async({0: images}, share_inputs=True)
        queue.wait_all()

    return call, requests * batch, ran


def _openvino(
    onnx: str, shape: tuple[int, ...], batch: int, threads: int, hint: str, *, exact: bool = False
) -> tuple[Any, str]:
    """Compile a model, in bfloat16 if the CPU supports it, as OpenVINO does by default.

    If `exact`, in float32.
    """
    import openvino

    core = openvino.Core()
    model = core.read_model(onnx)
    model.reshape([batch, *shape])
    rounded = not exact and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    options = {"PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": threads}
    options["INFERENCE_PRECISION_HINT"] = "bf16" if rounded else "f32"
    return core.compile_model(model, "CPU", options), "bfloat16" if rounded else "float32"


def _images(batch: int, shape: list[int]) -> np.ndarray:
    return np.random.default_rng(0).random((batch, *shape), np.float32)


SYSTEMS: dict[str, Callable[..., Job]] = {
    "keras_predict": keras_predict,
    "keras_function": keras_function,
    "keras_bfloat16": functools.partial(keras_function, policy="mixed_bfloat16"),
    "keras_fit": keras_fit,
    "keras_fit_bfloat16": functools.partial(keras_fit, policy="mixed_bfloat16"),
    "onnxruntime": onnx_runtime,
    "openvino_latency": openvino_latency,
    "openvino_float32": openvino_float32,
    "openvino_throughput": openvino_throughput,
    "openvino_int8": openvino_int8,
}

if __name__ == "__main__":
    serve(SYSTEMS, lambda system: importlib.metadata.version(PACKAGES[system.partition("_")[0]]))
