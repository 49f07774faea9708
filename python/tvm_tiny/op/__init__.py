"""The operators: what each computes, and the rule that makes it out of a quantised graph.

``RULES`` lists the rules in the order in which they are tried on a site, ``DIRECT_RULES`` those for calls on stored values that have
no quantize behind them. To add an operator, write one file (``conv2d.py`` is the pattern) and add its rule here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tvm_tiny.op import conv2d, depthwise_conv2d, fully_connected
from tvm_tiny.op.qdq import DirectSite, Site

if TYPE_CHECKING:
    from tvm import relax

Rule = Callable[[Site], "relax.Expr | None"]
DirectRule = Callable[[DirectSite], "relax.Expr | None"]

RULES: tuple[Rule, ...] = (
    conv2d.lower,
    depthwise_conv2d.lower,
    fully_connected.lower,
)

DIRECT_RULES: tuple[DirectRule, ...] = ()
