"""The sample model: the one in the package, and the way it was made."""

from dataclasses import replace

import numpy as np
import pytest

from tvm_tiny.testing.digits import digits_model_path, digits_test_set
from tvm_tiny.testing.digits.export import to_int8, to_onnx
from tvm_tiny.testing.digits.layers import Conv, Dense, DepthwiseConv, MaxPool, Relu
from tvm_tiny.testing.digits.train import cross_entropy, forward, load_digits, network, train, varied
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference, load_onnx


def probabilities(source, images):
    reference = OnnxRuntimeReference(source)
    return np.concatenate([reference.run({"image": image[None]})["probabilities"] for image in images])


def test_the_model_in_the_package_is_small_and_right():
    source = digits_model_path().read_bytes()
    assert len(source) < 100_000
    images, labels = digits_test_set()
    assert (images.shape, images.dtype, labels.shape) == ((450, 1, 8, 8), np.float32, (450,))
    assert np.mean(probabilities(source, images).argmax(1) == labels) >= 0.97


def test_the_model_in_the_package_is_int8_per_channel():
    graph = load_onnx(digits_model_path().read_bytes()).graph
    operators = [node.op_type for node in graph.node if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    assert operators == ["Conv", "Conv", "Conv", "MaxPool", "Conv", "MaxPool", "Flatten", "Gemm", "Softmax"]
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for name in ("conv0/weights", "depthwise2/weights", "dense/weights"):
        assert weights[f"{name}_quantized"].data_type == 3  # int8
        assert weights[f"{name}_scale"].dims == weights[f"{name}_quantized"].dims[:1]


def test_scores_are_far_from_ties():
    """So that a rounding step here or there never changes a prediction."""
    reference = OnnxRuntimeReference(digits_model_path().read_bytes())
    images, _ = digits_test_set()
    scores = np.concatenate([reference.run_all({"image": image[None]})["scores_QuantizeLinear_Output"] for image in images])
    first, second = np.sort(scores.astype(int), axis=1)[:, :-3:-1].T
    assert (first - second).min() >= 4


def test_held_out_images_are_not_in_the_training_data():
    digits = load_digits()
    images, labels = digits_test_set()
    np.testing.assert_array_equal(images, digits.test_images)
    np.testing.assert_array_equal(labels, digits.test_labels)
    seen = {image.tobytes() for image in digits.train_images}
    assert len(seen) == 1797 - 450
    assert not [image for image in images if image.tobytes() in seen]


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv(2, 3, 3, RNG), (2, 2, 4, 4)),
        (Conv(3, 2, 1, RNG), (2, 3, 4, 4)),
        (DepthwiseConv(3, 3, RNG), (2, 3, 4, 4)),
        (Dense(12, 5, RNG), (2, 3, 2, 2)),
        (Relu(), (2, 3, 4, 4)),
        (MaxPool(), (2, 3, 4, 4)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else "",
)
def test_gradients_are_the_slopes_of_the_loss(layer, shape):
    """The loss is a fixed random combination of the outputs; its slope along a direction is measured, and computed."""
    rng = np.random.default_rng(1)
    layer.parameters = [parameter.astype(np.float64) for parameter in layer.parameters]
    x = rng.normal(size=shape)
    combination = rng.normal(size=layer.forward(x).shape)
    by_input = layer.backward(combination)
    for variable, gradient in [(x, by_input), *zip(layer.parameters, layer.gradients, strict=True)]:
        assert gradient.shape == variable.shape
        direction = rng.normal(size=variable.shape)
        losses = []
        for step in (1e-6, -2e-6):
            variable += step * direction
            losses.append((layer.forward(x) * combination).sum())
        variable += 1e-6 * direction
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx((gradient * direction).sum(), rel=1e-5)


def test_gradient_of_the_cross_entropy():
    rng = np.random.default_rng(2)
    scores, labels, direction = rng.normal(size=(4, 10)), rng.integers(0, 10, 4), rng.normal(size=(4, 10))
    _, gradient = cross_entropy(scores, labels)
    above, below = (cross_entropy(scores + step * direction, labels)[0] for step in (1e-5, -1e-5))
    assert (above - below) / 2e-5 == pytest.approx((gradient * direction).sum(), rel=1e-4)


def test_varied_images_are_the_same_digits_moved():
    images = load_digits().train_images[:50]
    copies = varied(images, np.random.default_rng(0))
    assert (copies.shape, copies.dtype) == (images.shape, np.float32)
    assert copies.min() >= 0
    assert copies.max() <= 1
    assert not np.array_equal(copies, images)
    # Most of the ink stays where it was.
    assert np.corrcoef(copies.ravel(), images.ravel())[0, 1] > 0.6


def test_training_learns():
    digits = load_digits()
    losses = []
    layers = train(digits, epochs=4, progress=lambda _, loss: losses.append(loss))
    assert losses == sorted(losses, reverse=True)
    assert np.mean(forward(layers, digits.test_images).argmax(1) == digits.test_labels) > 0.85


def test_training_repeats_itself():
    digits = load_digits()
    few = replace(digits, train_images=digits.train_images[:200], train_labels=digits.train_labels[:200])
    layers, again, other = (train(few, epochs=2, seed=seed) for seed in (5, 5, 6))
    for a, b, c in zip(layers, again, other, strict=True):
        for mine, same, different in zip(a.parameters, b.parameters, c.parameters, strict=True):
            np.testing.assert_array_equal(mine, same)
            assert not np.array_equal(mine, different)


def test_exported_models_compute_what_the_layers_do():
    digits = load_digits()
    layers = network(np.random.default_rng(3))
    images = digits.test_images[:20]
    scores = forward(layers, images)
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    model = to_onnx(layers)
    np.testing.assert_allclose(probabilities(model, images), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(probabilities(to_int8(model, digits.train_images), images), expected, atol=0.1)
