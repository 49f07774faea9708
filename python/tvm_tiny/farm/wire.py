"""What client and server tell each other: a header in JSON and arrays, in one .npz of plain data. Nothing of it can be code.

A message is an archive of arrays of numbers. Its member "header" holds JSON as bytes; ``a0``, ``a1``, ... are the arrays, to which
the header refers by number.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tvm_tiny.board.arena_check import ArenaCheck, Touch
from tvm_tiny.board.base import Image, LayerCount, RunResult
from tvm_tiny.board.info import BoardInfo, MemoryRegion
from tvm_tiny.codegen.store import describe, from_description
from tvm_tiny.errors import BoardError, InputError, TinyError
from tvm_tiny.resources import firmware_dir
from tvm_tiny.version import __version__

PROTOCOL = 1
"""Version of the messages: to be raised with any change of their form."""

# All fields but those that are sent in a way of their own, so that none is forgotten.
_IMAGE = [each.name for each in fields(Image) if each.name not in ("path", "module", "log")]
_PLAIN = [each.name for each in fields(RunResult) if each.name not in ("outputs", "traces", "layers", "arena_check")]

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Request:
    """One measurement: an image as it lies on disk, what a board must know of it, and its samples."""

    image: Image  # whose path is the client's, "" at the server
    program: bytes
    samples: tuple[dict[str, np.ndarray], ...]
    timeout: float
    client: str


@cache
def versions() -> dict[str, Any]:
    """What has to be equal at both ends: the image is built at one, and what it writes is read at the other."""
    digest = hashlib.sha256()
    for path in sorted(firmware_dir().rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return {"tvm_tiny": __version__, "protocol": PROTOCOL, "harness": digest.hexdigest()[:12]}


def version_problem(theirs: Any, *, here: str, there: str) -> str:
    """In words how ``theirs`` differs from the versions of this side; "" where it does not."""
    ours = versions()
    found = theirs if isinstance(theirs, dict) else {}
    wrong = [
        f"{key} {found.get(key, 'unknown')} on the {there}, {ours[key]} on the {here}"
        for key in ours
        if found.get(key) != ours[key]
    ]
    return "; ".join(wrong)


def _pack(header: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> bytes:
    for array in arrays:
        if array.dtype.hasobject:
            raise InputError(f"an array of dtype {array.dtype} cannot be sent to a board: expected numbers")
    file = io.BytesIO()
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    members: dict[str, Any] = {f"a{number}": array for number, array in enumerate(arrays)}
    np.savez(file, header=text, **members)
    return file.getvalue()


def _unpack(data: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            return header, [file[f"a{number}"] for number in range(len(file.files) - 1)]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BoardError(f"a message between a board's client and its server is garbled: {error}") from error


class _Rows:
    """Arrays by name for each sample, as rows of names and one list of arrays."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []

    def add(self, rows: Sequence[Mapping[Any, np.ndarray]]) -> list[list[list[Any]]]:
        table = []
        for row in rows:
            table.append([[name, len(self.arrays) + number] for number, name in enumerate(row)])
            self.arrays += [np.asarray(array) for array in row.values()]
        return table


def _rows(table: Sequence[Sequence[Sequence[Any]]], arrays: Sequence[np.ndarray]) -> list[dict[Any, np.ndarray]]:
    return [{name: arrays[number] for name, number in row} for row in table]


def info_values(info: BoardInfo) -> dict[str, Any]:
    """``info`` as plain values for JSON."""
    return asdict(info)


def info_of(values: Mapping[str, Any]) -> BoardInfo:
    """The reverse of :func:`info_values`."""
    shared = values["shared"]
    return BoardInfo(
        **{
            **values,
            "memory": tuple(MemoryRegion(**each) for each in values["memory"]),
            "shared": None if shared is None else MemoryRegion(**shared),
        }
    )


def build_facts(info: BoardInfo) -> dict[str, Any]:
    """What of a board decides how an image for it is built; the same for all boards of a name, or they cannot share it."""
    return {key: value for key, value in info_values(info).items() if key not in ("name", "model", "description", "connection")}


def pack_request(image: Image, info: BoardInfo, samples: Sequence[Arrays], *, timeout: float, client: str) -> bytes:
    """A request to run ``image``, built for ``info``.

    Raises
    ------
    BoardError
        The image cannot be read.
    InputError
        An array is none of numbers.
    """
    try:
        program = np.frombuffer(image.path.read_bytes(), np.uint8)
    except OSError as error:
        raise BoardError(f"the image {image.path} cannot be read: {error}") from error
    rows = _Rows()
    rows.arrays.append(program)
    module = describe(image.module)
    header = {
        "versions": versions(),
        "board": build_facts(info),
        "client": client,
        "timeout": timeout,
        "module": {key: value for key, value in module.items() if key != "files"},
        "image": {name: getattr(image, name) for name in _IMAGE},
        "samples": rows.add(samples),
    }
    return _pack(header, rows.arrays)


def unpack_request(data: bytes, info: BoardInfo) -> Request:
    """The request in ``data``, for the board that this server has.

    Raises
    ------
    BoardError
        It is garbled, of another version, or its image was built for a board with other memories.
    """
    header, arrays = _unpack(data)
    problem = version_problem(header.get("versions"), here="server", there="client")
    if problem:
        raise BoardError(f"client and server are of different versions: {problem}", "install the same version of tvm_tiny on both")
    facts = json.loads(json.dumps(build_facts(info)))
    wrong = [key for key in facts if header["board"].get(key) != facts[key]]
    if wrong:
        raise BoardError(
            f"the image was built for another board than this server's {info.name}: it differs in {', '.join(wrong)}",
            "serve boards that differ under names that differ: --key",
        )
    try:
        module = from_description(header["module"], {})
        image = Image(Path(), module, **header["image"])
        samples = tuple(_rows(header["samples"], arrays))
        return Request(image, arrays[0].tobytes(), samples, float(header["timeout"]), str(header["client"]))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BoardError(f"a request for a run is garbled: {error!r}") from error


def pack_result(result: RunResult) -> bytes:
    """The answer to a request that went well."""
    rows = _Rows()
    header = {
        **{name: getattr(result, name) for name in _PLAIN},
        "ok": True,
        "outputs": rows.add(result.outputs),
        "traces": rows.add(result.traces),
        "layers": [asdict(each) for each in result.layers],
        "functions": dict(result.functions),
        "arena_check": None if result.arena_check is None else asdict(result.arena_check),
    }
    return _pack(header, rows.arrays)


def pack_error(error: Exception) -> bytes:
    """The answer to a request that did not."""
    if isinstance(error, TinyError):
        return _pack({"ok": False, "kind": type(error).__name__, "message": error.message, "hint": error.hint}, [])
    what = f"{type(error).__name__}: {error}"
    return _pack(
        {"ok": False, "kind": "BoardError", "message": f"the server failed: {what}", "hint": "its own output tells more"}, []
    )


def unpack_result(data: bytes) -> RunResult:
    """The result in ``data``.

    Raises
    ------
    TinyError
        What the board raised at the server, of the same class.
    BoardError
        The answer is garbled.
    """
    header, arrays = _unpack(data)
    if header.get("ok") is not True:
        raise _error_of(header)
    try:
        check = header["arena_check"]
        return RunResult(
            **{
                **{name: header[name] for name in _PLAIN},
                "outputs": _rows(header["outputs"], arrays),
                "traces": _rows(header["traces"], arrays),
                "layers": tuple(LayerCount(**each) for each in header["layers"]),
                "per_inference": tuple(header["per_inference"]),
                "arena_check": None
                if check is None
                else ArenaCheck(**{**check, "touched": tuple(Touch(**each) for each in check["touched"])}),
            }
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BoardError(f"the answer of a board's server is garbled: {error!r}") from error


def _error_of(header: Mapping[str, Any]) -> TinyError:
    known = {kind.__name__: kind for kind in _all_errors(TinyError)}
    kind = known.get(str(header.get("kind")), BoardError)
    return kind(str(header.get("message", "the server failed and does not say why")), str(header.get("hint", "")))


def _all_errors(kind: type[TinyError]) -> list[type[TinyError]]:
    return [kind, *(each for sub in kind.__subclasses__() for each in _all_errors(sub))]
