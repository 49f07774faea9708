"""An ``.onnx`` file with all that can be known before the import: weights, types and shapes of its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.errors import ModelError

if TYPE_CHECKING:
    import onnx

# Opset 13 is the first with per-channel quantisation and with today's softmax; TVM's importer is written for it and later ones.
OLDEST_OPSET = 13

_HALVES = ("float16", "bfloat16")


@dataclass(frozen=True)
class TensorType:
    """What shape inference knows of a tensor: ``shape`` has None for an unknown dimension, and is None if the rank is unknown."""

    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def fixed(self) -> tuple[int, ...] | None:
        """The shape if every dimension is known."""
        if self.shape is None or None in self.shape:
            return None
        return tuple(extent for extent in self.shape if extent is not None)


@dataclass(frozen=True)
class OnnxFile:
    """A checked model.

    Attributes
    ----------
    model : onnx.ModelProto
        With its weights inside, functions inlined.
    source : bytes
        The file as one piece: with the weights that lay in other files.
    opset : int
    types : dict of str to TensorType
        Of every tensor that shape inference has an answer for.
    """

    model: onnx.ModelProto
    source: bytes
    opset: int
    types: dict[str, TensorType]


def read_onnx(data: bytes, path: Path) -> OnnxFile:
    """The ONNX model ``data``, the content of ``path``.

    Raises
    ------
    ModelError
        It is damaged, too old or too new, lacks its weights, is a float16 model, or an input's shape is not fixed.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError:
        raise ModelError(f"{path}: the ONNX file is truncated or damaged", "copy, download or export it again") from None
    opset = _opset(model, path)
    source = data
    if _load_external_data(model, path):
        source = model.SerializeToString()
    if len(model.functions):
        import onnx.inliner

        model = onnx.inliner.inline_local_functions(model)
    _check_inputs(model, path)
    try:
        onnx.checker.check_model(model)
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # the classes of onnx's errors share no public base
        told = " ".join(str(error).split("\n\n")[0].split())
        raise ModelError(f"{path}: not a valid ONNX graph: {told}", "export the model again") from error
    _check_weights(model.graph, path)
    types = _types(inferred.graph)
    _check_precision(model, types, path)
    return OnnxFile(model, source, opset, types)


def inputs_of(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """The graph's inputs without those that are weights (old files list both)."""
    weights = {tensor.name for tensor in graph.initializer}
    return [value for value in graph.input if value.name not in weights]


def type_of(value: onnx.ValueInfoProto) -> TensorType:
    """The declared type of a tensor; the dtype is "" where there is none."""
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        return TensorType(value.type.WhichOneof("value") or "", None)
    if not tensor.HasField("shape"):
        return TensorType(dtype_name(tensor.elem_type), None)
    dims = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    return TensorType(dtype_name(tensor.elem_type), dims)


def dtype_name(elem_type: int) -> str:
    """ONNX's number of an element type as a NumPy name: "float32", "int8", "bfloat16"."""
    import onnx

    if elem_type == onnx.TensorProto.UNDEFINED:
        return ""
    if elem_type not in onnx.TensorProto.DataType.values():
        return f"type {elem_type}"
    name = onnx.TensorProto.DataType.Name(elem_type).lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def _opset(model: onnx.ModelProto, path: Path) -> int:
    import onnx

    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 1)
    newest = onnx.defs.onnx_opset_version()
    if opset < OLDEST_OPSET:
        raise ModelError(
            f"{path}: ONNX opset {opset}, expected {OLDEST_OPSET} or later",
            f"export it with opset_version={OLDEST_OPSET}, or upgrade it with onnx.version_converter.convert_version",
        )
    if opset > newest:
        raise ModelError(
            f"{path}: ONNX opset {opset}, but the installed onnx package knows only {newest}",
            f"upgrade the onnx package, or export the model with opset_version={newest}",
        )
    return opset


def _load_external_data(model: onnx.ModelProto, path: Path) -> bool:
    """Bring weights that lie in files beside the model into it. False if there are none."""
    from onnx.external_data_helper import ExternalDataInfo, load_external_data_for_model, uses_external_data

    outside = [tensor for tensor in model.graph.initializer if uses_external_data(tensor)]
    if not outside:
        return False
    for tensor in outside:
        location = ExternalDataInfo(tensor).location
        if not (path.parent / location).is_file():
            raise ModelError(
                f"{path}: its weights lie in {location!r}, which is not beside it (first missing: tensor {tensor.name!r})",
                f"put {location} into {path.parent}, or save the model in one file: onnx.save(model, save_as_external_data=False)",
            )
    try:
        load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # onnx's checks of path and length raise classes of their own
        told = " ".join(str(error).split())
        raise ModelError(f"{path}: the weights beside it cannot be read: {told}", "export the model again") from error
    return True


def _check_inputs(model: onnx.ModelProto, path: Path) -> None:
    for value in inputs_of(model.graph):
        known = type_of(value)
        if not value.type.HasField("tensor_type"):
            raise ModelError(f"{path}: input {value.name!r} is a {known.dtype}, expected a tensor", "only tensors can be inputs")
        if known.shape is None:
            raise ModelError(f"{path}: input {value.name!r} has no shape", "export the model with fixed input shapes")
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value > 0:
                continue
            symbol = dim.dim_param if dim.HasField("dim_param") else ""
            shape = [d.dim_param or (d.dim_value if d.HasField("dim_value") else "?") for d in value.type.tensor_type.shape.dim]
            how = f"--dim_param {symbol} --dim_value 1" if symbol else f"--input_name {value.name} --input_shape 1,..."
            raise ModelError(
                f"{path}: dimension {axis}{f' ({symbol})' if symbol else ''} of input {value.name!r} is not fixed (shape {shape})",
                f"export with a fixed shape, or: python -m onnxruntime.tools.make_dynamic_shape_fixed {how} {path.name} fixed.onnx",
            )


def _check_weights(graph: onnx.GraphProto, path: Path) -> None:
    import onnx

    for tensor in graph.initializer:
        try:
            onnx.numpy_helper.to_array(tensor)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            what = f"the weights {tensor.name!r} are not of the shape and type that they should have"
            raise ModelError(f"{path}: {what}", "copy, download or export the model again") from error


def _types(graph: onnx.GraphProto) -> dict[str, TensorType]:
    types = {value.name: type_of(value) for value in (*graph.value_info, *graph.input, *graph.output)}
    for tensor in graph.initializer:
        types[tensor.name] = TensorType(dtype_name(tensor.data_type), tuple(tensor.dims))
    return {name: known for name, known in types.items() if known.dtype}


def _check_precision(model: onnx.ModelProto, types: dict[str, TensorType], path: Path) -> None:
    used = {name for node in model.graph.node for name in (*node.input, *node.output)}
    used.update(value.name for value in (*model.graph.input, *model.graph.output))
    halves = [name for name, known in types.items() if known.dtype in _HALVES and name in used]
    if halves:
        dtype = types[halves[0]].dtype
        where = f"{len(halves)} tensors are {dtype}, the first is {halves[0]!r}"
        hint = "export the model in float32, then quantise it to int8"
        raise ModelError(f"{path}: a {dtype} model: {where}; expected float32 or int8", hint)
