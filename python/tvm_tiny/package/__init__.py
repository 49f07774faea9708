"""Compiled models as archives and firmware projects: one file per format, the texts that do not change as templates."""

from tvm_tiny.package.formats import FORMATS, Format, get_format
from tvm_tiny.package.part import Hardware, Part

__all__ = ["FORMATS", "Format", "Hardware", "Part", "get_format"]
