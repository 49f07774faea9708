"""ONNX operators that compute another result than ONNX defines in what TVM's importer makes of them, or fail in it.

Each is put right here, or the form in which it would be wrong is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tvm import relax

from tvm_tiny.frontend.onnx_node import Converter, Node, shape_of
from tvm_tiny.frontend.refusal import Refused

if TYPE_CHECKING:
    from tvm_tiny.frontend.onnx_importer import CanonicalImporter

_POSITIONS = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "tf_half_pixel_for_nn", "tf_crop_and_resize")


def _is_inf(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """TVM's takes both signs, whatever the attributes say."""
    infinite = [relax.const(sign * np.inf, "float32") for sign in (1, -1)]
    wanted = [node.attributes.get(name, 1) for name in ("detect_positive", "detect_negative")]
    if str(node.x.ty.dtype) != "float32":
        raise Refused(f"its input is {node.x.ty.dtype}, expected float32")
    found = [relax.op.equal(node.x, value) for value, each in zip(infinite, wanted, strict=True) if each]
    if len(found) == 2:
        return relax.op.logical_or(*found)
    return found[0] if found else relax.op.zeros(shape_of(node.x), "bool")


def _space_to_depth(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """The newest opsets give it the modes of DepthToSpace, of which TVM knows the first."""
    size, (batch, channels, height, width) = int(node.attributes["blocksize"]), shape_of(node.x)
    axes = {"DCR": (0, 3, 5, 1, 2, 4), "CRD": (0, 1, 3, 5, 2, 4)}.get(node.text("mode", "DCR"))
    if axes is None or height % size or width % size:
        raise Refused(f"it takes blocks of {size} x {size} out of {height} x {width} in the mode {node.text('mode', 'DCR')!r}")
    blocks = relax.op.reshape(node.x, (batch, channels, height // size, size, width // size, size))
    return relax.op.reshape(relax.op.permute_dims(blocks, axes), (batch, channels * size * size, height // size, width // size))


def _roi_align(importer: CanonicalImporter, node: Node) -> relax.Expr:
    if node.text("mode", "avg") != "avg":
        raise Refused("its mode is max: TVM takes the largest of the interpolated values, ONNX of the weighted neighbours")
    return importer.imported(node.operator, node.inputs, node.attributes)


def _bit_shift(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """By less than the width as C does it, without a sign to overflow; by anything else only copies of the sign are left."""
    x, by = node.x, node.second
    dtype = str(x.ty.dtype)
    signed, width = dtype.startswith("int"), np.iinfo(dtype).bits
    emit = importer.bb.normalize

    def constant(value: int) -> relax.Expr:
        return relax.const(value, dtype)

    inside = emit(relax.op.less(by, constant(width)))
    if signed:
        inside = emit(relax.op.logical_and(emit(relax.op.greater_equal(by, constant(0))), inside))
    count = emit(relax.op.where(inside, by, constant(0)))
    if node.text("direction", "") == "LEFT":
        plain = f"u{dtype.removeprefix('u')}"
        bits, steps = (emit(relax.op.astype(each, plain)) for each in (x, count))
        shifted = emit(relax.op.astype(emit(relax.op.left_shift(bits, steps)), dtype))
        return relax.op.where(inside, shifted, constant(0))
    shifted = emit(relax.op.right_shift(x, count))
    sign = emit(relax.op.where(emit(relax.op.less(x, constant(0))), constant(-1), constant(0))) if signed else constant(0)
    return relax.op.where(inside, shifted, sign)


def _mod(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """The divisor's sign, or with ``fmod`` the dividend's. (TVM's converter keeps the choice of the last node in its class.)"""
    operator = relax.op.mod if node.attributes.get("fmod", 0) else relax.op.floor_mod
    return operator(*node.inputs)


def _pow(importer: CanonicalImporter, node: Node) -> relax.Expr:
    base, exponent = node.x, node.second
    if str(base.ty.dtype) != "float32":
        raise Refused(f"it raises {base.ty.dtype} to a power, expected float32")
    if str(exponent.ty.dtype) == "float32":
        return relax.op.power(base, exponent)
    powers = node.array(1, f"exponent of {exponent.ty.dtype}")
    if not np.array_equal(powers, powers.astype(np.float32).astype(np.float64)):
        raise Refused("its exponent is an integer that float32 does not hold")
    return relax.op.power(base, relax.const(powers.astype(np.float32)))


def _layer_normalization(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """With the mean and one over the deviation as further outputs, for which TVM gives zeros."""
    x, rank = node.x, len(shape_of(node.x))
    axes = list(range(int(node.attributes.get("axis", -1)) % rank, rank))
    _check_float(node)
    mean = importer.bb.emit(relax.op.mean(x, axes, keepdims=True))
    centred = importer.bb.emit(relax.op.subtract(x, mean))
    inverse = _inverse_root(importer, node, centred, axes)
    scaled = relax.op.multiply(importer.bb.normalize(relax.op.multiply(centred, inverse)), node.inputs[1])
    result = relax.op.add(importer.bb.normalize(scaled), node.inputs[2]) if node.has(2) else scaled
    return relax.Tuple([importer.bb.emit(result), mean, inverse])


def _rms_normalization(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """The input over the root of its mean square, times the scale. TVM has no loops for a mean over all axes."""
    rank = len(shape_of(node.x))
    axes = list(range(int(node.attributes.get("axis", -1)) % rank, rank))
    _check_float(node)
    inverse = _inverse_root(importer, node, node.x, axes)
    return relax.op.multiply(importer.bb.normalize(relax.op.multiply(node.x, inverse)), node.inputs[1])


def _inverse_root(importer: CanonicalImporter, node: Node, x: relax.Expr, axes: list[int]) -> relax.Expr:
    """One over the root of (mean square + epsilon) over ``axes``, which stay."""
    emit = importer.bb.emit
    square = emit(relax.op.mean(emit(relax.op.multiply(x, x)), axes, keepdims=True))
    epsilon = relax.const(float(node.attributes.get("epsilon", 1e-5)), "float32")
    return emit(relax.op.divide(relax.const(1.0, "float32"), emit(relax.op.sqrt(emit(relax.op.add(square, epsilon))))))


def _check_float(node: Node) -> None:
    if str(node.x.ty.dtype) != "float32" or node.attributes.get("stash_type", 1) != 1:
        raise Refused(f"it computes in another type than float32: its input is {node.x.ty.dtype}")


def _resize(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """By sizes, or by scales that give whole sizes: with any other scale ONNX measures by the scale, TVM by the sizes."""
    shape, output = shape_of(node.x), node.outputs[0].fixed
    mode, position = node.text("mode", "nearest"), node.text("coordinate_transformation_mode", "half_pixel")
    if node.has(1) and node.array(1, "region").size and position != "tf_crop_and_resize":
        raise Refused(f"it has a region of interest in the mode {position!r}")
    for name in ("antialias", "exclude_outside"):
        if node.attributes.get(name, 0):
            raise Refused(f"{name} is not supported")
    if position not in _POSITIONS:
        raise Refused(f"its coordinate_transformation_mode is {position!r}: expected one of {', '.join(_POSITIONS)}")
    if "axes" in node.attributes or node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refused("a list of axes or a policy for the aspect ratio is not supported: give the size of every axis")
    if output is None:
        raise Refused("the shape of its output is only known when it runs")
    scales = node.array(2, "scales") if node.has(2) else np.zeros(0, np.float32)
    if scales.size and any(
        np.float32(new) != np.float32(old) * scale for new, old, scale in zip(output, shape, scales, strict=True)
    ):
        raise Refused(f"its scales {scales.tolist()} give no whole sizes for the shape {shape}")
    if output[:2] != shape[:2]:
        raise Refused(f"it resizes other axes than those behind the first two: {shape} to {output}")
    if len(shape) != 4 or mode != "nearest" or position == "tf_crop_and_resize":
        return importer.imported(node.operator, node.inputs, node.attributes)
    return relax.op.image.resize2d(
        node.x,
        relax.ShapeExpr(output[2:]),
        layout="NCHW",
        method="nearest_neighbor",
        coordinate_transformation_mode=position,
        rounding_method=node.text("nearest_mode", "round_prefer_floor"),
    )


CORRECTIONS: dict[str, Converter] = {
    "BitShift": _bit_shift,
    "IsInf": _is_inf,
    "LayerNormalization": _layer_normalization,
    "Mod": _mod,
    "Pow": _pow,
    "RMSNormalization": _rms_normalization,
    "Resize": _resize,
    "RoiAlign": _roi_align,
    "SpaceToDepth": _space_to_depth,
}
