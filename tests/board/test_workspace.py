from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.base import Image
from tvm_tiny.board.workspace import build_in, run_folder
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import OutputError

from .modules import expected, samples, twice


def build(folder: Path) -> Image:
    (folder / "image").touch()
    return Image(folder / "image", twice(), None, 0)


def test_a_temporary_image_goes_with_its_folder() -> None:
    image = build_in(None, build)
    folder = image.path.parent
    assert image.path.exists()
    del image
    gc.collect()
    assert not folder.exists()


def test_a_failed_build_leaves_nothing() -> None:
    folders = []

    def fail(folder: Path) -> Image:
        folders.append(folder)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        build_in(None, fail)
    assert [folder.exists() for folder in folders] == [False]


def test_a_folder_of_the_caller_stays(tmp_path: Path) -> None:
    image = build_in(tmp_path / "new" / "image", build)
    path = image.path
    del image
    gc.collect()
    assert path == tmp_path / "new" / "image" / "image"
    assert path.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="the firmware cannot be written into"):
        build_in(tmp_path / "file" / "image", build)


def test_the_folder_of_a_run_goes() -> None:
    with run_folder() as folder:
        (folder / "input.bin").touch()
    assert not folder.exists()


def renamed(name: str) -> CModule:
    module = twice()
    files = {
        path.replace("twice", name): text.replace("twice", name).replace("TWICE", name.upper())
        for path, text in module.files.items()
    }
    layers = tuple(replace(layer, function=f"{name}_{layer.name}") for layer in module.layers)
    return replace(module, name=name, files=files, sources=(f"{name}.c", f"{name}_weights.c"), layers=layers)


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
@pytest.mark.parametrize("name", ["model", "harness", "measure", "stack", "fault", "firmware", "objects"])
def test_models_may_have_the_names_of_our_files(board: str, name: str) -> None:
    device, given = get_board(board), samples(2)
    result = device.run(device.build(renamed(name)), given)
    assert [outputs["y"].tolist() for outputs in result.outputs] == [expected(sample).tolist() for sample in given]
