"""The line buffer of a convolution as a block of a function: one call that fills it with the columns under a row of outputs."""

from __future__ import annotations

from tvm import tirx
from tvm.script.ir_builder import tirx as T

from tvm_tiny.schedule.mve.intrinsics import scratch
from tvm_tiny.schedule.mve.window import LineBuffer, Window


def columns_block(window: Window, x: tirx.Buffer, row: tirx.Var, small: bool) -> tirx.Buffer:
    """Emit the block "columns" for row ``row`` of the outputs; returns the line buffer, (size,) of int8.

    Its C function looks at a whole row of the image at a time to see whether it lies in the padding.
    """
    buffer = window.buffer
    assert isinstance(buffer, LineBuffer)
    columns = scratch("columns", (buffer.size,), "int8")
    with T.sblock("columns"):
        vr = T.axis.spatial(window.rows, row)
        image = vr // window.rows_per_image * window.image_pitch
        line = vr % window.rows_per_image
        first = line * buffer.stride - buffer.top
        last = first + (buffer.kernel - 1) * buffer.dilation
        T.reads(image_rows(x, image, first, last, (buffer.height, buffer.width * buffer.channels)))
        T.writes(columns[0 : buffer.size])
        T.evaluate(
            T.call_extern(
                "int32",
                "tvm_tiny_mve_columns_small" if small else "tvm_tiny_mve_columns",
                columns.access_ptr("w"),
                x.access_ptr("r", offset=image),
                first,
                (line == 0).astype("int32"),
                buffer.height,
                buffer.width,
                buffer.channels,
                buffer.kernel,
                buffer.dilation,
                buffer.left,
                buffer.columns,
                buffer.copied,
                buffer.pad_value,
                int(buffer.reaches_below(window.rows_per_image)),
            )
        )
    return columns


def image_rows(x: tirx.Buffer, image: tirx.Expr, first: tirx.Expr, last: tirx.Expr, size: tuple[int, int]) -> tirx.Expr:
    """Rows ``first`` to ``last`` of the image that begins at element ``image`` of ``x``, as far as there are such rows.

    That is what a block declares to read. ``size`` is the number of rows of the image, and of elements in each.
    """
    height, pitch = size
    low, high = tirx.max(first, 0), tirx.min(last + 1, height)
    return x[image + low * pitch : image + tirx.max(high, low) * pitch]
