"""``.tflite`` → :class:`~tvm_tiny.model.Model`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tvm_tiny.errors import ModelError
from tvm_tiny.frontend.refusal import reason_of, unsupported
from tvm_tiny.frontend.tflite_file import Graph, Tensor, read_graph
from tvm_tiny.frontend.tflite_operators import live_operators
from tvm_tiny.model import Model, TensorSpec

_DTYPES = ("float32", "int8", "uint8", "int32", "int64", "bool")
_FULL_INT8 = "convert it with full int8 quantisation: TFLITE_BUILTINS_INT8 and a representative dataset"


def load_tflite(data: bytes, name: str, file: str) -> Model:
    """The model in ``data``, the content of ``file``. Errors are those of :func:`tvm_tiny.frontend.load`."""
    graph = read_graph(data, file)
    _check_graph(graph, file)
    mod, tensor_names = _imported(data, graph, file)
    return Model(
        name,
        mod,
        tuple(_spec(graph.tensors[i]) for i in graph.inputs),
        tuple(_spec(graph.tensors[i]) for i in graph.outputs),
        "tflite",
        data,
        tensor_names,
    )


def _imported(data: bytes, graph: Graph, file: str) -> tuple[Any, dict[str, str]]:
    """The Relax module, and the file's name of its variables."""
    from tvm.relax.frontend.tflite import from_tflite

    from tvm_tiny.frontend.naming import named_module
    from tvm_tiny.frontend.tflite_converter import CanonicalConverter
    from tvm_tiny.frontend.tflite_frame import OperatorsRefused

    converters: list[CanonicalConverter] = []

    def converter(*importer: Any) -> CanonicalConverter:
        converters.append(CanonicalConverter(graph, *importer))
        return converters[0]

    try:
        mod = from_tflite(_with_unique_names(data), op_converter=converter)
    except Exception as error:
        if converters:
            converters[0].bb._end_block()  # TVM warns of a builder that is left with an open block
        if isinstance(error, OperatorsRefused):
            raise unsupported(file, len(graph.operators), converters[0].refusals) from None
        raise ModelError(f"{file}: the graph cannot be imported: {reason_of(error)}") from error
    inputs = zip(graph.inputs, mod["main"].params, strict=True)
    held = [(graph.tensors[i].name, expr) for i, expr in (*inputs, *converters[0].tensors.items())]
    return named_module(mod, held)


def _with_unique_names(data: bytes) -> Any:
    """The file as the importer sees it: tensor ``i`` is called "t<i>", because the importer takes two of one name for the same."""
    import tflite

    class NumberedTensor(tflite.Tensor):
        __slots__ = ("index",)

        def Name(self) -> bytes:
            return b"t%d" % self.index

    class NumberedSubGraph(tflite.SubGraph):
        def Tensors(self, j: int) -> NumberedTensor:
            table = super().Tensors(j)._tab
            tensor = NumberedTensor()
            tensor.Init(table.Bytes, table.Pos)
            tensor.index = int(j)
            return tensor

    class NumberedModel(tflite.Model):
        def Subgraphs(self, j: int) -> NumberedSubGraph:
            table = super().Subgraphs(j)._tab
            graph = NumberedSubGraph()
            graph.Init(table.Bytes, table.Pos)
            return graph

    table = tflite.Model.GetRootAs(data, 0)._tab
    model = NumberedModel()
    model.Init(table.Bytes, table.Pos)
    return model


def _check_graph(graph: Graph, file: str) -> None:
    """What holds for the model as a whole."""
    if graph.subgraphs > 1:
        raise ModelError(
            f"{file}: expected one graph, found {graph.subgraphs}: control flow and several signatures are not supported",
            "convert each function of the model into a file of its own",
        )
    operators = [graph.operators[i] for i in sorted(live_operators(graph))]
    used = dict.fromkeys(graph.inputs + tuple(i for operator in operators for i in operator.inputs + operator.outputs if i >= 0))
    tensors = [graph.tensors[i] for i in used]
    _check_dtypes(tensors, file)
    _check_shapes(graph, tensors, file)
    if stateful := [tensor for tensor in tensors if tensor.variable]:
        raise ModelError(
            f"{file}: tensor {stateful[0].name!r} keeps its value from one inference to the next: state is not supported",
            "export the model without stateful layers, with the state as inputs and outputs",
        )


def _check_dtypes(tensors: list[Tensor], file: str) -> None:
    for dtype, count in Counter(tensor.dtype for tensor in tensors if tensor.dtype not in _DTYPES).items():
        first = next(tensor for tensor in tensors if tensor.dtype == dtype)
        where = f"{count} tensor{'s are' if count > 1 else ' is'} {dtype}, the first is {first.name!r}"
        if dtype == "int16":
            raise ModelError(f"{file}: 16-bit activations (16x8 quantisation) are not supported: {where}", _FULL_INT8)
        if dtype in ("float16", "bfloat16"):
            hint = f"{_FULL_INT8}, or leave it in float32"
            raise ModelError(f"{file}: a {dtype} model: {where}; expected int8 or float32", hint)
        raise ModelError(f"{file}: expected {', '.join(_DTYPES)}; {where}", _FULL_INT8)
    for tensor in tensors:
        if tensor.quantized and tensor.dtype in ("int8", "uint8"):
            low, high = (-128, 127) if tensor.dtype == "int8" else (0, 255)
            if not (low <= tensor.zero_point.min() and tensor.zero_point.max() <= high):
                what = f"the zero point of {tensor.name!r} lies outside of {tensor.dtype}"
                raise ModelError(f"{file}: {what}", "convert the model again")


def _check_shapes(graph: Graph, tensors: list[Tensor], file: str) -> None:
    """Every shape is fixed.

    The first dimension of an input that is open in the signature is the batch, as Keras exports it: the file has 1 for it, and so
    has this package. Other open dimensions have a 1 there too, but mean nothing by it.
    """
    for tensor in tensors:
        for axis, extent in enumerate(tensor.shape):
            signature = tensor.signature[axis] if axis < len(tensor.signature) else extent
            is_open = tensor.index in graph.inputs and signature < 0 and (axis > 0 or extent != 1)
            if extent < 0 or is_open:
                raise ModelError(
                    f"{file}: dimension {axis} of tensor {tensor.name!r} is not fixed (shape {tensor.signature or tensor.shape})",
                    "convert the model with fixed input shapes, for instance tf.keras.Input(..., batch_size=1)",
                )


def _spec(tensor: Tensor) -> TensorSpec:
    if not tensor.quantized:
        return TensorSpec(tensor.name, tensor.shape, tensor.dtype)
    return TensorSpec(tensor.name, tensor.shape, tensor.dtype, float(tensor.scale[0]), int(tensor.zero_point[0]))
