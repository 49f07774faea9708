"""What an output channel needs besides its weights, side by side: one pointer to it instead of one to each array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from tvm import te, tirx

from tvm_tiny.schedule.dsp.requantization import Requantization

PARAMETERS = "parameters"


@dataclass(frozen=True)
class Column:
    """One of the parameters: indexed by the channel, like an array of its own."""

    tensor: te.Tensor
    index: int

    @property
    def shape(self) -> tuple[tirx.Expr]:
        """As that of the array that it stands for: (channels,)."""
        return (self.tensor.shape[0],)

    def __getitem__(self, channel: tirx.Expr) -> tirx.Expr:
        return self.tensor[channel, self.index]


def by_channel(arrays: Mapping[str, np.ndarray], channels: int) -> dict[str, np.ndarray]:
    """The int32 arrays with an element for each channel as one, (channels, roles); the others as they are.

    What lacks the channels that fill up a block is filled with zeros.
    """
    rows = {role: data for role, data in arrays.items() if _is_packed(data)}
    if not rows:
        return dict(arrays)
    packed = np.zeros((channels, len(rows)), np.int32)
    for index, data in enumerate(rows.values()):
        packed[: len(data), index] = data
    return {PARAMETERS: packed, **{role: data for role, data in arrays.items() if not _is_packed(data)}}


def columns_of(placeholders: Mapping[str, te.Tensor], requantize: Requantization, *first: str) -> dict[str, te.Tensor | Column]:
    """Role → what is indexed by the channel, for the placeholders of :func:`by_channel`; ``first`` are the roles before the
    requantisation's.
    """
    roles = [*first, *(role for role, data in requantize.constants.items() if _is_packed(data))]
    return {**placeholders, **{role: Column(placeholders[PARAMETERS], index) for index, role in enumerate(roles)}}


def _is_packed(data: np.ndarray) -> bool:
    return data.dtype == np.int32 and len(data) > 1
