"""Rules about the tree itself. The order of the rooms is checked by import-linter, from the table in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

PACKAGE = ROOT / "python" / "tvm_tiny"
MAX_LINES = 400
# Folders that only exist on somebody's machine. Assembled, so that this file does not hold what it looks for.
PRIVATE = re.compile(rb"(?<![\w.])/(?:%s)/[\w.]" % b"|".join([b"home", b"root", b"Users", b"work"]))


def committed() -> list[Path]:
    """All files under version control; the files of an unpacked archive where there is none."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_short_enough_to_read(path: Path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_no_committed_file_names_a_folder_of_one_machine():
    found = [str(path.relative_to(ROOT)) for path in committed() if PRIVATE.search(path.read_bytes())]
    assert not found


def test_pattern_for_private_folders_finds_them():
    path = b"/".join([b"", b"home", b"jane", b"model.tflite"])
    assert PRIVATE.search(b"see " + path)
    assert not PRIVATE.search(b"https://example.org" + path)


def test_no_committed_file_is_larger_than_a_mebibyte():
    assert not [str(path.relative_to(ROOT)) for path in committed() if path.stat().st_size > 2**20]


def test_importing_the_package_is_light():
    """TVM, ONNX, interpreters and plotting are imported when they are used, never by `import tvm_tiny` or its target tags."""
    code = "import sys, tvm_tiny; tvm_tiny.list_targets(); tvm_tiny.Model; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    heavy = {"tvm", "tvm_ffi", "onnx", "onnxruntime", "ai_edge_litert", "tflite", "matplotlib", "sklearn", "xgboost"}
    assert not heavy & set(modules)
