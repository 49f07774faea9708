"""Random networks of integer operators in which many channels are constant or read by nobody."""

from __future__ import annotations

import numpy as np
import tvm
from tvm import relax

from tests.transform.integer_net import IntegerNet
from tvm_tiny.op.qdq import shape_of
from tvm_tiny.transform.channels_last import channels_last

ROUNDINGS = ("double", "single", "even", "real")


def random_net(seed: int, branches: int = 6) -> tvm.IRModule:
    """A module of independent branches, each with an input and an output of its own, as the pass finds it: channels last."""
    net = IntegerNet(seed)
    return channels_last(net.build(*(_Branch(net).grown() for _ in range(branches))))


class _Branch:
    def __init__(self, net: IntegerNet) -> None:
        self.net, self.rng = net, net.rng

    def grown(self) -> relax.Var:
        rng = self.rng
        x = self.net.input(1, int(rng.integers(3, 7)), int(rng.integers(3, 7)), int(rng.integers(1, 4)))
        for _ in range(int(rng.integers(2, 7))):
            layers = (self.conv, self.conv, self.depthwise, self.depthwise)
            x = self.pick(*layers, self.residual, self.unary, self.wider, self.part)(x)  # type: ignore[operator]
        return self.head(x)

    def pick(self, *choices: object) -> object:
        return choices[int(self.rng.integers(len(choices)))]

    def weights(self, outputs: int, inputs: int, *kernel: int) -> np.ndarray:
        """(outputs, kernel..., inputs) with outputs that nothing moves, and inputs that nobody reads."""
        rng = self.rng
        weight = rng.integers(-127, 128, (outputs, *kernel, inputs))
        weight[rng.random(outputs) < 0.15] = 0
        weight[..., rng.random(inputs) < 0.15] = 0
        weight[rng.random(weight.shape) < 0.1] = 0
        return weight

    def settings(self, taps: int, outputs: int) -> dict[str, object]:
        """Bias, scale and limits; some channels never leave a limit."""
        rng = self.rng
        bias = rng.integers(-3000, 3000, outputs)
        drowned = rng.random(outputs) < 0.1
        bias[drowned] = np.where(rng.random(outputs) < 0.5, 1, -1)[drowned] * 200 * 128 * taps
        zero_point = int(self.pick(-128, 0, 11))
        return {
            "bias": bias,
            "scale": float(rng.uniform(0.3, 2.0) / (40 * np.sqrt(taps))),
            "zero_point": zero_point,
            "limits": self.pick((-128, 127), (zero_point, 127), (zero_point, min(zero_point + 60, 127))),
            "rounding": self.pick(*ROUNDINGS),
        }

    def window(self, size: int) -> dict[str, object]:
        padding = self.pick((0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 0)) if size == 3 else (0, 0, 0, 0)
        return {"padding": padding, "strides": self.pick((1, 1), (2, 2)), "pad_value": int(self.pick(-128, -128, 0, 7))}

    def size(self, x: relax.Var) -> int:
        return int(self.pick(1, 3)) if min(shape_of(x)[1:3]) >= 3 else 1

    def conv(self, x: relax.Var) -> relax.Var:
        size, channels, filters = self.size(x), shape_of(x)[3], int(self.rng.integers(1, 9))
        weight = self.weights(filters, channels, size, size)
        return self.net.conv(x, weight, **self.settings(size * size * channels, filters), **self.window(size))

    def depthwise(self, x: relax.Var) -> relax.Var:
        size, channels = self.size(x), shape_of(x)[3] * int(self.pick(1, 1, 2))
        weight = self.weights(channels, 1, size, size)[..., 0].transpose(1, 2, 0)
        return self.net.conv(x, weight, **self.settings(size * size, channels), **self.window(size), depthwise=True)

    def pointwise(self, x: relax.Var, filters: int) -> relax.Var:
        channels = shape_of(x)[3]
        return self.net.conv(x, self.weights(filters, channels, 1, 1), **self.settings(channels, filters))

    def residual(self, x: relax.Var) -> relax.Var:
        filters = int(self.rng.integers(2, 7))
        first, second = self.pointwise(x, filters), self.pointwise(x, int(self.pick(filters, filters, 1)))
        return self.pick(self.net.add, self.net.mul)(first, second)  # type: ignore[operator]

    def unary(self, x: relax.Var) -> relax.Var:
        net, shape = self.net, shape_of(x)
        choices = [
            lambda: net.lookup(x, self.rng.integers(-128, 128, 256)),
            lambda: net.clamped(x, int(self.rng.integers(-128, 0)), int(self.rng.integers(0, 128))),
            lambda: net.average_pool(x, away=bool(self.pick(True, False)), scale=float(self.pick(1.0, 0.7))),
            lambda: net.max_pool(x, 1),
            lambda: net.add(x, self.rng.integers(-128, 128, shape[3]).astype(np.int8), exact=True),
            lambda: net.mul(x, self.rng.integers(-128, 128, (1, 1, 1, shape[3])).astype(np.int8), rounding="even"),
            lambda: net.reshape(net.reshape(x, 1, shape[1] * shape[2] * shape[3]), *shape),
        ]
        return self.pick(*choices)()  # type: ignore[operator]

    def wider(self, x: relax.Var) -> relax.Var:
        net, shape = self.net, shape_of(x)
        constant = self.rng.integers(-128, 128, (*shape[:3], 2)).astype(np.int8)
        choices = [
            lambda: net.concatenate(self.pointwise(x, 3), constant, self.pointwise(x, 4)),
            lambda: net.concatenate(self.pointwise(x, 3), self.pointwise(x, 3), axis=1),
            lambda: net.pad(x, (0, 1, 0, 1), (0, 0, 1, 2), int(self.pick(-128, 4))),
            lambda: net.pad(x, (0, 0, 0, 0), (0, 0, 0, 3), int(self.pick(-128, 4))),
        ]
        return self.pick(*choices)()  # type: ignore[operator]

    def part(self, x: relax.Var) -> relax.Var:
        net, shape = self.net, shape_of(x)
        wide = self.pointwise(x, 7)
        choices = [
            lambda: net.slice(wide, 3, 1, 6),
            lambda: net.slice(wide, 3, -1, -5, -2),
            lambda: net.slice(wide, 1, 0, max(shape[1] - 1, 1)),
            lambda: net.add(net.slice(wide, 3, 0, 3), net.slice(wide, 3, 4, 7)),
            lambda: net.transpose(wide, 0, 2, 1, 3),
            lambda: net.transpose(wide, 0, 1, 3, 2),
        ]
        return self.pick(*choices)()  # type: ignore[operator]

    def head(self, x: relax.Var) -> relax.Var:
        net, shape = self.net, shape_of(x)
        units = int(self.rng.integers(1, 5))

        def dense(flat: relax.Var) -> relax.Var:
            depth = shape_of(flat)[-1]
            return net.dense(flat, self.weights(units, depth), **self.settings(depth, units))

        choices = [
            lambda: x,
            lambda: dense(net.reshape(x, 1, shape[1] * shape[2] * shape[3])),
            lambda: dense(net.mean(x, (1, 2))),
            lambda: dense(net.mean(x, (1, 2), total=True)),
            lambda: dense(net.extremum(x, (1, 2), largest=bool(self.pick(True, False)))),
            lambda: net.softmax(dense(net.mean(x, (1, 2)))),
            lambda: net.mean(x, (1, 2, 3), keepdims=True),
            lambda: net.extremum(x, (3,)),
        ]
        return self.pick(*choices)()  # type: ignore[operator]
