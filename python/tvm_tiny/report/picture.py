"""What the pictures of reports share: how a figure is made and written, and its inks."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.errors import OutputError
from tvm_tiny.testing.reference import missing_package

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT, LINE = "#222222", "#9a9a9a", "#b0b0b0"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of ``width`` × ``height`` inches.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing_package("matplotlib", "plot") from None
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    return figure


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write ``figure`` as PNG; the same drawing gives the same file.

    Raises
    ------
    OutputError
        ``path`` cannot be written.
    """
    data = png(figure)
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise OutputError(
            f"cannot write the picture {path}: {error.strerror or error}", "choose a place that can be written"
        ) from error
    return Path(path)


def png(figure: Figure) -> bytes:
    """``figure`` as a PNG file, without matplotlib's name and version."""
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=150, metadata={"Software": None})
    return picture.getvalue()
