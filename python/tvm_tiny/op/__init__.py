"""The operators: what each computes, and the rule that makes it out of a quantised graph.

``RULES`` lists the rules in the order in which they are tried on a site, ``DIRECT_RULES`` those for calls on stored values that
have no quantize behind them. To add an operator, write one file (``conv2d.py`` is the pattern) and add its rule here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tvm_tiny.op import (
    add,
    average_pool2d,
    concatenate,
    conv2d,
    depthwise_conv2d,
    fully_connected,
    lookup,
    max_pool2d,
    mean,
    moves_direct,
    mul,
    pad,
    reduce_max,
    softmax,
)
from tvm_tiny.op.qdq import DirectSite, Site

if TYPE_CHECKING:
    from tvm import relax

Rule = Callable[[Site], "relax.Expr | None"]
DirectRule = Callable[[DirectSite], "relax.Expr | None"]

RULES: tuple[Rule, ...] = (
    conv2d.lower,
    depthwise_conv2d.lower,
    fully_connected.lower,
    softmax.lower,
    average_pool2d.lower,
    max_pool2d.lower,
    mean.lower,
    reduce_max.lower,
    pad.lower,
    concatenate.lower,
    lookup.lower,  # any elementwise function of one tensor: before those of two, after whatever has a form of its own
    add.lower,
    mul.lower,
)

DIRECT_RULES: tuple[DirectRule, ...] = (
    max_pool2d.lower_direct,
    reduce_max.lower_direct,
    pad.lower_direct,
    concatenate.lower_direct,
    lookup.lower_direct,
    moves_direct.lower_direct,
)
