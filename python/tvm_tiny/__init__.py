"""tvm_tiny: TVM for microcontrollers. An int8 model in, readable and bit-exact C out.

>>> import tvm_tiny
>>> compiled = tvm_tiny.compile("kws.tflite", target="cortex-m4")

The public names are loaded when they are first used: importing the package takes milliseconds and does not import TVM.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tvm_tiny.version import __version__ as __version__

if TYPE_CHECKING:
    from tvm_tiny.api import CompiledModel, compile, package, tune, verify  # noqa: A004 - the public name
    from tvm_tiny.board import list_boards
    from tvm_tiny.frontend import load
    from tvm_tiny.memory.options import Memory
    from tvm_tiny.memory.pools import Pool
    from tvm_tiny.model import Model
    from tvm_tiny.quantize import quantize
    from tvm_tiny.target import list_targets

__all__ = [
    "CompiledModel",
    "Memory",
    "Model",
    "Pool",
    "compile",
    "list_boards",
    "list_targets",
    "load",
    "package",
    "quantize",
    "tune",
    "verify",
]

_HOME = {
    "CompiledModel": "tvm_tiny.api",
    "Memory": "tvm_tiny.memory.options",
    "Model": "tvm_tiny.model",
    "Pool": "tvm_tiny.memory.pools",
    "compile": "tvm_tiny.api",
    "list_boards": "tvm_tiny.board",
    "list_targets": "tvm_tiny.target",
    "load": "tvm_tiny.frontend",
    "package": "tvm_tiny.api",
    "quantize": "tvm_tiny.quantize",
    "tune": "tvm_tiny.api",
    "verify": "tvm_tiny.api",
}


def _public(name: str) -> Any:
    return getattr(import_module(_HOME[name]), name)


class _CallableRoom(ModuleType):
    """A room that has the name of a public function: ``tvm_tiny.tune`` is the room, and calling it calls the function.

    Without this, what the name means would depend on whether somebody has imported the room before.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _public(self.__name__.rpartition(".")[2])(*args, **kwargs)

    @property
    def __wrapped__(self) -> Any:
        """The function, for :func:`inspect.signature` and :func:`help`."""
        return _public(self.__name__.rpartition(".")[2])


class _Package(ModuleType):
    """This package; makes rooms callable as the import system binds them to it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            value.__class__ = _CallableRoom
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("package", "quantize", "tune"):
        return import_module(f"{__name__}.{name}")
    return _public(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _autoload() -> None:
    """What TVM calls at ``import tvm``: makes target tags and the NPU's code generator known. Nothing heavy is imported here."""
    from tvm_tiny.npu.byoc import register
    from tvm_tiny.target import register_tags

    register_tags()
    register()
