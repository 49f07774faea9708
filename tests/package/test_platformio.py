"""The PlatformIO library: PlatformIO's own packer reads and takes it, and what it names is there."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from .conftest import Packager, call


def test_platformio_packs_it(packaged: Packager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORMIO_SETTING_ENABLE_TELEMETRY", "no")
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    call("pio", "pkg", "pack", packaged("platformio"), "--output", tmp_path / "packed.tar.gz", cwd=tmp_path)

    with tarfile.open(tmp_path / "packed.tar.gz") as archive:
        assert {"library.json", "src/alpha.c", "src/beta.h"} <= set(archive.getnames())


def test_the_manifest_names_what_is_there(packaged: Packager) -> None:
    library = packaged("platformio")
    manifest = json.loads((library / "library.json").read_text())

    assert all((library / "src" / header).is_file() for header in manifest["headers"])
    for example in manifest["examples"]:
        assert all((library / example["base"] / name).is_file() for name in example["files"])


def test_sources_compile_with_the_manifests_flags(packaged: Packager, tmp_path: Path) -> None:
    library = packaged("platformio")
    flags = json.loads((library / "library.json").read_text())["build"]["flags"]
    for source in sorted((library / "src").rglob("*.c")):
        call("arm-none-eabi-gcc", "-mcpu=cortex-m4", *flags, f"-I{library / 'src'}", "-c", source, "-o", "object.o", cwd=tmp_path)
