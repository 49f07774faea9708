"""What can be wrong with a machine or an installation: one function for each check, listed in :data:`CHECKS`.

No check raises. Each says what it found and, where that will not do, the mend.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny import resources
from tvm_tiny.board.plugin import emulator_plugin
from tvm_tiny.board.toolchain import ARM_GCC, HOST_CC, QEMU, Tool, find_tool, run_tool, tool_version
from tvm_tiny.errors import TinyError, ToolchainError

# TVM and the FFI that it was built with; the same pins as in pyproject.toml.
TVM = "0.27.0.post1"
TVM_FFI = "0.1.14.post1"
PYTHON = (3, 11)

# The emulator's plugin speaks version 1 of QEMU's plugin interface.
_PLUGIN_QEMU = ((6, 0), (9, 0))


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes
    ----------
    name : str
        What was looked for.
    ok : bool
    detail : str
        What was found: a version, a path; or what is wrong.
    mend : str
        What to do about it; "" where all is well.
    purpose : str
        What goes without it: "" for what everything needs, the demo too; else the one thing that does not work.
    """

    name: str
    ok: bool
    detail: str
    mend: str = ""
    purpose: str = ""

    @property
    def stands_in_the_way(self) -> bool:
        """It failed, and without it not even the demo works."""
        return not self.ok and not self.purpose


def _python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    wanted = ".".join(str(part) for part in PYTHON)
    if sys.version_info >= PYTHON:
        return Check("Python", True, found)
    return Check("Python", False, f"{found}, expected {wanted} or later", f"make a virtual environment with Python {wanted}")


def _pinned(distribution: str, wanted: str, why: str) -> Check:
    try:
        found = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return Check(distribution, False, "not installed", f"pip install {distribution}=={wanted}")
    if found == wanted:
        return Check(distribution, True, found)
    return Check(distribution, False, f"{found}, expected {wanted}: {why}", f"pip install {distribution}=={wanted}")


def _tvm() -> Check:
    return _pinned("apache-tvm", TVM, "names move between TVM's releases")


def _tvm_ffi() -> Check:
    return _pinned("apache-tvm-ffi", TVM_FFI, "0.1.15, which pip takes by default, crashes this TVM when it tunes")


# In a process of its own: where TVM and its FFI do not fit together, the import ends in a segmentation fault.
_IMPORT = "import tvm; tvm.target.Target('tiny/cortex-m4'); print('ok')"


def _plugin_of_tvm() -> Check:
    name = "TVM plugin"
    try:
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT], capture_output=True, text=True, errors="replace", timeout=300, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, False, f"TVM could not be started: {error}", f"pip install --force-reinstall apache-tvm=={TVM}")
    if done.returncode == 0:
        return Check(name, True, "`import tvm` knows the targets tiny/...")
    last = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
    if "tiny/cortex-m4" not in done.stderr:
        return Check(
            name, False, f"`import tvm` fails: {last}", f"pip install --force-reinstall apache-tvm=={TVM} apache-tvm-ffi=={TVM_FFI}"
        )
    purpose = "the target tags tiny/... in programs that import TVM only"
    if os.environ.get("TVM_DEVICE_BACKEND_AUTOLOAD") == "0":
        return Check(name, False, "switched off by TVM_DEVICE_BACKEND_AUTOLOAD=0", "unset TVM_DEVICE_BACKEND_AUTOLOAD", purpose)
    return Check(
        name,
        False,
        "TVM does not find tvm_tiny: it is not installed",
        "pip install tvm-tiny, or in a checkout: pip install -e .",
        purpose,
    )


def _module(module: str, distributions: tuple[str, ...], extra: str, purpose: str = "") -> Callable[[], Check]:
    """A check of a Python package, which one of ``distributions`` installs."""

    def check() -> Check:
        name = distributions[0]
        if importlib.util.find_spec(module) is None:
            return Check(
                name, False, "not installed", f"pip install 'tvm-tiny[{extra}]'" if extra else "pip install tvm-tiny", purpose
            )
        for distribution in distributions:
            try:
                return Check(name, True, importlib.metadata.version(distribution), purpose=purpose)
            except importlib.metadata.PackageNotFoundError:
                continue
        return Check(name, True, "version unknown", purpose=purpose)

    return check


def _planner() -> Check:
    name = "memory planner"
    try:
        from tvm_tiny.memory.native import algorithms

        return Check(name, True, ", ".join(algorithms()))
    except TinyError as error:
        return Check(name, False, error.message, error.hint)
    except Exception as error:  # whatever the loader has to say
        return Check(
            name,
            False,
            f"cannot be loaded: {str(error).splitlines()[0]}",
            "cmake -S . -B build && cmake --build build, or reinstall tvm-tiny",
        )


def _folder(name: str, find: Callable[[], Path]) -> Callable[[], Check]:
    def check() -> Check:
        try:
            return Check(name, True, str(find()))
        except TinyError as error:
            return Check(name, False, error.message, error.hint)

    return check


def _tool(name: str, tool: Tool, purpose: str = "") -> Callable[[], Check]:
    def check() -> Check:
        try:
            return Check(name, True, f"{tool_version(tool)} ({find_tool(tool)})", purpose=purpose)
        except ToolchainError as error:
            return Check(name, False, error.message, error.hint, purpose)

    return check


def _c_library() -> Check:
    name = "C library for Arm"
    try:
        path = Path(run_tool([find_tool(ARM_GCC), "-print-file-name=libc.a"]).stdout.strip())
    except ToolchainError:
        return Check(name, False, "comes with the cross compiler, which is missing", "install the cross compiler")
    if path.is_absolute() and path.is_file():
        return Check(name, True, str(path.resolve()))
    return Check(name, False, "the cross compiler finds no libc.a", "install it: apt-get install libnewlib-arm-none-eabi (Debian)")


def _emulator_plugin() -> Check:
    name, purpose = "emulator's plugin", "exact instruction counts and modelled cycles, by layer"
    try:
        path = emulator_plugin()
    except ToolchainError as error:
        return Check(name, False, error.message, error.hint, purpose)
    if path is None:
        return Check(
            name, False, "not built", "reinstall tvm-tiny, or in a checkout: cmake -S . -B build && cmake --build build", purpose
        )
    try:
        version = tuple(int(part) for part in tool_version(QEMU).split(".")[:2])
    except ToolchainError:
        return Check(name, True, f"{path}, not tried: the emulator is missing", purpose=purpose)
    oldest, too_new = _PLUGIN_QEMU
    if oldest <= version < too_new:
        return Check(name, True, str(path), purpose=purpose)
    found, low, high = (f"{major}.{minor}" for major, minor in (version, oldest, too_new))
    return Check(
        name,
        False,
        f"QEMU {found} does not take it: expected {low} or later, before {high}",
        "set TVM_TINY_QEMU to such a QEMU; without it instructions are counted in steps of 40",
        purpose,
    )


CHECKS: tuple[Callable[[], Check], ...] = (
    _python,
    _tvm,
    _tvm_ffi,
    _plugin_of_tvm,
    _module("numpy", ("numpy",), ""),
    _module("onnx", ("onnx",), ""),
    _module("tflite", ("tflite",), ""),
    _planner,
    _folder("runtime headers", resources.runtime_dir),
    _folder("firmware sources", resources.firmware_dir),
    _tool("Arm cross compiler", ARM_GCC),
    _c_library,
    _tool("Arm emulator", QEMU),
    _emulator_plugin,
    _module("onnxruntime", ("onnxruntime",), "demo"),
    _module("sklearn", ("scikit-learn",), "demo"),
    _module("matplotlib", ("matplotlib",), "demo"),
    _tool("host compiler", HOST_CC, "the board `host`"),
    _module("ai_edge_litert", ("ai-edge-litert",), "verify", "`tvm-tiny verify` of .tflite models"),
    _module("xgboost", ("xgboost", "xgboost-cpu"), "tune", "tuning"),
    _module("tornado", ("tornado",), "tune", "the tracker of a farm"),
)
