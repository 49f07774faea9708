"""The CMSIS-Pack: the elements of its description in the schema's order, every file that it names there, and sources that build."""

from __future__ import annotations

import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from .conftest import Packager, call

DESCRIPTION = "tvm_tiny.alpha.pdsc"


@pytest.fixture
def pack(packaged: Packager, tmp_path: Path) -> Path:
    """The pack of both models, unpacked."""
    with zipfile.ZipFile(packaged("cmsis-pack")) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_the_description_has_what_the_schema_requires_in_its_order(pack: Path) -> None:
    """Open-CMSIS-Pack 1.7, PACK.xsd: the children of package, the required ones first."""
    root = ET.parse(pack / DESCRIPTION).getroot()

    assert root.tag == "package"
    assert [child.tag for child in root] == [
        "vendor",
        "name",
        "description",
        "url",
        "license",
        "releases",
        "keywords",
        "taxonomy",
        "conditions",
        "components",
    ]
    assert f"{root.findtext('vendor')}.{root.findtext('name')}.pdsc" == DESCRIPTION


def test_every_file_that_is_named_is_there(pack: Path) -> None:
    root = ET.parse(pack / DESCRIPTION).getroot()
    files = [(each.get("category"), pack / str(each.get("name"))) for each in root.iter("file")]

    assert len(files) == 2 * (2 + 1 + 3 + 2)
    assert all(path.is_dir() if category == "include" else path.is_file() for category, path in files)
    assert (pack / str(root.findtext("license"))).is_file()


def test_an_example_asks_for_its_model(pack: Path) -> None:
    root = ET.parse(pack / DESCRIPTION).getroot()
    models = {each.get("Csub") for each in root.iter("component") if each.get("Cgroup") == "Model"}
    wanted = {each.get("id"): each.find("require") for each in root.iter("condition")}

    assert models == {"alpha", "beta"}
    for component in root.iter("component"):
        if component.get("Cgroup") == "Example":
            require = wanted[component.get("condition")]
            assert require is not None
            assert require.get("Csub") == component.get("Csub")


def test_a_components_sources_compile_with_its_include_folders(pack: Path) -> None:
    root = ET.parse(pack / DESCRIPTION).getroot()
    for component in root.iter("component"):
        if component.get("Cgroup") == "Model":
            files = {(each.get("category"), str(each.get("name"))) for each in component.iter("file")}
            includes = [f"-I{name}" for category, name in files if category == "include"]
            for category, name in files:
                if category == "source":
                    call("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-O2", *includes, "-c", name, "-o", "object.o", cwd=pack)
