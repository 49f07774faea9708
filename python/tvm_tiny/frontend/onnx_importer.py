"""TVM's ONNX importer, with operators in our form and shapes worked out at compile time.

The importer's frame is replaced (how nodes are walked, named, checked and refused); its converters are used for every operator that
is not in :data:`CONVERTERS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tvm
from tvm import relax
from tvm.relax.frontend.onnx.onnx_frontend import ONNXGraphImporter, onnx_input

from tvm_tiny.frontend.onnx_converters import CONVERTERS
from tvm_tiny.frontend.onnx_file import OnnxFile, TensorType
from tvm_tiny.frontend.onnx_node import Node
from tvm_tiny.frontend.onnx_operators import early_reason, folds
from tvm_tiny.frontend.refusal import Refusal, Refused, reason_of
from tvm_tiny.tvm_compat import constant_array, tensor_constant

if TYPE_CHECKING:
    import onnx

_DTYPES = ("float32", "int8", "uint8", "int32", "int64", "bool")


class CanonicalImporter(ONNXGraphImporter):
    """TVM's importer of one graph, with our forms of the operators.

    Attributes
    ----------
    tensors : dict of str to relax.Expr
        Tensors of the file, in the order of execution: inputs, then what nodes compute.
    refusals : list of Refusal
        Nodes that could not be converted. A placeholder stands for their outputs, so that the others are still looked at.
    """

    def __init__(self, file: OnnxFile) -> None:
        super().__init__({}, {}, keep_params_in_input=False, sanitize=False)
        self.file = file
        self.tensors: dict[str, relax.Expr] = {}
        self.refusals: list[Refusal] = []

    def _check_for_unsupported_ops(self, graph: onnx.GraphProto) -> None:
        """Nothing: each node is judged where it is converted, so that one message can list all."""

    def _construct_nodes(self, graph: onnx.GraphProto) -> None:
        self.tensors.update(self._inputs)
        live = _live_nodes(graph)
        for index, node in enumerate(graph.node):
            if index not in live:
                continue
            try:
                if (reason := early_reason(node)) is not None:
                    raise Refused(reason)
                results = self._converted(node)
            except Exception as error:
                label = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
                self.refusals.append(Refusal(label, index, node.output[0] if node.output else "", reason_of(error)))
                results = self._placeholders(node)
            for name, result in zip(node.output, results, strict=False):
                self._nodes[name] = result
                self.tensors[name] = result
        if self.refusals:
            raise _Stopped

    def value(self, tensor: str) -> relax.Expr:
        """What holds a tensor of the file: a variable, or a constant."""
        return self._nodes[tensor]

    def _converted(self, node: onnx.NodeProto) -> list[relax.Expr]:
        """The node's outputs: constants, or variables with the types that shape inference found."""
        inputs = onnx_input(self._nodes[name] if name else None for name in node.input)
        arrays = [constant_array(value) if value is not None else None for value in inputs]
        constant = all(array is not None or value is None for array, value in zip(arrays, inputs, strict=True))
        if node.op_type in ("Shape", "Size"):
            return [tensor_constant(_shape_value(node, inputs[0]))]
        if constant and folds(node):
            return [tensor_constant(array) for array in _evaluated(node, arrays, self.opset)]
        attributes = self._parse_attr(node.attribute)
        if node.op_type in CONVERTERS:
            known = tuple(self.file.types.get(name, TensorType("", None)) for name in node.output)
            result = CONVERTERS[node.op_type](self, Node(node.op_type, inputs, attributes, known))
        else:
            result = self.imported(node.op_type, inputs, attributes, len(node.output))
        fields = self._fields(result, len(node.output))
        return [self._as_declared(value, name) for name, value in zip(node.output, fields, strict=True)]

    def imported(self, operator: str, inputs: Sequence[Any], attributes: dict[str, Any], outputs: int = 1) -> relax.Expr:
        """What TVM's own converter makes of an operator."""
        attributes = {**attributes, "tvm_custom": {"name": operator, "num_outputs": outputs}}
        return self._convert_operator(operator, onnx_input(inputs), attributes, self.opset)

    def _fields(self, result: relax.Expr, count: int) -> list[relax.Expr]:
        if isinstance(result, relax.Tuple):
            return list(result.fields)[:count]
        if isinstance(result.ty, relax.TupleType):
            bound = self.bb.emit(result)
            return [relax.TupleGetItem(bound, i) for i in range(count)]
        if count != 1:
            raise Refused(f"TVM's importer gives 1 of its {count} outputs")
        return [result]

    def _as_declared(self, value: relax.Expr, name: str) -> relax.Expr:
        """``value`` bound to a variable; a type other than the inferred one means that importer and file mean different things."""
        if constant_array(value) is not None or not name:
            return value
        if isinstance(value, relax.ShapeExpr):
            return relax.const(np.array([int(extent) for extent in value.values], np.int64))
        var = self.bb.emit(value)
        if not isinstance(getattr(var.ty, "shape", None), relax.ShapeExpr):
            raise Refused("the shape of its output is only known when it runs")
        extents = list(var.ty.shape.values)
        if not all(isinstance(extent, tvm.tirx.IntImm) for extent in extents):
            raise Refused("the shape of its output is only known when it runs")
        shape, dtype = tuple(int(extent) for extent in extents), str(var.ty.dtype)
        if dtype not in _DTYPES:
            raise Refused(f"its output is {dtype}, expected one of {', '.join(_DTYPES)}")
        known = self.file.types.get(name, TensorType("", None))
        if known.fixed not in (None, shape):
            raise Refused(f"its output has the shape {known.fixed} by ONNX's rules, but the operator gives {shape}")
        if known.dtype not in ("", dtype):
            raise Refused(f"its output is {known.dtype} by ONNX's rules, but the operator gives {dtype}")
        return var

    def _placeholders(self, node: onnx.NodeProto) -> list[relax.Expr]:
        """Stand-ins for the outputs of a refused node; where their types are unknown, the import cannot go on."""
        results = []
        for name in node.output:
            known = self.file.types.get(name)
            if known is None or known.fixed is None:
                raise _Stopped
            results.append(relax.Var(name or "none", relax.TensorType(known.fixed, tvm.DataType(known.dtype))))
        return results


class _Stopped(Exception):
    """The graph has nodes that are refused, and its module is of no use."""


def import_graph(file: OnnxFile) -> tuple[tvm.IRModule, CanonicalImporter]:
    """The imported module, an empty one where nodes were refused, and the importer with what it found."""
    importer = CanonicalImporter(file)
    try:
        return importer.from_onnx(file.model.graph, file.opset), importer
    except Exception as error:
        importer.bb._end_block()  # TVM warns of a builder that is left with an open block
        if isinstance(error, _Stopped):
            return tvm.IRModule(), importer
        raise


def _live_nodes(graph: onnx.GraphProto) -> set[int]:
    """Indices of the nodes that an output depends on."""
    wanted = {value.name for value in graph.output}
    live = set()
    for index in range(len(graph.node) - 1, -1, -1):
        node = graph.node[index]
        if wanted.intersection(name for name in node.output if name):
            live.add(index)
            wanted.update(node.input)
    return live


def _shape_value(node: onnx.NodeProto, value: relax.Expr) -> np.ndarray:
    """What Shape or Size gives for a tensor whose shape is fixed, as all are here."""
    shape = np.array([int(extent) for extent in value.ty.shape], np.int64)
    if node.op_type == "Size":
        return np.array(shape.prod(), np.int64)
    limits = {attribute.name: attribute.i for attribute in node.attribute}
    return shape[limits.get("start", 0) : limits.get("end", len(shape))]


def _evaluated(node: onnx.NodeProto, arrays: Sequence[np.ndarray | None], opset: int) -> list[np.ndarray]:
    """The outputs of a node with constant inputs, by ONNX's own reference implementation."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    def untyped(names: Sequence[str]) -> list[onnx.ValueInfoProto]:
        return [onnx.ValueInfoProto(name=name) for name in dict.fromkeys(names) if name]

    given = {name: array for name, array in zip(node.input, arrays, strict=True) if array is not None}
    graph = onnx.helper.make_graph([node], "constant", untyped(node.input), untyped(node.output))
    results = ReferenceEvaluator(graph, opsets={"": opset}).run(None, given)
    return [np.asarray(result) for result in results]
