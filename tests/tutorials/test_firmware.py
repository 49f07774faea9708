"""The second tutorial: a firmware from the sample model, built by CMake and run on the emulated board."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import ROOT


@pytest.mark.skipif(not shutil.which("cmake") or not shutil.which("qemu-system-arm"), reason="needs cmake and QEMU")
def test_it_ends_with_pass_and_tells_the_facts(tmp_path: Path) -> None:
    script = ROOT / "tutorials/02_firmware.py"
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, script, "--output", tmp_path / "firmware"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)

    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("PASS")
    facts = dict(re.findall(r"^   ([a-z ]+?) +([\d,]+)$", done.stdout, re.MULTILINE))
    assert set(facts) == {"code size", "stack size", "cycles", "instructions"}
    assert int(facts["stack size"].replace(",", "")) <= 512
