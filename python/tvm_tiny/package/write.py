"""A package on disk: a folder, a tar or a zip archive. The same files give the same bytes, on any machine and day."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tvm_tiny.errors import OutputError
from tvm_tiny.package.part import Files

MANIFEST = "tvm_tiny.json"
"""In a package that is a folder: the list of its files, by which a later one knows what it may remove."""
_MODE = 0o644
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can say


def write_package(files: Files, path: Path, container: str) -> None:
    """Write ``files`` to ``path``, all or nothing.

    Parameters
    ----------
    container : "folder", "tar" or "zip"
        A folder may hold other files: they stay. Files of an earlier package there that this one does not have are removed.

    Raises
    ------
    OutputError
        ``path`` cannot be written, or is a folder where a file is to be written, or the other way round.
    """
    try:
        if container == "folder":
            _write_folder(files, path)
        else:
            _write_file(_tar(files) if container == "tar" else _zip(files), path)
    except OSError as error:
        raise OutputError(
            f"cannot write the package to {path}: {error.strerror or error}", "choose a place that can be written with --output"
        ) from error


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def _write_folder(files: Files, folder: Path) -> None:
    contents = dict(files) | {MANIFEST: json.dumps({"files": sorted(files)}, indent=2) + "\n"}
    folder.mkdir(parents=True, exist_ok=True)
    stale = _earlier(folder) - set(contents)
    with tempfile.TemporaryDirectory(prefix=".tvm-tiny-", dir=folder) as staging:
        for name, content in contents.items():
            path = Path(staging) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_bytes(content))
        for name in contents:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(staging) / name, target)
    for name in stale:
        (folder / name).unlink(missing_ok=True)


def _earlier(folder: Path) -> set[str]:
    """Files of an earlier package; a list that somebody has changed so that it leaves the folder is not followed."""
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {name for name in listed if isinstance(name, str) and not Path(name).is_absolute() and ".." not in Path(name).parts}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _write_file(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tvm-tiny-", dir=path.parent) as staging:
        staged = Path(staging) / path.name
        staged.write_bytes(content)
        os.replace(staged, path)


def _tar(files: Files) -> bytes:
    """With the leading ``./`` of microTVM's archives."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            content = _bytes(files[name])
            entry = tarfile.TarInfo(f"./{name}")
            entry.size, entry.mode, entry.uname, entry.gname = len(content), _MODE, "root", "root"
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _zip(files: Files) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.external_attr, entry.compress_type = (0o100000 | _MODE) << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, _bytes(files[name]))
    return stream.getvalue()
