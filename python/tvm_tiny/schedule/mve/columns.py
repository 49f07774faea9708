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
        T.reads(x[0 : x.shape[0]])
        T.writes(columns[0 : buffer.size])
        image = vr // window.rows_per_image * window.image_pitch
        line = vr % window.rows_per_image
        T.evaluate(
            T.call_extern(
                "int32",
                "tvm_tiny_mve_columns_small" if small else "tvm_tiny_mve_columns",
                columns.access_ptr("w"),
                x.access_ptr("r", offset=image),
                line * buffer.stride - buffer.top,
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
