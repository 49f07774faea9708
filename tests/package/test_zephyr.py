"""The Zephyr module: Kconfig parses, module.yml is what Zephyr's build looks for, and its CMake builds the models.

There is no Zephyr tree in the registries. Its CMake functions are stood in for by ones that do the same with a plain library.
"""

from __future__ import annotations

from pathlib import Path

import kconfiglib
import pytest
import yaml

from .conftest import Packager, call

# Zephyr's functions, and the variables that Kconfig gives.
_ZEPHYR = """
cmake_minimum_required(VERSION 3.20)
set(CMAKE_TOOLCHAIN_FILE {toolchain})
set(TVM_TINY_CORE cortex-m4)
project(zephyr_stand_in C)
add_library(zephyr INTERFACE)
function(zephyr_include_directories)
  target_include_directories(zephyr INTERFACE ${{ARGV}})
endfunction()
macro(zephyr_library_named name)
  set(current ${{name}})
  add_library(${{name}} STATIC)
  target_link_libraries(${{name}} PRIVATE zephyr)
endmacro()
macro(zephyr_library_sources)
  target_sources(${{current}} PRIVATE ${{ARGV}})
endmacro()
macro(zephyr_library_compile_options)
  target_compile_options(${{current}} PRIVATE ${{ARGV}})
endmacro()
set(CONFIG_TVM_TINY_ALPHA y)
add_subdirectory({module} module)
"""


def test_module_yml_names_what_is_there(packaged: Packager) -> None:
    module = packaged("zephyr")
    description = yaml.safe_load((module / "zephyr/module.yml").read_text())

    assert description["name"] == "tvm_tiny_alpha"
    assert (module / description["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (module / description["build"]["kconfig"]).is_file()
    assert all((module / folder).is_dir() for folder in description["samples"])


def test_kconfig_has_an_option_for_each_model(packaged: Packager) -> None:
    config = kconfiglib.Kconfig(str(packaged("zephyr") / "Kconfig"), warn_to_stderr=False)

    assert {"TVM_TINY_ALPHA", "TVM_TINY_BETA"} <= set(config.syms)
    assert config.syms["TVM_TINY_ALPHA"].type == kconfiglib.BOOL
    assert not config.warnings


def test_cmake_builds_the_models_that_are_switched_on(packaged: Packager, tmp_path: Path) -> None:
    toolchain = Path(__file__).parents[2] / "cmake/arm-none-eabi.cmake"
    (tmp_path / "CMakeLists.txt").write_text(_ZEPHYR.format(toolchain=toolchain, module=packaged("zephyr")))
    call("cmake", "-S", ".", "-B", "build", cwd=tmp_path)
    call("cmake", "--build", "build", cwd=tmp_path)

    assert (tmp_path / "build/module/libalpha.a").is_file()
    assert not (tmp_path / "build/module/libbeta.a").exists()


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_each_model_has_a_sample(packaged: Packager, name: str) -> None:
    sample = packaged("zephyr") / "samples" / name

    assert f"CONFIG_TVM_TINY_{name.upper()}=y" in (sample / "prj.conf").read_text()
    tests = yaml.safe_load((sample / "sample.yaml").read_text())["tests"]
    assert list(tests) == [f"sample.tvm_tiny.{name}"]
    sources = [word for word in (sample / "CMakeLists.txt").read_text().replace(")", " ").split() if word.endswith(".c")]
    assert sources
    assert all((sample / source).is_file() for source in sources)
