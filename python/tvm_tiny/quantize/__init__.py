"""A float model and calibration data → an int8 QDQ model."""

from tvm_tiny.quantize.onnx import quantize

__all__ = ["quantize"]
