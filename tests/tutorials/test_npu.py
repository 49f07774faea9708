"""The tutorial about NPUs: the sample model, on the emulated Cortex-M33 with an NPU beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import ROOT


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="needs QEMU")
def test_it_ends_with_a_picture_and_tells_what_was_won(tmp_path: Path) -> None:
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, ROOT / "tutorials/04_npu.py", "--output", tmp_path]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    found = re.search(r"alone: ([\d,]+) cycles\n   with the NPU: ([\d,]+) of the core, ([\d,]+) of the NPU", done.stdout)
    assert found is not None, done.stdout
    alone, core, npu = (int(each.replace(",", "")) for each in found.groups())
    assert core + npu < alone / 3
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
