"""``.onnx`` → :class:`~tvm_tiny.model.Model`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.errors import ModelError
from tvm_tiny.frontend.onnx_file import OnnxFile, inputs_of, read_onnx
from tvm_tiny.frontend.refusal import reason_of, unsupported
from tvm_tiny.model import Model, TensorSpec

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from tvm import relax


def load_onnx(data: bytes, name: str, path: Path) -> Model:
    """The model in ``data``, the content of ``path``. Errors are those of :func:`tvm_tiny.frontend.load`."""
    file = read_onnx(data, path)

    from tvm_tiny.frontend.naming import named_module
    from tvm_tiny.frontend.onnx_importer import import_graph

    graph = file.model.graph
    try:
        mod, importer = import_graph(file)
    except Exception as error:
        raise ModelError(f"{path}: the graph cannot be imported: {reason_of(error)}") from error
    if importer.refusals:
        raise unsupported(str(path), len(graph.node), importer.refusals)
    inputs = [value.name for value in inputs_of(graph)]
    outputs = [value.name for value in graph.output]
    most_important_first = [*inputs, *outputs, *importer.tensors]
    mod, tensor_names = named_module(mod, [(tensor, importer.value(tensor)) for tensor in most_important_first])
    return Model(
        name,
        mod,
        tuple(_spec(tensor, importer.value(tensor), file) for tensor in inputs),
        tuple(_spec(tensor, importer.value(tensor), file) for tensor in outputs),
        "onnx",
        file.source,
        tensor_names,
    )


def _spec(tensor: str, value: relax.Expr, file: OnnxFile) -> TensorSpec:
    """``value`` is what ``main`` has for ``tensor``: the file may leave the shape of an output open."""
    dtype = str(value.ty.dtype)
    scale, zero_point = _border_quantization(tensor, file) if dtype in ("int8", "uint8") else (None, None)
    return TensorSpec(tensor, tuple(int(extent) for extent in value.ty.shape), dtype, scale, zero_point)


def _border_quantization(tensor: str, file: OnnxFile) -> tuple[float | None, int | None]:
    """Scale and zero point of an integer input or output, which the QuantizeLinear or DequantizeLinear at it tells."""
    graph = file.model.graph
    weights = {weight.name: weight for weight in graph.initializer}
    for node in graph.node:
        written = node.op_type == "QuantizeLinear" and tensor in node.output
        read = node.op_type == "DequantizeLinear" and tensor == node.input[0]
        if not (written or read) or any(name not in weights for name in node.input[1:] if name):
            continue
        values = [_array(weights[name]) for name in node.input[1:] if name]
        if values[0].size == 1:
            return float(values[0].item()), int(values[1].item()) if len(values) > 1 else 0
    return None, None


def _array(tensor: onnx.TensorProto) -> np.ndarray:
    import onnx

    return onnx.numpy_helper.to_array(tensor)
