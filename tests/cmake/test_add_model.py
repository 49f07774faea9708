"""find_package(tvm_tiny) and tvm_tiny_add_model(): a model as a part of the user's own build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..conftest import ROOT
from ..package.conftest import dense

pytestmark = pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("gcc")), reason="needs cmake and gcc")

_LISTS = """
cmake_minimum_required(VERSION 3.20)
project(user LANGUAGES C)
find_package(tvm_tiny REQUIRED)
{call}
"""
_CALL = """
tvm_tiny_add_model(detector MODEL detector.tflite TARGET c)
add_executable(program main.c)
target_link_libraries(program PRIVATE detector)
"""
# Prints the number of the model's output bytes.
_MAIN = """
#include <stdio.h>
#include "detector.h"
static long long arena[DETECTOR_ARENA_SIZE / 8 + 2];
int main(void) {
  char *start = (char *)arena;
  while ((unsigned long long)start % DETECTOR_ARENA_ALIGNMENT) ++start;
  printf("%d %u\\n", (int)detector_run(start, 0, 0), DETECTOR_Y_SIZE);
  return 0;
}
"""


def cmake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["cmake", *arguments], cwd=folder, check=False, capture_output=True, text=True, timeout=300)


def configure(folder: Path, call: str = _CALL) -> subprocess.CompletedProcess[str]:
    (folder / "CMakeLists.txt").write_text(_LISTS.format(call=call))
    (folder / "main.c").write_text(_MAIN)
    (folder / "detector.tflite").write_bytes(dense(4))
    command = f"-DTVM_TINY_COMMAND={sys.executable};-m;tvm_tiny"
    return cmake(folder, "-S", ".", "-B", "build", f"-Dtvm_tiny_DIR={ROOT / 'cmake'}", command)


def program(folder: Path) -> str:
    done = cmake(folder, "--build", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return subprocess.run([folder / "build/program"], check=True, capture_output=True, text=True).stdout


def test_a_model_is_built_and_built_again_when_its_file_changes(tmp_path: Path) -> None:
    assert configure(tmp_path).returncode == 0
    assert program(tmp_path) == "0 4\n"

    (tmp_path / "detector.tflite").write_bytes(dense(6))
    later = time.time() + 5
    os.utime(tmp_path / "detector.tflite", (later, later))
    assert program(tmp_path) == "0 6\n"


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("tvm_tiny_add_model(detector TARGET c)", "MODEL is missing"),
        ("tvm_tiny_add_model(detector MODEL none.tflite TARGET c)", "there is no file"),
        ("tvm_tiny_add_model(Detector MODEL detector.tflite TARGET c)", "lower-case letters"),
        ("tvm_tiny_add_model(detector MODEL detector.tflite TARGET c SPEED high)", 'what is "SPEED;high"'),
    ],
)
def test_a_wrong_call_is_told_when_the_project_is_configured(call: str, told: str, tmp_path: Path) -> None:
    done = configure(tmp_path, call)

    assert done.returncode != 0
    assert told in " ".join(done.stderr.split())


def test_the_command_tells_where_the_package_is() -> None:
    done = subprocess.run([sys.executable, "-m", "tvm_tiny", "--cmake-dir"], check=True, capture_output=True, text=True)

    assert (Path(done.stdout.strip()) / "tvm_tiny-config.cmake").is_file()
