"""The public names of the package, and its registration with TVM."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import tvm_tiny


def python(code: str) -> str:
    """What a fresh interpreter prints for ``code``."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("name", tvm_tiny.__all__)
def test_every_public_name_can_be_had_and_called(name: str):
    assert callable(getattr(tvm_tiny, name))
    assert name in dir(tvm_tiny)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tvm_tiny' has no attribute 'kompile'"):
        tvm_tiny.kompile  # noqa: B018


@pytest.mark.parametrize("room", ["quantize", "tune"])
@pytest.mark.parametrize(
    "first", ["pass", "import tvm_tiny.{room}", "import tvm_tiny.{room} as room", "from tvm_tiny import {room}"]
)
def test_a_room_with_the_name_of_a_function_is_both(room: str, first: str):
    """Whatever was imported before, the name is the room and can be called as the function."""
    code = f"{first.format(room=room)}\nimport sys, tvm_tiny\n"
    code += f"print(tvm_tiny.{room} is sys.modules['tvm_tiny.{room}'], callable(tvm_tiny.{room}), tvm_tiny.{room}.__name__)"
    assert python(code) == f"True True tvm_tiny.{room}"


def test_a_callable_room_shows_the_signature_of_its_function_and_calls_it():
    assert next(iter(inspect.signature(tvm_tiny.quantize).parameters)) == "model"
    with pytest.raises(tvm_tiny.errors.TinyError):
        tvm_tiny.quantize(Path("there-is-no-such.onnx"), [])


@pytest.mark.skipif(
    "tvm_tiny" not in entry_points(group="tvm.backends").names, reason="TVM finds the package only where it is installed"
)
def test_importing_tvm_makes_the_target_tags_known():
    code = "import tvm; target = tvm.target.Target('tiny/cortex-m4'); print(target.kind.name, target.attrs['mcpu'])"
    assert python(code) == "c cortex-m4"


def test_autoload_imports_nothing_heavy_besides_tvm():
    code = "import sys, tvm; print(*(name for name in ('onnx', 'tflite', 'matplotlib', 'onnxruntime') if name in sys.modules))"
    assert python(code) == ""
