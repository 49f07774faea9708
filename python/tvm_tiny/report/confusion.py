"""The confusion matrix of a classifier: how often each class was taken for which, as numbers and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.report.picture import FAINT, INK, LINE, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RIGHT, _WRONG = "Blues", "Oranges"
# An error must be seen however rare it is: shades begin here instead of at white.
_PALEST = 0.25
_DARK = 0.6


def confusion_matrix(actual: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How many samples of each class (rows) were predicted as each class (columns).

    Parameters
    ----------
    actual, predicted : numpy.ndarray
        Classes as integers in 0 to ``classes`` - 1, both of shape (samples,).

    Returns
    -------
    numpy.ndarray
        (classes, classes) int64; its diagonal counts what is right.

    Raises
    ------
    ValueError
        The shapes differ, the dtypes are not integers, or a class lies out of range.
    """
    actual, predicted = np.asarray(actual), np.asarray(predicted)
    if actual.ndim != 1 or actual.shape != predicted.shape:
        raise ValueError(f"expected two vectors of one length, found the shapes {actual.shape} and {predicted.shape}")
    for values in (actual, predicted):
        if values.dtype.kind not in "iu":
            raise ValueError(f"expected classes as integers, found {values.dtype}")
        if values.size and not 0 <= values.min() <= values.max() < classes:
            raise ValueError(f"expected classes in 0 to {classes - 1}, found {values.min()} to {values.max()}")
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (actual, predicted), 1)
    return counts


def plot_confusion(matrix: np.ndarray, path: str | Path, *, title: str, names: Sequence[str] | None = None) -> Path:
    """Draw a confusion matrix as PNG: right answers in blue, errors in orange, each row shaded by its shares.

    Parameters
    ----------
    matrix : numpy.ndarray
        (classes, classes) counts, rows are the actual classes: see :func:`confusion_matrix`.
    title : str
        Stands above the picture; a second line tells how many are right.
    names : sequence of str, optional
        Of the classes; their numbers by default.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    OutputError
        ``path`` cannot be written.
    ValueError
        ``matrix`` is not square, or has another number of classes than ``names``.
    """
    classes = len(matrix)
    labels = [str(each) for each in range(classes)] if names is None else list(names)
    if matrix.shape != (classes, classes) or len(labels) != classes:
        raise ValueError(f"expected a square matrix and a name for each class, found {matrix.shape} and {len(labels)} names")
    side = 2.2 + 0.48 * classes
    figure = new_figure(side, side + 0.4)
    axes = figure.add_subplot()
    _draw_cells(axes, matrix)
    _draw_frame(axes, labels)
    right, total = int(np.trace(matrix)), int(matrix.sum())
    share = f" ({right / total:.1%})" if total else ""
    axes.set_title(f"{title}\n{right:,} of {total:,} right{share}", fontsize=12, color=INK, pad=12)
    return save_figure(figure, path)


def _draw_cells(axes: Axes, matrix: np.ndarray) -> None:
    import matplotlib

    rows = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, rows, out=np.zeros(matrix.shape), where=rows > 0)
    colours = np.ones((*matrix.shape, 4))
    for row, column in zip(*np.nonzero(matrix), strict=True):
        colour_map = matplotlib.colormaps[_RIGHT if row == column else _WRONG]
        colours[row, column] = colour_map(_PALEST + (0.95 - _PALEST) * shares[row, column])
    axes.imshow(colours)
    for row, column in np.ndindex(*matrix.shape):
        count = int(matrix[row, column])
        ink = FAINT if count == 0 else "white" if shares[row, column] > _DARK else INK
        weight = "bold" if count and row != column else "normal"
        axes.text(column, row, f"{count:,}" if count else "·", ha="center", va="center", color=ink, weight=weight, fontsize=11)


def _draw_frame(axes: Axes, labels: Sequence[str]) -> None:
    places = np.arange(len(labels))
    axes.set_xticks(places, labels, rotation=45 if max(map(len, labels), default=0) > 4 else 0)
    axes.set_yticks(places, labels)
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("actual", color=INK)
    axes.set_xticks(places[:-1] + 0.5, minor=True)
    axes.set_yticks(places[:-1] + 0.5, minor=True)
    axes.grid(which="minor", color="#e4e4e4", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_color(LINE)
