"""The third tutorial: the sample model is tuned on an emulated board, and the second time nothing is measured."""

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
@pytest.mark.slow
def test_it_gets_faster_and_stays_right(tmp_path: Path) -> None:
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, ROOT / "tutorials/03_tuning.py", "--output", tmp_path]
    told = []
    for _ in range(2):
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
    found = [re.findall(r"   ([\d,]+) cycles, 0 of 5 outputs differ", text) for text in told]
    assert found[0] == found[1]
    before, after = (int(each.replace(",", "")) for each in found[0])
    assert after < before
    assert ", 0 of them measured now" not in told[0]
    assert ", 0 of them measured now" in told[1]
    for name in ("search.png", "cost_model.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert "<h2>Tuning</h2>" in (tmp_path / "report.html").read_text(encoding="utf-8")
