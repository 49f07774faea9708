"""Where the loads of a kernel stand."""

from __future__ import annotations

from tvm_tiny.target import Core

ORDERS = ("together", "between")
"""Next to each other, for a core on which they overlap; or between products, for a core that takes two instructions at a time."""


def load_orders(core: Core) -> tuple[int, int]:
    """Indices of :data:`ORDERS`, the one that suits ``core`` first."""
    return (1, 0) if core.name == "cortex-m7" else (0, 1)
