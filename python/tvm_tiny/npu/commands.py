"""The commands of the NPU as Python values. :mod:`tvm_tiny.npu.stream` makes bytes of them; src/npu reads and executes those.

A stream is a list of commands in an order in which they could run one after the other. Each goes to its unit's queue; a unit works
on its queue in order. What a command needs of another unit it says by ``waits``: it starts when those numbers of commands of each
unit, counted from the start of the stream, have completed. The array's loader fetches weights of the next command while the array
still works on the one before; it heeds only the wait for the DMA engine.

Addresses are bytes in SRAM. Activations are int8 with channels last. Multipliers, shifts and their roundings are TFLite's
(op/rounding.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Unit(IntEnum):
    """Who executes a command."""

    DMA = 0
    ARRAY = 1
    VECTOR = 2


class Requantization(IntEnum):
    """What is made of an accumulator, multiplier and shift.

    ``DOUBLE``: TFLite's doubling high multiply and rounding shift, each rounded (op/rounding.py "double").
    ``SINGLE``: ``(acc * multiplier + 2^(30 - shift) + nudge) >> (31 - shift)`` in 64 bits, and clamped there; the compiler proves
    where it is equal to another rounding, and chooses ``nudge``.
    """

    DOUBLE = 0
    SINGLE = 1


@dataclass(frozen=True)
class Waits:
    """Commands of each unit that must have completed, counted from the start of the stream.

    The array begins with a command before the results of its previous one have left the pipeline: a convolution that reads what an
    earlier one wrote waits for ``array`` too.
    """

    dma: int = 0
    array: int = 0
    vector: int = 0


@dataclass(frozen=True)
class Map:
    """A feature map in SRAM, or the rows of it that a rolling buffer holds: row y, column x, channel c lies at
    ``address + (y % buffer_rows) * row_bytes + x * pixel_bytes + c``.

    A map with all of its rows there has ``buffer_rows`` of its height; no command may read or write more rows at once than
    ``buffer_rows``. A slice of channels is a map with an ``address`` moved by
    the first of them.
    """

    address: int
    row_bytes: int
    pixel_bytes: int
    buffer_rows: int


@dataclass(frozen=True)
class Window:
    """How output pixels see input pixels. Outside the input, reads give ``pad_value``."""

    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    top: int = 0
    left: int = 0
    pad_value: int = 0


@dataclass(frozen=True)
class Clamp:
    """``zero_point`` is added to what is requantised, and the sum held within [low, high]."""

    zero_point: int = 0
    low: int = -128
    high: int = 127


@dataclass(frozen=True)
class Convolution:
    """Rows ``first_row`` to ``first_row + rows - 1`` of a convolution's output, all columns and ``channels`` of it, on the array.

    ``input_shape`` is (height, width, channels) of the whole input, ``output_width`` the columns of the output. A fully connected
    layer is a convolution with a kernel of 1 x 1; its batch is the width.

    The depth kh * kw * channels is cut into folds of ``depth_step`` <= N, in the order (kh, kw, c), the channels into folds of N /
    ``split``. ``weights`` is the address of the folds, one behind the other, for each fold of channels those of the depth; a fold
    is (rows of the array, columns) int8 with no gaps. Pixels are dealt to the ``split`` groups of columns in runs: the first T /
    split (rounded up) to the first, and so on. ``parameters`` is the address of 16 bytes for each channel: bias, multiplier, nudge,
    shift, all int32; a shift is -31 to 30. Accumulators wrap.

    The rows of the input that it reads and the rows of the output that it writes share no byte. rows * output_width / split pixels
    are at most as many as there are accumulators.

    With ``depthwise``, column c of the array works on channel c alone, its rows are taps; ``depth_step`` taps make a fold (taps,
    columns), ``channels`` are those of the input too, and ``split`` is 1.
    """

    layer: int
    input: Map
    input_shape: tuple[int, int, int]
    output: Map
    output_width: int
    channels: int
    first_row: int
    rows: int
    window: Window
    weights: int
    parameters: int
    depth_step: int
    clamp: Clamp
    requantization: Requantization = Requantization.DOUBLE
    split: int = 1
    depthwise: bool = False
    waits: Waits = Waits()
    unit = Unit.ARRAY


@dataclass(frozen=True)
class Elementwise:
    """TFLite's ADD, SUB or MUL of two maps, rows ``first_row`` on, on the vector unit.

    ``kind`` "add", "sub": op/add.py's TFLite arithmetic with the two operands' multipliers and shifts, LEFT_SHIFT of 20, and the
    output's; "mul": op/mul.py with rounding "double", the output's multiplier and shift only. The output may be one of the inputs,
    with the same map; otherwise they share no byte. An input with ``pixel_bytes`` of 0, or ``row_bytes`` too, is broadcast.
    """

    layer: int
    kind: str
    inputs: tuple[Map, Map]
    output: Map
    width: int
    channels: int
    first_row: int
    rows: int
    zero_points: tuple[int, int]
    multipliers: tuple[int, int]
    shifts: tuple[int, int]
    multiplier: int
    shift: int
    clamp: Clamp
    waits: Waits = Waits()
    unit = Unit.VECTOR


@dataclass(frozen=True)
class Pool:
    """Maximum or TFLite's average (op/average_pool2d.py with ``away``; padding does not count) of a window, on the vector unit.

    ``file_offset`` as there: 128 for tensors that are uint8 in the file. ``clamp`` has no zero point, ``window`` no pad value: what
    is pooled stays on its scale. Each window sees at least one element. Input and output share no byte.
    """

    layer: int
    kind: str  # "max" or "average"
    input: Map
    input_shape: tuple[int, int, int]
    output: Map
    output_width: int
    first_row: int
    rows: int
    window: Window
    clamp: Clamp
    file_offset: int = 0
    waits: Waits = Waits()
    unit = Unit.VECTOR


@dataclass(frozen=True)
class Lookup:
    """``output = table[input + 128]``; ``table`` is the address of 256 bytes. The output may be the input."""

    layer: int
    input: Map
    output: Map
    width: int
    channels: int
    first_row: int
    rows: int
    table: int
    waits: Waits = Waits()
    unit = Unit.VECTOR


@dataclass(frozen=True)
class Softmax:
    """TFLite's int8 softmax over the channels of each pixel; ``table`` is the address of 256 int32 (op/softmax.py "tflite")."""

    layer: int
    input: Map
    output: Map
    width: int
    channels: int
    first_row: int
    rows: int
    table: int
    clamp: Clamp
    waits: Waits = Waits()
    unit = Unit.VECTOR


@dataclass(frozen=True)
class Resize:
    """Copies: output (y, x) is input ((y * scale[0]) >> 16, (x * scale[1]) >> 16) less the padding, or ``pad_value`` outside.

    Nearest-neighbour resizing by fixed-point scales, and with scales of 1 << 16 a copy or a padded copy. Input and output share no
    byte.
    """

    layer: int
    input: Map
    input_shape: tuple[int, int, int]
    output: Map
    output_width: int
    first_row: int
    rows: int
    scales: tuple[int, int] = (1 << 16, 1 << 16)
    top: int = 0
    left: int = 0
    pad_value: int = 0
    waits: Waits = Waits()
    unit = Unit.VECTOR


@dataclass(frozen=True)
class Transfer:
    """``rows`` runs of ``row_length`` bytes between a region of off-chip memory and SRAM, by the DMA engine.

    Regions are those of the stream's header: 0 holds constants, the others are tensors of the host in the order of the job. Run i
    lies at ``offset + i * region_stride`` in the region, and in SRAM where row ``first_row + i`` of ``map`` begins.
    """

    layer: int
    to_sram: bool
    region: int
    offset: int
    region_stride: int
    map: Map
    first_row: int
    rows: int
    row_length: int
    waits: Waits = Waits()
    unit = Unit.DMA


Command = Convolution | Elementwise | Pool | Lookup | Softmax | Resize | Transfer


@dataclass(frozen=True)
class Region:
    """Off-chip memory that a stream reads or writes: ``size`` bytes; the host gives its address with each job."""

    name: str
    size: int
    written: bool = False


@dataclass(frozen=True)
class Stream:
    """A program of the NPU.

    It uses the first ``sram`` bytes of the SRAM. Those from ``cache`` on are the parameter cache: a ``load`` stream alone may write
    them. When it has run, the device's token is its ``token``; a run stream with the same token, which only reads the cache, is
    refused while the device has another. A stream with token 0 has no cache (``cache`` is ``sram``), and whatever the device had
    cached is gone after it. The driver runs the load stream when the device's token differs.
    """

    npu: str
    commands: tuple[Command, ...]
    regions: tuple[Region, ...]
    sram: int
    cache: int
    token: int = 0
    load: bool = False
    layers: tuple[str, ...] = ()
