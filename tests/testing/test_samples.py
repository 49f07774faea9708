"""Random inputs: reproducible, and spread over what a model may see."""

import numpy as np
import pytest

from tvm_tiny.errors import InputError
from tvm_tiny.model import TensorSpec
from tvm_tiny.testing.samples import random_inputs

IMAGE = TensorSpec("image", (1, 12, 10, 3), "int8", 0.05, -20)


def test_shape_dtype_and_number():
    specs = [IMAGE, TensorSpec("state", (1, 7), "uint8", 0.1, 128), TensorSpec("gain", (), "float32")]
    samples = random_inputs(specs, 12, seed=1)
    assert len(samples) == 12
    for sample in samples:
        assert [(name, array.shape, str(array.dtype)) for name, array in sample.items()] == [
            ("image", (1, 12, 10, 3), "int8"),
            ("state", (1, 7), "uint8"),
            ("gain", (), "float32"),
        ]


def test_a_longer_run_repeats_a_shorter_one():
    short, long = random_inputs([IMAGE], 5, seed=3), random_inputs([IMAGE], 15, seed=3)
    for a, b in zip(short, long, strict=False):
        np.testing.assert_array_equal(a["image"], b["image"])
    assert not np.array_equal(short[0]["image"], random_inputs([IMAGE], 1, seed=4)[0]["image"])


def test_kinds_of_samples():
    samples = [sample["image"].astype(float) for sample in random_inputs([IMAGE], 20, seed=0)]
    noise, smooth, normal = samples[0], samples[1], samples[2]
    assert abs(noise.mean()) < 10
    assert (noise.min(), noise.max()) < (-120, 120)
    # Neighbours in a smooth pattern are alike, in noise they are not.
    assert np.abs(np.diff(smooth, axis=1)).mean() < 0.5 * np.abs(np.diff(noise, axis=1)).mean()
    assert (smooth.min(), smooth.max()) == (-128, 127)
    assert abs(normal.mean() - IMAGE.zero_point) < 5
    assert [np.unique(samples[i]).tolist() for i in (4, 14)] == [[-128], [127]]


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("int8", -128, 127), ("uint8", 0, 255), ("int16", -32768, 32767), ("float32", -1, 1), ("bool", 0, 1)]
)
def test_values_stay_in_range_and_reach_its_ends(dtype, low, high):
    values = np.stack([sample["x"] for sample in random_inputs([TensorSpec("x", (4, 50), dtype)], 20, seed=0)])
    assert (values.min(), values.max()) == (low, high)


def test_what_has_no_samples():
    with pytest.raises(InputError, match="at least one sample"):
        random_inputs([IMAGE], 0)
    with pytest.raises(InputError, match=r"'words'.*complex64"):
        random_inputs([TensorSpec("words", (4,), "complex64")], 1)
