"""Static quantisation of ONNX models, on ONNX Runtime's quantiser."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tvm_tiny.errors import InputError, ModelError, ToolchainError
from tvm_tiny.quantize.calibration import Calibration, FloatInput, calibration_samples

if TYPE_CHECKING:
    import onnx

# The first opset whose QuantizeLinear and DequantizeLinear know channels.
_PER_CHANNEL_OPSET = 13


def quantize(model: str | Path | bytes, calibration: Calibration, *, per_channel: bool = True, activations: str = "int8") -> bytes:
    """A float ONNX model as an int8 QDQ model, the format that ``compile`` turns into integer arithmetic.

    Weights become int8 around zero. Activations get the range that they have on the calibration data (its least and greatest value,
    and always zero). Batch normalisation is folded into the convolution before it. Inputs and outputs stay float32, with a
    QuantizeLinear behind each input and a DequantizeLinear before each output.

    Parameters
    ----------
    model : str, Path or bytes
        The file, or its content. Its inputs are float32.
    calibration : iterable of mappings, or numpy.ndarray
        Typical inputs, prepared as in training: for each sample, input name → float array of the input's shape. For a model with
        one input also one array with a leading axis of samples.
    per_channel : bool
        One scale for each output channel of a weight instead of one for all: better accuracy at the same speed.
    activations : str
        "int8" or "uint8".

    Raises
    ------
    ModelError
        The file is missing, not an ONNX model, quantised already, or has inputs that are not float32.
    InputError
        The calibration data does not fit the model's inputs, or ``activations`` is unknown.
    ToolchainError
        ``onnxruntime`` is not installed.
    """
    if activations not in ("int8", "uint8"):
        raise InputError(f"expected activations 'int8' or 'uint8', found {activations!r}")
    import onnx

    original = _load(model)
    samples = calibration_samples(_float_inputs(original), calibration)
    try:
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quant_pre_process, quantize_static
    except ImportError:
        raise ToolchainError("the Python package onnxruntime is not installed", 'pip install "tvm-tiny[quantize]"') from None

    class Samples(CalibrationDataReader):
        def __init__(self) -> None:
            self._samples = iter(samples)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self._samples, None)

    with tempfile.TemporaryDirectory(prefix="tvm_tiny_quantize_") as folder, _quiet():
        prepared, quantized = Path(folder) / "prepared.onnx", Path(folder) / "quantized.onnx"
        try:
            quant_pre_process(_with_opset(original, _PER_CHANNEL_OPSET), str(prepared), skip_symbolic_shape=True)
            quantize_static(
                prepared,
                quantized,
                Samples(),
                quant_format=QuantFormat.QDQ,
                per_channel=per_channel,
                activation_type=QuantType.QInt8 if activations == "int8" else QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        except Exception as error:  # the classes of ONNX Runtime's errors share no public base
            raise ModelError(f"ONNX Runtime cannot quantise the model: {error}") from error
        return _without_unused_domains(onnx.load(quantized))


def _load(model: str | Path | bytes) -> onnx.ModelProto:
    import onnx

    if isinstance(model, bytes):
        content, name = model, "the model"
    else:
        name = str(model)
        try:
            content = Path(model).read_bytes()
        except OSError as error:
            raise ModelError(f"cannot read {name}: {error.strerror}") from error
    try:
        loaded = onnx.load_model_from_string(content)
        onnx.checker.check_model(loaded)
    except Exception as error:  # protobuf's own error class moves between its releases
        raise ModelError(f"{name} is not a valid ONNX model: {str(error).strip()}") from error
    if any(node.op_type in ("QuantizeLinear", "QLinearConv", "QLinearMatMul") for node in loaded.graph.node):
        raise ModelError(f"{name} is quantised already", "quantise the float model that it was made from, or compile it as it is")
    return loaded


def _float_inputs(model: onnx.ModelProto) -> list[FloatInput]:
    import onnx

    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = []
    for value in model.graph.input:
        if value.name in weights:
            continue
        tensor = value.type.tensor_type
        if tensor.elem_type != onnx.TensorProto.FLOAT:
            found = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
            raise ModelError(f"input {value.name!r} is {found}: only a model with float32 inputs can be quantised")
        shape = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
        inputs.append(FloatInput(value.name, shape))
    return inputs


def _with_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model in opset ``opset`` if its own is older."""
    import onnx.version_converter

    own = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return model if own >= opset else onnx.version_converter.convert_version(model, opset)


def _without_unused_domains(model: onnx.ModelProto) -> bytes:
    """The model's bytes without the operator domains that ONNX Runtime's optimiser declares whether or not a node uses them."""
    used = {node.domain for node in model.graph.node}
    opsets = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    return bytes(model.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps back the advice that ONNX Runtime's quantiser logs about steps which are taken here anyway; errors stay."""
    logger: Any = logging.getLogger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
