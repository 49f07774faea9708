"""Folders that images and runs use."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tvm_tiny.errors import OutputError


def new_folder(prefix: str) -> Path:
    """A fresh folder of its own, removed when this process ends.

    Raises
    ------
    OutputError
        The temporary directory cannot be written.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"tvm_tiny-{prefix}-"))
    except OSError as error:
        raise OutputError(f"no temporary folder can be made: {error}", "set TMPDIR to a folder that can be written") from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for the files of one run, removed after it."""
    try:
        with tempfile.TemporaryDirectory(prefix="tvm_tiny-run-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        raise OutputError(f"the files of a run cannot be written: {error}", "set TMPDIR to a folder with room") from error
