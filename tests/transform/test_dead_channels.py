"""Which channels go and which stay, and that no output changes by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tvm
from tvm import relax

from tests.transform.integer_net import IntegerNet, beside, call_of, node, random_inputs, run
from tests.transform.random_nets import random_net
from tvm_tiny.frontend import load
from tvm_tiny.op.operator import node_of, notes_of
from tvm_tiny.op.qdq import Arithmetic, shape_of
from tvm_tiny.transform.dead_channels import remove_dead_channels
from tvm_tiny.transform.intervals import bindings
from tvm_tiny.transform.lower_integer import lower_integer
from tvm_tiny.transform.pipeline import passes

RNG = np.random.default_rng(2)


def weights(*shape: int) -> np.ndarray:
    """Weights of which none is zero."""
    return RNG.integers(1, 128, shape) * RNG.choice([-1, 1], shape)


def removed(mod: tvm.IRModule) -> tvm.IRModule:
    """After the pass, which has changed no output: random inputs are run as C before and after it."""
    new = remove_dead_channels(mod)
    for sample in run(beside(mod, new), random_inputs(mod, 10)).outputs:
        outputs = list(sample.values())
        half = len(outputs) // 2
        for before, after in zip(outputs[:half], outputs[half:], strict=True):
            np.testing.assert_array_equal(after, before)
    return new


def shapes(mod: tvm.IRModule, name: str) -> list[tuple[int, ...]]:
    """Shapes of what the calls of the operator ``name`` give."""
    return [
        shape_of(var)
        for var, value in bindings(mod)
        if isinstance(value, relax.Call) and str(value.op.name) in (name, f"tiny.{name}")
    ]


# ---- what goes -------------------------------------------------------------------------------------------------------------------


def test_a_channel_that_nothing_moves_joins_the_bias_of_its_reader() -> None:
    net = IntegerNet()
    first, second, bias = weights(3, 3, 3, 2), weights(4, 1, 1, 3), np.array([7, 1000, -7])
    first[1] = 0
    y = net.conv(net.conv(net.input(1, 5, 5, 2), first, bias, scale=0.05), second, 11)
    new = removed(net.build(y))
    assert shapes(new, "conv2d") == [(1, 3, 3, 2), (1, 3, 3, 4)]
    assert np.array_equal(node(new, "conv2d").constant(1), first[[0, 2]])
    assert node(new, "conv2d").constant(2).tolist() == [7, -7]
    reader = node(new, "conv2d", 1)
    assert np.array_equal(reader.constant(1), second[..., [0, 2]])
    assert np.array_equal(reader.constant(2), 11 + 50 * second[:, 0, 0, 1])  # 1000 * 0.05, as it is stored


def test_a_channel_held_by_its_activation_is_constant_too() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 4, 4, 2), weights(3, 1, 1, 2), np.array([0, -90_000, 90_000]), limits=(-100, 120))
    new = removed(net.build(net.conv(x, weights(2, 1, 1, 3))))
    assert shapes(new, "conv2d") == [(1, 4, 4, 1), (1, 4, 4, 2)]


def test_a_channel_that_nobody_reads_is_not_computed() -> None:
    net = IntegerNet()
    second = weights(2, 1, 1, 4)
    second[..., 2] = 0
    new = removed(net.build(net.conv(net.conv(net.input(1, 4, 4, 2), weights(4, 1, 1, 2)), second)))
    assert shapes(new, "conv2d") == [(1, 4, 4, 3), (1, 4, 4, 2)]
    assert notes_of(call_of(new, "conv2d"))["channels"] == (0, 1, 3)


def test_what_only_dead_channels_read_is_dead() -> None:
    net = IntegerNet()
    second, third = weights(3, 1, 1, 4), weights(2, 1, 1, 3)
    second[:2, ..., 0] = 0  # channel 0 is read by output 2 alone,
    third[..., 2] = 0  # which nobody reads
    x = net.conv(net.input(1, 4, 4, 2), weights(4, 1, 1, 2))
    new = removed(net.build(net.conv(net.conv(x, second), third)))
    assert shapes(new, "conv2d") == [(1, 4, 4, 3), (1, 4, 4, 2), (1, 4, 4, 2)]


def test_the_calls_keep_the_macs_of_the_model() -> None:
    net = IntegerNet()
    second = weights(2, 1, 1, 4)
    second[..., 2] = 0
    new = removed(net.build(net.conv(net.conv(net.input(1, 4, 4, 2), weights(4, 1, 1, 2)), second)))
    macs = [notes_of(call_of(new, "conv2d", index))["macs"] for index in (0, 1)]
    live = [node(new, "conv2d", index).op.macs(node(new, "conv2d", index)) for index in (0, 1)]
    assert macs == [128, 128]
    assert live == [96, 96]


# ---- padding ---------------------------------------------------------------------------------------------------------------------


def behind_a_constant(kernel: np.ndarray, pad_value: int) -> tvm.IRModule:
    """A padded 3 x 3 convolution of two channels, of which the first is always 20."""
    net = IntegerNet()
    first = weights(2, 1, 1, 2)
    first[0] = 0
    x = net.conv(net.input(1, 5, 5, 2), first, np.array([1000, 0]))
    return removed(net.build(net.conv(x, kernel, padding=(1, 1, 1, 1), pad_value=pad_value, scale=0.005)))


def test_a_constant_beside_another_padding_stays() -> None:
    assert shapes(behind_a_constant(weights(3, 3, 3, 2), pad_value=0), "conv2d")[0] == (1, 5, 5, 2)


def test_a_constant_that_is_the_padding_goes() -> None:
    assert shapes(behind_a_constant(weights(3, 3, 3, 2), pad_value=20), "conv2d")[0] == (1, 5, 5, 1)


def test_a_constant_that_only_taps_read_which_are_never_outside_goes() -> None:
    kernel = weights(3, 3, 3, 2)
    kernel[:, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2], 0] = 0
    assert shapes(behind_a_constant(kernel, pad_value=0), "conv2d")[0] == (1, 5, 5, 1)


def test_a_constant_goes_where_every_window_has_the_same_taps_outside() -> None:
    net = IntegerNet()
    first = weights(2, 1, 1, 2)
    first[0] = 0
    x = net.conv(net.input(1, 5, 1, 2), first, np.array([1000, 0]))  # one column, padded to three
    new = removed(net.build(net.conv(x, weights(3, 1, 3, 2), padding=(0, 1, 0, 1), pad_value=-100, scale=0.005)))
    assert shapes(new, "conv2d")[0] == (1, 5, 1, 1)


def test_a_depthwise_convolution_of_a_constant_is_constant_where_the_padding_is() -> None:
    net = IntegerNet()
    first = weights(3, 1, 1, 2)
    first[:2] = 0
    x = net.conv(net.input(1, 5, 5, 2), first, np.array([1000, 0, 0]))  # 20, 0 and live
    y = net.conv(x, weights(3, 3, 3), scale=0.01, padding=(1, 1, 1, 1), pad_value=20, depthwise=True)
    new = removed(net.build(net.conv(y, weights(2, 1, 1, 3))))
    assert shapes(new, "depthwise_conv2d") == [(1, 5, 5, 2)]  # the borders of the second differ from its middle


# ---- operators that tie channels together ----------------------------------------------------------------------------------------


def unread(channels: int, *dead: int) -> np.ndarray:
    """Weights (2, 1, 1, channels) that do not read the channels ``dead``."""
    weight = weights(2, 1, 1, channels)
    weight[..., list(dead)] = 0
    return weight


def test_channel_by_channel_operators_follow() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 8, 8, 2), weights(4, 1, 1, 2))
    y = net.max_pool(net.conv(x, weights(3, 3, 4), scale=0.01, depthwise=True))
    y = net.lookup(net.average_pool(y), RNG.integers(-128, 128, 256))
    y = net.mul(net.add(y, np.array([1, 2, 3, 4], np.int8)), np.int8(50).reshape(1))
    new = removed(net.build(net.conv(net.pad(y, (0, 1, 0, 0), (0, 0, 0, 0), 3), unread(4, 1, 3))))
    for name in ("depthwise_conv2d", "max_pool2d", "lookup", "average_pool2d", "add", "mul", "pad"):
        assert [shape[-1] for shape in shapes(new, name)] == [2], name
    assert node(new, "add").constant(1).tolist() == [1, 3]


def test_both_operands_of_an_addition_keep_what_either_needs() -> None:
    net = IntegerNet()
    x = net.input(1, 4, 4, 2)
    one, other = net.conv(x, weights(5, 1, 1, 2)), net.conv(x, weights(5, 1, 1, 2))
    y = net.conv(net.add(one, other), unread(5, 0, 1, 2))
    new = removed(net.build(y, net.conv(one, unread(5, 1, 2, 3))))
    assert [shape[-1] for shape in shapes(new, "add")] == [3]  # 3 and 4, and 0 for the other reader of one
    assert [shape[-1] for shape in shapes(new, "conv2d")] == [3, 3, 2, 2]


def test_a_constant_that_an_addition_needs_is_computed_from_nothing() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 4, 4, 2), weights(3, 1, 1, 2))
    first = weights(2, 1, 1, 3)
    first[1, ..., :2] = 0  # channel 2 of x matters to output 0 no more than to output 1, which is always at its limit
    first[0, ..., 2] = 0
    y = net.add(net.conv(x, first, np.array([0, 90_000])), net.conv(x, unread(3, 2)))
    new = removed(net.build(y))
    assert [shape[-1] for shape in shapes(new, "conv2d")] == [2, 2, 2]
    assert not node(new, "conv2d", 1).constant(1)[1].any()


def test_depthwise_multiples_stand_and_fall_together() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 4, 4, 2), weights(3, 1, 1, 2))
    y = net.conv(x, weights(3, 3, 6), scale=0.01, depthwise=True)
    new = removed(net.build(net.conv(y, unread(6, 1, 2, 3))))
    assert shapes(new, "depthwise_conv2d")[0][-1] == 4
    assert node(new, "depthwise_conv2d").value(0).shape[-1] == 2


def test_multiples_of_a_single_channel_go_one_by_one() -> None:
    net = IntegerNet()
    y = net.conv(net.input(1, 4, 4, 1), weights(3, 3, 6), scale=0.01, depthwise=True)
    assert shapes(removed(net.build(net.conv(y, unread(6, 1, 2, 3)))), "depthwise_conv2d") == [(1, 2, 2, 3)]


def test_a_flattened_tensor_keeps_whole_channels() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 2, 2, 2), weights(3, 1, 1, 2))
    weight = weights(2, 12)
    weight[:, [1, 4, 7, 10]] = 0  # channel 1 at each of the four places
    weight[:, 2] = 0  # channel 2 at one of them
    new = removed(net.build(net.dense(net.reshape(x, 1, 12), weight, scale=0.005)))
    assert shapes(new, "relax.reshape") == [(1, 8)]
    assert np.array_equal(node(new, "fully_connected").constant(1), weight[:, [0, 2, 3, 5, 6, 8, 9, 11]])


def test_parts_of_a_concatenation_lose_their_own_channels() -> None:
    net = IntegerNet()
    x = net.input(1, 3, 3, 2)
    constant = RNG.integers(-128, 128, (1, 3, 3, 2)).astype(np.int8)
    y = net.concatenate(net.conv(x, weights(3, 1, 1, 2)), constant, net.conv(x, weights(2, 1, 1, 2)))
    new = removed(net.build(net.conv(y, unread(7, 1, 3, 6))))
    assert [shape[-1] for shape in shapes(new, "conv2d")] == [2, 1, 2]
    assert np.array_equal(node(new, "concatenate").constant(1), constant[..., 1:])


def test_rows_behind_one_another_lose_the_same_channels() -> None:
    net = IntegerNet()
    constant = RNG.integers(-128, 128, (1, 2, 3, 4)).astype(np.int8)
    y = net.concatenate(net.conv(net.input(1, 3, 3, 2), weights(4, 1, 1, 2)), constant, axis=1)
    new = removed(net.build(net.conv(y, unread(4, 0, 2))))
    assert shapes(new, "concatenate") == [(1, 5, 3, 2)]
    assert np.array_equal(node(new, "concatenate").constant(1), constant[..., [1, 3]])


def test_a_constant_part_that_nobody_reads_is_left_out() -> None:
    net = IntegerNet()
    constant = np.ones((1, 3, 3, 2), np.int8)
    y = net.concatenate(net.input(1, 3, 3, 2), constant)
    assert len(node(removed(net.build(net.conv(y, unread(4, 2, 3)))), "concatenate").inputs) == 1


def test_channels_that_padding_adds_join_the_bias() -> None:
    net = IntegerNet()
    y = net.pad(net.conv(net.input(1, 3, 3, 2), weights(3, 1, 1, 2)), (0, 0, 0, 2), (0, 1, 0, 1), -7)
    new = removed(net.build(net.conv(y, unread(6, 3))))
    padding = node(new, "pad").attrs
    assert shapes(new, "pad") == [(1, 4, 3, 2)]
    assert (padding.before, padding.after) == ((0, 0, 0, 0), (0, 1, 0, 0))


def test_slices_of_channels_follow() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 3, 3, 2), weights(6, 1, 1, 2))
    new = removed(net.build(net.add(net.conv(net.slice(x, 3, 1, 4), unread(3, 1)), net.conv(net.slice(x, 3, 3, 6), unread(3, 1)))))
    # 0 is in no slice, 2 and 4 nobody reads.
    assert shapes(new, "conv2d")[0] == (1, 3, 3, 3)
    assert shapes(new, "relax.strided_slice") == [(1, 3, 3, 2), (1, 3, 3, 2)]


# ---- what stays ------------------------------------------------------------------------------------------------------------------


def test_a_network_without_dead_channels_is_left_as_it_is() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 4, 4, 2), weights(4, 3, 3, 2), padding=(1, 1, 1, 1))
    mod = net.build(net.dense(net.mean(x, (1, 2)), weights(3, 4)))
    assert remove_dead_channels(mod) is mod


def test_inputs_and_outputs_keep_their_shapes() -> None:
    net = IntegerNet()
    x = net.input(1, 4, 4, 3)
    y = net.conv(x, weights(3, 1, 1, 3) * np.array([0, 1, 1])[:, None, None, None] * np.array([1, 0, 1]))
    mod = net.build(y, net.conv(y, unread(3, 1)))
    assert remove_dead_channels(mod) is mod


@pytest.mark.parametrize("operator", ["softmax", "transpose", "reverse", "channel_mean"])
def test_what_looks_at_all_channels_keeps_them(operator: str) -> None:
    net = IntegerNet()
    first = weights(4, 1, 1, 2)
    first[1] = 0
    x = net.conv(net.input(1, 3, 3, 2), first)
    y = {
        "softmax": lambda: net.softmax(x),
        "transpose": lambda: net.transpose(x, 0, 3, 1, 2),
        "reverse": lambda: net.slice(x, 3, -1, -5, -1),
        "channel_mean": lambda: net.mean(x, (1, 2, 3), keepdims=True),
    }[operator]()
    mod = net.build(net.conv(y, weights(2, 1, 1, shape_of(y)[-1])))
    assert shapes(remove_dead_channels(mod), "conv2d")[0] == (1, 3, 3, 4)


def test_no_tensor_becomes_empty() -> None:
    net = IntegerNet()
    x = net.conv(net.input(1, 3, 3, 2), np.zeros((4, 1, 1, 2)), np.array([100, 200, 300, 400]))
    new = removed(net.build(net.conv(x, weights(2, 1, 1, 4))))
    assert shapes(new, "conv2d") == [(1, 3, 3, 1), (1, 3, 3, 2)]


# ---- random networks and the models ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [10, 11, 12])
def test_no_output_of_a_random_network_changes(seed: int) -> None:
    mod = random_net(seed)
    new = removed(mod)
    assert new is not mod
    assert remove_dead_channels(new) is new


def lowered(path: Path) -> tvm.IRModule:
    """The model as the pass finds it."""
    mod = lower_integer(load(path), Arithmetic("tflite-micro")).mod
    for each in passes():
        if each is remove_dead_channels:
            return mod
        mod = each(mod)
    raise AssertionError("the pass is not in the pipeline")


def totals(mod: tvm.IRModule) -> tuple[int, int, int]:
    """(multiply-accumulates of the model, those that are left, weights that are left)."""
    macs, live, size = 0, 0, 0
    for _, value in bindings(mod):
        found = node_of(value) if isinstance(value, relax.Call) else None
        if found is not None and found.op.macs(found):
            live += found.op.macs(found)
            macs += notes_of(value).get("macs", found.op.macs(found))
            size += found.constant(1).size
    return macs, live, size


@pytest.mark.models
def test_half_of_vww_is_dead(models_dir: Path) -> None:
    mod = lowered(models_dir / "vww.tflite")
    assert totals(mod) == (7_489_664, 7_489_664, 208_112)
    assert totals(remove_dead_channels(mod)) == (7_489_664, 3_727_313, 29_066)


@pytest.mark.models
@pytest.mark.parametrize("name", ["kws", "ic", "ad"])
def test_the_other_models_have_no_dead_channel(models_dir: Path, name: str) -> None:
    mod = lowered(models_dir / f"{name}.tflite")
    assert remove_dead_channels(mod) is mod


@pytest.mark.models
def test_no_output_of_vww_changes(models_dir: Path) -> None:
    mod = lowered(models_dir / "vww.tflite")
    samples = random_inputs(mod, 30)
    # The output is saturated nearly everywhere: what the last layer before the softmax computes says more.
    logits = [name for name in (var.name for var, _ in bindings(mod)) if "matmul" in name]
    before, after = run(mod, samples), run(remove_dead_channels(mod), samples)
    assert before.outputs[0].keys() == after.outputs[0].keys() == {"y0"}
    assert logits == ["model_dense_matmul"]
    for one, other in zip(before.layers, after.layers, strict=True):
        np.testing.assert_array_equal(one["model_dense_matmul"], other["model_dense_matmul"])
