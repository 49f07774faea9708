"""ONNX Runtime without graph optimisations: a QDQ graph is computed as it is written, dequantize, float operator, quantize."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from tvm_tiny.errors import ModelError
from tvm_tiny.testing.reference import checked_inputs, missing_package

if TYPE_CHECKING:
    import onnx

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int16)": "int16",
    "tensor(uint16)": "uint16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


class OnnxRuntimeReference:
    """An ``.onnx`` model in ONNX Runtime on the CPU, single-threaded, with every graph optimisation off.

    ONNX defines quantised operators by their float arithmetic, in which a sum close to a rounding tie may fall to either side: an
    integer implementation is right when it is at most one step away, in few elements.

    Parameters
    ----------
    source : bytes
        The model file.

    Raises
    ------
    ToolchainError
        ``onnxruntime`` is not installed.
    ModelError
        ONNX Runtime cannot load the model.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._session = _session(source)
        self._observer: Any = None

    @property
    def name(self) -> str:
        return f"ONNX Runtime {version('onnxruntime')}"

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return _run(self._session, inputs)

    def run_all(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._observer is None:
            self._observer = _session(with_inner_outputs(self._source))
        tensors = {name: np.asarray(array) for name, array in inputs.items()}
        return tensors | _run(self._observer, inputs)


def with_inner_outputs(source: bytes) -> bytes:
    """The model with every tensor that depends on its inputs as an output, in the order of execution.

    Raises
    ------
    ModelError
        ``source`` is not an ONNX model.
    """
    import onnx

    model = load_onnx(source)
    weights = {tensor.name for tensor in model.graph.initializer}
    live = {value.name for value in model.graph.input if value.name not in weights}
    inner: list[str] = []
    for node in model.graph.node:
        if live.intersection(node.input):
            inner += [name for name in node.output if name]
            live.update(node.output)
    declared = {value.name: value for value in model.graph.output}
    # ONNX Runtime finds the type of an output that declares only its name.
    outputs = [declared.get(name) or onnx.ValueInfoProto(name=name) for name in inner]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    return bytes(model.SerializeToString())


def subgraph(source: bytes, inputs: Sequence[str], output: str) -> bytes:
    """The part of an ONNX model that computes tensor ``output`` from the tensors ``inputs``, as a model of its own.

    It is how a single layer is checked: fed with tensors that :meth:`OnnxRuntimeReference.run_all` or a board gave for ``inputs``,
    it tells what that layer alone has to compute, whatever happened in the layers before it.

    Raises
    ------
    ModelError
        The model has no such tensor, or ``output`` also depends on something that ``inputs`` do not determine.
    """
    extractor = _extractor(source)
    if unknown := [name for name in (*inputs, output) if name not in extractor.value_infos]:
        raise ModelError(f"the model has no tensor {unknown[0]!r} that an operator could be cut out at")
    part = extractor.extract_model(list(inputs), [output])
    known = {*inputs, *(tensor.name for tensor in part.graph.initializer), ""}
    for node in part.graph.node:
        if missing := [name for name in node.input if name not in known]:
            raise ModelError(f"tensor {output!r} does not follow from {list(inputs)} alone: it needs {missing[0]!r} too")
        known.update(node.output)
    if not part.graph.node:
        raise ModelError(f"no operator computes tensor {output!r} from {list(inputs)}")
    used = {name for node in part.graph.node for name in node.input}
    if unused := [name for name in inputs if name not in used]:
        raise ModelError(f"tensor {output!r} does not depend on {unused[0]!r}")
    return bytes(part.SerializeToString())


@lru_cache(maxsize=2)
def _extractor(source: bytes) -> Any:
    """Cached: a model is cut into as many parts as it has layers, and finding its shapes takes the longest."""
    import onnx
    from onnx.utils import Extractor

    return Extractor(onnx.shape_inference.infer_shapes(load_onnx(source)))


def load_onnx(source: bytes) -> onnx.ModelProto:
    """The ONNX model in ``source``.

    Raises
    ------
    ModelError
        ``source`` is not an ONNX model.
    """
    import onnx

    try:
        return onnx.load_model_from_string(source)
    except Exception as error:  # protobuf's own error class moves between its releases
        raise ModelError(f"not an ONNX model: {error}") from error


def _session(source: bytes) -> Any:
    try:
        import onnxruntime as ort
    except ImportError:
        raise missing_package("onnxruntime", "verify") from None
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the classes of ONNX Runtime's errors share no public base
        raise ModelError(f"ONNX Runtime cannot load the model: {error}") from error


def _run(session: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    expected = [(value.name, tuple(value.shape), np.dtype(_DTYPES[value.type])) for value in session.get_inputs()]
    arrays = checked_inputs(expected, inputs)
    feed = {name: array for (name, _, _), array in zip(expected, arrays, strict=True)}
    names = [value.name for value in session.get_outputs()]
    return {name: np.asarray(array) for name, array in zip(names, session.run(names, feed), strict=True)}
