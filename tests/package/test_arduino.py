"""The Arduino library: its properties follow the specification, and sketch and sources compile as Arduino compiles them."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import Packager, call

# What of Arduino's core the sketch uses.
_CORE = """
struct Serial_ {
  void begin(long) {}
  explicit operator bool() const { return true; }
  void print(const char *) {}
  void print(unsigned long) {}
  void println(const char *) {}
};
static Serial_ Serial;
inline unsigned long micros() { return 0; }
"""
_REQUIRED = ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures")
_CATEGORIES = ("Data Processing",)  # of those that the specification lists


def test_properties_follow_the_specification(packaged: Packager) -> None:
    """Arduino's library specification, revision 2.2: fields, the form of names and versions, the list of categories."""
    lines = (packaged("arduino") / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)

    assert all(properties.get(key) for key in _REQUIRED)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["category"] in _CATEGORIES
    assert all((packaged("arduino") / "src" / header).is_file() for header in properties["includes"].split(","))


def test_sources_and_sketch_compile_as_arduino_compiles_them(packaged: Packager, tmp_path: Path) -> None:
    """Everything below src, with src as the only include folder; the sketch as C++ behind Arduino.h, examples beside it as C."""
    library = packaged("arduino")
    flags = ("-mcpu=cortex-m4", "-mthumb", "-Os", "-w", f"-I{library / 'src'}", f"-I{library / 'examples/alpha'}")
    sources = [*sorted((library / "src").rglob("*.c")), library / "examples/alpha/alpha_example.c"]
    assert len(sources) == 2 * 3 + 1
    for source in sources:
        call("arm-none-eabi-gcc", *flags, "-std=gnu11", "-c", source, "-o", tmp_path / f"{source.stem}.o", cwd=tmp_path)

    (tmp_path / "Arduino.h").write_text(_CORE)
    sketch = '#include "Arduino.h"\n' + (library / "examples/alpha/alpha.ino").read_text()
    (tmp_path / "alpha.ino.cpp").write_text(sketch)
    call("arm-none-eabi-g++", *flags, "-std=gnu++11", "-c", "alpha.ino.cpp", "-o", "sketch.o", cwd=tmp_path)
