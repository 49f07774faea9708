"""What the linker put where: the map that GNU ld writes."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class LinkedSection:
    """An input section that was kept: ``size`` bytes of ``source`` (an object file, "libc.a(memcpy.o)") in section ``output``."""

    output: str
    name: str
    size: int
    source: str

    @property
    def archive(self) -> bool:
        """True where it comes from a library."""
        return self.source.endswith(")") and ".a(" in self.source


_OUTPUT = re.compile(r"(\.\S+|/DISCARD/)(?:\s|$)")
_INPUT = re.compile(r" (?P<name>\.?[\w.$-]+)\s+0x(?P<address>[0-9a-f]+)\s+0x(?P<size>[0-9a-f]+)\s+(?P<source>\S.*)$")


def parse_link_map(text: str) -> list[LinkedSection]:
    """The kept input sections of a map file, in the order of their addresses. Padding is nobody's and is left out."""
    _, _, body = text.partition("Linker script and memory map")
    # A name too long for its column is followed by its numbers on the next line.
    body = re.sub(r"^( \.?[\w.$-]+)\n\s+(0x)", r"\1 \2", body, flags=re.MULTILINE)
    sections = []
    output = ""
    for line in body.splitlines():
        start = _OUTPUT.match(line)
        if start:
            output = start.group(1)
            continue
        found = _INPUT.match(line)
        if found and output != "/DISCARD/" and int(found["size"], 16) > 0:
            sections.append(LinkedSection(output, found["name"], int(found["size"], 16), found["source"]))
    return sections
