"""Which format a model file has, told by its content; its name only has to agree."""

from __future__ import annotations

from pathlib import Path

from tvm_tiny.errors import ModelError

_EXTENSIONS = {".tflite": "tflite", ".lite": "tflite", ".onnx": "onnx"}
_NAMES = {"tflite": "a TensorFlow Lite model", "onnx": "an ONNX model"}

# First bytes of files that people take for models: (bytes, what they are, what to do).
_FOREIGN = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras saves its models", "convert it with tf.lite.TFLiteConverter"),
    (b"PK\x03\x04", "a ZIP archive, as PyTorch, Keras 3 and packages use", "export the model itself as .onnx or .tflite"),
    (b"\x80\x02", "a Python pickle, as old PyTorch versions save", "export the model with torch.onnx.export"),
    (b"\x93NUMPY", "a NumPy array", "give the model file; arrays are given with --input"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch the file with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page", "download the file itself"),
    (b"<html", "a web page", "download the file itself"),
)


def read(path: Path) -> bytes:
    """The content of a model file.

    Raises
    ------
    ModelError
        The file is missing, a folder, empty, or cannot be read.
    """
    if path.is_dir():
        saved = (path / "saved_model.pb").exists()
        hint = "convert it with tf.lite.TFLiteConverter.from_saved_model" if saved else "give the .tflite or .onnx file in it"
        raise ModelError(f"{path}: expected a model file, found a {'TensorFlow SavedModel ' if saved else ''}folder", hint)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file", _neighbours(path)) from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    if not data:
        raise ModelError(f"{path}: the file is empty", "copy or download it again")
    return data


def detect(path: Path, data: bytes) -> str:
    """The format of ``data``, the content of ``path``: "tflite" or "onnx".

    Any extension will do, but not that of the other format: such a file was mixed up, and other programs will stumble over it too.

    Raises
    ------
    ModelError
        It is neither, or its extension says that it is the other.
    """
    found = _by_content(data)
    promised = _EXTENSIONS.get(path.suffix.lower())
    if found is None:
        raise _unknown(path, data, promised)
    if promised is not None and promised != found:
        raise ModelError(
            f"{path}: the name says {_NAMES[promised]}, but the content is {_NAMES[found]}",
            f"rename it to {path.with_suffix('.' + found).name}",
        )
    return found


def _by_content(data: bytes) -> str | None:
    if data[4:8] == b"TFL3":
        return "tflite"
    # Field 1 of an ONNX file is its small ir_version; every exporter writes fields in order. Cheap, so that protobuf (and with it
    # the onnx package) only sees what is likely to be one.
    if data[0] == 0x08 and len(data) > 2 and 0 < data[1] < 0x40 and _parses_as_onnx(data):
        return "onnx"
    return None


def _parses_as_onnx(data: bytes) -> bool:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError:
        return False
    return model.HasField("graph") and bool(model.graph.output)


def _unknown(path: Path, data: bytes, promised: str | None) -> ModelError:
    for start, what, hint in _FOREIGN:
        if data.startswith(start):
            return ModelError(f"{path}: expected a .tflite or .onnx model, found {what}", hint)
    identifier = data[4:8]
    if identifier.startswith(b"TFL"):
        return ModelError(
            f"{path}: a TensorFlow Lite file with the schema identifier {identifier.decode('ascii', 'replace')!r}, expected 'TFL3'",
            "convert it again with TensorFlow 1.13 or later",
        )
    if _is_text(data):
        return ModelError(f"{path}: expected a .tflite or .onnx model, found a text file", "give the model file itself")
    if promised == "onnx":
        return ModelError(
            f"{path}: not a readable ONNX model ({len(data)} bytes): it is truncated, damaged or of another format",
            "copy, download or export it again",
        )
    if len(identifier) == 4 and identifier.isalnum() and int.from_bytes(data[:4], "little") < len(data):
        return ModelError(
            f"{path}: a flatbuffer with the identifier {identifier.decode('ascii')!r}, expected 'TFL3'",
            "only TensorFlow Lite and ONNX models can be compiled",
        )
    return ModelError(
        f"{path}: expected a .tflite or .onnx model, found neither ({len(data)} bytes, beginning {data[:8].hex(' ')})",
        "if it is one of them, it is truncated or damaged: copy, download or export it again",
    )


def _is_text(data: bytes) -> bool:
    head = data[:512]
    return all(byte in b"\t\n\r\f\v" or byte >= 32 for byte in head) and b"\x7f" not in head


def _neighbours(path: Path) -> str:
    """Models beside a file that is missing."""
    try:
        models = sorted(other.name for other in path.parent.iterdir() if other.suffix.lower() in _EXTENSIONS)
    except OSError:
        return f"there is no folder {path.parent}"
    return f"models in {path.parent}: {', '.join(models[:8])}" if models else f"there is no model in {path.parent}"
