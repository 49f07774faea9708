"""Average pooling on MVE, bit for bit what LiteRT's reference kernel computes."""

from __future__ import annotations

from tests.schedule.mve.helpers import Layer, assert_equal_litert
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord


def pool(shape: tuple[int, int, int, int], size: tuple[int, int], kind: str = "average_pool2d", **options: object) -> Layer:
    def layer(b: TFLiteBuilder, name: str) -> TensorRecord:
        x = b.input(f"{name}: x", shape, "int8", scale=0.04, zero_point=-9)
        output: TensorRecord = getattr(b, kind)(x, size, name, **options)
        return output

    return layer


CASES = {
    "the whole image": pool((1, 5, 4, 64), (5, 4)),
    "2x2": pool((1, 6, 8, 16), (2, 2)),
    "3x2, strided": pool((1, 7, 8, 12), (3, 2), stride=(2, 3)),
    "eight channels and some": pool((1, 4, 4, 13), (2, 2)),
    "seven channels": pool((1, 4, 4, 7), (2, 4)),
    "two channels": pool((1, 4, 6, 2), (4, 3)),
    "one row": pool((1, 1, 12, 5), (1, 4)),
    "one column": pool((1, 12, 1, 5), (4, 1)),
    "two images": pool((2, 4, 4, 9), (2, 2)),
    "relu": pool((1, 4, 4, 9), (2, 2), activation="RELU"),
    "a row of an image larger than an immediate": pool((1, 3, 200, 30), (3, 2)),
}

OTHERS = {
    "one channel": pool((1, 4, 6, 1), (2, 2)),
    "padded": pool((1, 5, 5, 8), (3, 3), stride=(2, 2), padding="SAME"),
    "maximum": pool((1, 6, 6, 20), (2, 2), "max_pool2d"),
    "maximum, padded": pool((1, 5, 5, 20), (3, 3), "max_pool2d", stride=(2, 2), padding="SAME"),
}


def test_by_windows() -> None:
    assert_equal_litert(CASES, "tvm_tiny_mve_sum_window")


def test_others() -> None:
    assert_equal_litert(OTHERS)
