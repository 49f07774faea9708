"""Required rules of MISRA C:2012 in what packages have besides models: their mains, examples and start-up code."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from ..codegen.test_misra import findings, undocumented
from .conftest import Packager


def test_the_firmware_of_the_cmake_package(packaged: Packager) -> None:
    project = packaged("cmake")
    sources = ["main.c", *sorted(path.relative_to(project).as_posix() for path in project.glob("firmware/*.c"))]
    examples = [f"models/{name}/{name}_example.c" for name in ("alpha", "beta")]
    folders = ("runtime", "firmware", "models/alpha", "models/beta")

    assert len(sources) > 3
    assert not undocumented(findings(project, [*(f"-I{each}" for each in folders), *sources, *examples], "cortex-m4"))


@pytest.mark.parametrize("form", ["mlf", "zephyr", "esp-idf"])
def test_the_mains_of_other_formats(packaged: Packager, form: str, tmp_path: Path) -> None:
    """Arduino and PlatformIO have theirs in C++; CMSIS-Pack has none. Their examples are the same."""
    folder, sources = tmp_path / form, [f"{form}/main.c"]
    if form == "mlf":
        with tarfile.open(packaged(form)) as tar:
            tar.extractall(folder)
        (folder / "templates/main.c.template").rename(folder / "main.c")
        headers = ("codegen/host/include", "runtime/include")
    else:
        shutil.copytree(packaged(form), folder)
        (main,) = folder.glob("*/alpha/*/main.c")
        headers = (main.parent.relative_to(folder).as_posix(), "models/alpha", "runtime")
        shutil.copy(main, folder / "main.c")
        sources.append((main.parent / "alpha_example.c").relative_to(tmp_path).as_posix())

    assert not undocumented(findings(tmp_path, [*(f"-I{form}/{each}" for each in headers), *sources], "cortex-m4"))
