"""A C module on disk: its files, and a description from which it can be loaded again."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvm_tiny.codegen.sources import BufferInfo, CModule, LayerInfo, PoolInfo
from tvm_tiny.errors import ModelError, OutputError
from tvm_tiny.model import TensorSpec

REPORT = "report.json"

_ROWS = {"inputs": TensorSpec, "outputs": TensorSpec, "layers": LayerInfo, "buffers": BufferInfo, "pools": PoolInfo}


def save(module: CModule, report: dict[str, Any], folder: Path) -> None:
    """Write the files of ``module`` and ``report.json`` into ``folder``, which is made if it is not there.

    Every file is written beside its place first and moved there when all are complete, so that a failure leaves what was there.
    Files of an earlier module of the same folder that this one does not have are removed.

    Raises
    ------
    OutputError
        The folder cannot be made or written.
    """
    texts = {**module.files, REPORT: json.dumps({**report, "module": describe(module)}, indent=2) + "\n"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stale = _earlier_files(folder) - set(texts)
        with tempfile.TemporaryDirectory(prefix=".tvm-tiny-", dir=folder) as staging:
            for name, text in texts.items():
                path = Path(staging) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            for name in texts:
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(Path(staging) / name, target)
        for name in stale:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write the compiled model to {folder}: {error.strerror or error}",
            "choose a folder that can be written with --output",
        ) from error


def load(folder: Path) -> tuple[CModule, dict[str, Any]]:
    """The module and the report that :func:`save` wrote into ``folder``.

    Raises
    ------
    ModelError
        The folder holds no compiled model, or one of its files is missing or has another version's form.
    """
    path = folder / REPORT
    if not path.is_file():
        raise ModelError(
            f"{folder} holds no compiled model: {REPORT} is missing", "compile one: tvm-tiny compile MODEL --output " + str(folder)
        )
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        description = report.pop("module")
        files = {name: (folder / name).read_text(encoding="utf-8") for name in description.pop("files")}
        return from_description(description, files), report
    except FileNotFoundError as error:
        raise ModelError(
            f"the compiled model in {folder} is not whole: {Path(str(error.filename)).name} is missing", "compile it again"
        ) from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ModelError(
            f"{path} is not the report of a compiled model of this version ({error})", "compile the model again"
        ) from error


def _earlier_files(folder: Path) -> set[str]:
    try:
        return set(json.loads((folder / REPORT).read_text(encoding="utf-8"))["module"]["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def describe(module: CModule) -> dict[str, Any]:
    """All of ``module`` as plain values for JSON; of its files, the names."""
    values = {field.name: getattr(module, field.name) for field in dataclasses.fields(module)}
    values["files"] = sorted(module.files)
    for name in _ROWS:
        values[name] = [dataclasses.asdict(each) for each in values[name]]
    return values


def from_description(values: Mapping[str, Any], files: dict[str, str]) -> CModule:
    """The module that :func:`describe` described without its key "files", with the texts of its files.

    Raises
    ------
    KeyError, TypeError, ValueError
        It has another version's form.
    """
    fields = {name: _tuples(value) for name, value in values.items()}
    for name, kind in _ROWS.items():
        fields[name] = tuple(kind(**{key: _tuples(value) for key, value in each.items()}) for each in fields[name])
    return CModule(files=files, **fields)


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
