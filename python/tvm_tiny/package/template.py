"""Texts of packages that are files: ``templates/<format>/<file>``, in which ``@name@`` stands for what differs."""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "templates"
_PLACE = re.compile(r"@(\w+)@")


def render(path: str, **values: str | int) -> str:
    """The template ``path`` with ``values`` in their places.

    Raises
    ------
    KeyError
        The template has a place for which there is no value, or a value has no place: a mistake of the format's file.
    """
    text = (_FOLDER / path).read_text(encoding="utf-8")
    unused = set(values) - set(_PLACE.findall(text))
    if unused:
        raise KeyError(f"the template {path} has no place for {', '.join(sorted(unused))}")
    return _PLACE.sub(lambda place: str(values[place[1]]), text)
