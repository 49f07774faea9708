"""What a convolution or fully connected layer needs of its input's channels, and the same layer on fewer of them.

The accumulator of output channel o is ``bias[o]`` plus, for each input channel c, what c contributes. c can go where

- all its weights for o are zero: it contributes nothing; or
- it is constant, and what it contributes is the same wherever the window stands: that number joins the bias. Under padding, a tap
  that lies outside reads the padding instead of the constant, so the weights of the taps that are ever outside must sum up to the
  same for each kind of place, or the padding must be the constant; or
- o itself is constant, whatever the accumulator: then o needs no input at all. Its weights become zero, and its bias the lowest
  accumulator of all, which is requantised to that constant as any other is.

The new bias holds within int32: it is among the old partial sums, all of which do (:func:`tvm_tiny.op.fold.folded_bias`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tvm_tiny.op.operator import Node
from tvm_tiny.transform.limits import Interval
from tvm_tiny.transform.taps import taps


@dataclass(frozen=True)
class ChannelReader:
    """A layer whose every output channel reads every input channel.

    Attributes
    ----------
    needs : ndarray of bool (O, I)
        Output channel o cannot be computed without input channel c.
    folded : ndarray of int64 (O, I)
        What c contributes to the accumulator of o, where it is constant and can go.
    constant : ndarray of bool (O,)
        The output channel is constant.
    lowest : ndarray of int64 (O,)
        The lowest accumulator of each output channel.
    """

    needs: np.ndarray
    folded: np.ndarray
    constant: np.ndarray
    lowest: np.ndarray

    @staticmethod
    def of(node: Node, x: Interval, output: Interval, accumulator: Interval) -> ChannelReader:
        """The reader of a ``conv2d`` or ``fully_connected`` node."""
        weight = node.constant(1).astype(np.int64)
        if weight.ndim == 2:
            weight = weight[:, None, None, :]
            outside, pad_value = np.zeros((1, *weight.shape[::3]), np.int64), 0
        else:
            outside, pad_value = _weights_outside(node, weight), node.attrs.pad_value
        # constant * (taps inside) + padding * (taps outside), by (place, o, c)
        beyond = pad_value - x.low
        alike = (beyond == 0) | (outside == outside[:1]).all(axis=0)
        fold = x.constant & alike
        contributes = x.low * weight.sum(axis=(1, 2)) + beyond * outside[0]
        needs = weight.any(axis=(1, 2)) & ~fold & ~output.constant[:, None]
        return ChannelReader(needs, np.where(fold, contributes, 0), output.constant, accumulator.low)

    def needed(self, outputs: np.ndarray) -> np.ndarray:
        """The input channels (mask) that the output channels ``outputs`` (mask) need."""
        return self.needs[outputs].any(axis=0)

    def shrunk(self, node: Node, inputs: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(weight, bias, scales) of the layer on the channels ``inputs``, giving the channels ``outputs``; both are masks."""
        weight, bias, scales = node.constant(1), node.constant(2).astype(np.int64), node.constant(3)
        if not inputs.all():
            bias = np.where(self.constant, self.lowest, bias + self.folded[:, ~inputs].sum(axis=1))
            zeroed = self.constant.reshape(-1, *(1,) * (weight.ndim - 1))
            weight = np.where(zeroed, np.zeros_like(weight), weight)
        weight = np.ascontiguousarray(weight[outputs][..., inputs])
        return weight, narrowed(bias[outputs]), scales[outputs] if scales.size > 1 else scales


def narrowed(bias: np.ndarray) -> np.ndarray:
    """A bias as int32, which holds it."""
    result = bias.astype(np.int32)
    assert np.array_equal(result, bias), "a folded bias leaves int32"
    return result


def _weights_outside(node: Node, weight: np.ndarray) -> np.ndarray:
    """Sum of the weights of the taps that are outside, by (class of places, O, I); ``weight`` is (O, KH, KW, I)."""
    attrs = node.attrs
    height, width = node.value(0).shape[1:3]
    places = taps((height, width), (weight.shape[1], weight.shape[2]), attrs.strides, attrs.dilation, attrs.padding)
    by_tap = weight.transpose(1, 2, 0, 3)
    return places.sums(np.zeros_like(by_tap), by_tap)
