"""The ESP-IDF component: Espressif's component tool takes it, and its CMake builds with what ESP-IDF's functions do."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from .conftest import Packager, call

# ESP-IDF's function, on the compiler of this machine: there is no Xtensa or RISC-V compiler in the registries.
_IDF = """
cmake_minimum_required(VERSION 3.16)
project(idf_stand_in C)
function(idf_component_register)
  cmake_parse_arguments(component "" "" "SRCS;INCLUDE_DIRS" ${{ARGN}})
  add_library(component STATIC ${{component_SRCS}})
  target_include_directories(component PUBLIC ${{component_INCLUDE_DIRS}})
  set(COMPONENT_LIB component PARENT_SCOPE)
endfunction()
add_subdirectory({component} component)
"""


def test_the_component_tool_packs_it(packaged: Packager, tmp_path: Path) -> None:
    component = tmp_path / "component"
    shutil.copytree(packaged("esp-idf", "c"), component)
    call("compote", "component", "pack", "--name", "alpha", "--dest-dir", tmp_path / "dist", cwd=component)

    [archive] = (tmp_path / "dist").glob("*.tgz")
    with tarfile.open(archive) as tar:
        names = {name.removeprefix("./") for name in tar.getnames()}
    assert {"idf_component.yml", "CMakeLists.txt", "models/alpha/alpha.c"} <= names


def test_cmake_builds_the_component(packaged: Packager, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(_IDF.format(component=packaged("esp-idf", "c")))
    call("cmake", "-S", ".", "-B", "build", cwd=tmp_path)
    call("cmake", "--build", "build", cwd=tmp_path)

    assert (tmp_path / "build/component/libcomponent.a").is_file()


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_each_model_has_an_example_that_depends_on_the_component(packaged: Packager, name: str) -> None:
    component = packaged("esp-idf", "c")
    main = component / "examples" / name / "main"
    [dependency] = yaml.safe_load((main / "idf_component.yml").read_text())["dependencies"].values()

    assert (main / dependency["path"]).resolve() == component.resolve()
    assert (main / f"{name}_example.c").is_file()
