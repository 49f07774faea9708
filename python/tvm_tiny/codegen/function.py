"""A layer's function in C, in pieces, so that layers can be compared before they are written."""

from __future__ import annotations

from dataclasses import dataclass

from tvm_tiny.codegen.text import comment
from tvm_tiny.codegen.wrap import WIDTH, wrapped


@dataclass(frozen=True)
class Function:
    """A static C function.

    Attributes
    ----------
    name : str
        The C name.
    parameters : tuple of str
        Declarations, "const int8_t *restrict x".
    statements : tuple of str
        The body's lines, indented, however long.
    comments : tuple of str
        Lines in front of it; any text.
    needs_libm : bool
        True where it calls <math.h>.
    inline : bool
        True where it is part of the function behind it, the only one that calls it.
    returns : str
        The type of its result.
    """

    name: str
    parameters: tuple[str, ...]
    statements: tuple[str, ...]
    comments: tuple[str, ...] = ()
    needs_libm: bool = False
    inline: bool = False
    returns: str = "void"

    @property
    def text(self) -> str:
        """The definition, lines broken where they are too long."""
        lines = [comment(text) for text in self.comments if text]
        lines += [f"{self._signature()} {{", *(piece for line in self.statements for piece in wrapped(line)), "}", ""]
        return "\n".join(lines)

    def _signature(self) -> str:
        head = f"static {'' if self.inline else 'TVM_TINY_NOINLINE '}{self.returns} {self.name}("
        if len(head) + len(", ".join(self.parameters)) + 3 <= WIDTH:
            return f"{head}{', '.join(self.parameters)})"
        return head + (",\n" + " " * len(head)).join(self.parameters) + ")"
