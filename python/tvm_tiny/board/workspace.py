"""Folders that images and runs use."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tvm_tiny.board.base import Image
from tvm_tiny.errors import OutputError


def build_in(folder: Path | None, build: Callable[[Path], Image]) -> Image:
    """The image that ``build`` makes in ``folder``; without one, in a temporary folder that is removed with the image.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            return build(folder)
        temporary = Path(tempfile.mkdtemp(prefix="tvm_tiny-image-"))
    except OSError as error:
        where = folder or tempfile.gettempdir()
        raise OutputError(f"the firmware cannot be written into {where}: {error}", "set TMPDIR to a folder with room") from error
    try:
        image = build(temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    weakref.finalize(image, shutil.rmtree, temporary, ignore_errors=True)
    return image


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for the files of one run, removed after it.

    Raises
    ------
    OutputError
        The temporary directory cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="tvm_tiny-run-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
    except OSError as error:
        raise OutputError(f"the files of a run cannot be written: {error}", "set TMPDIR to a folder with room") from error
