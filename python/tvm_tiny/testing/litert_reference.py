"""LiteRT (formerly TensorFlow Lite) with its reference kernels: the portable C++ loops that define what each operator computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from tvm_tiny.errors import ModelError
from tvm_tiny.testing.reference import checked_inputs, missing_package


class LiteRTReference:
    """A ``.tflite`` model in LiteRT's interpreter, without delegates and with the reference operator resolver.

    Parameters
    ----------
    source : bytes
        The model file.

    Raises
    ------
    ToolchainError
        ``ai-edge-litert`` is not installed.
    ModelError
        LiteRT cannot load the model, or two of its outputs have the same name. :meth:`run` and :meth:`run_all` raise it where an
        operator fails.
    """

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._interpreter = _interpreter(source, preserve_all=False)
        self._observer: Any = None
        details = self._interpreter.get_output_details()
        self._outputs = {detail["name"]: detail["index"] for detail in details}
        if len(self._outputs) < len({detail["index"] for detail in details}):
            raise ModelError(f"several outputs of the model have the same name: {[detail['name'] for detail in details]}")

    @property
    def name(self) -> str:
        return f"LiteRT reference kernels {version('ai-edge-litert')}"

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        _invoke(self._interpreter, inputs)
        return {name: np.array(self._interpreter.get_tensor(index)) for name, index in self._outputs.items()}

    def run_all(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """As :meth:`Reference.run_all`.

        A tensor without a name, or whose name another tensor has too, is left out: it cannot be told which one is meant.
        """
        if self._observer is None:
            self._observer = _interpreter(self._source, preserve_all=True)
        _invoke(self._observer, inputs)
        tensors = computed_tensors(self._source)
        uses = Counter(name for _, name in tensors)
        return {name: np.array(self._observer.get_tensor(index)) for index, name in tensors if name and uses[name] == 1}


def computed_tensors(source: bytes) -> list[tuple[int, str]]:
    """(index, name) of the first subgraph's inputs and of its operators' outputs, in the order of execution."""
    import tflite

    graph = tflite.Model.GetRootAsModel(source, 0).Subgraphs(0)
    operators = [graph.Operators(i) for i in range(graph.OperatorsLength())]
    indices = [graph.Inputs(i) for i in range(graph.InputsLength())]
    indices += [operator.Outputs(i) for operator in operators for i in range(operator.OutputsLength())]
    return [(index, (graph.Tensors(index).Name() or b"").decode()) for index in indices if index >= 0]


def _interpreter(source: bytes, *, preserve_all: bool) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise missing_package("ai-edge-litert", "verify") from None
    try:
        interpreter = Interpreter(
            model_content=source,
            experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=preserve_all,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"LiteRT cannot load the model: {error}") from error
    return interpreter


def _invoke(interpreter: Any, inputs: Mapping[str, np.ndarray]) -> None:
    details = interpreter.get_input_details()
    expected = [(detail["name"], tuple(int(n) for n in detail["shape"]), np.dtype(detail["dtype"])) for detail in details]
    for detail, array in zip(details, checked_inputs(expected, inputs), strict=True):
        interpreter.set_tensor(detail["index"], array)
    # Variable tensors would carry the state of the previous sample into this one.
    interpreter.reset_all_variables()
    try:
        interpreter.invoke()
    except RuntimeError as error:  # it says which operator: "... Node number 3 (GATHER) failed to invoke."
        told = " ".join(str(error).split())
        hint = "the model is not one that LiteRT can run with these inputs: look at the operator that it names"
        raise ModelError(f"LiteRT cannot run the model: {told}", hint) from error
