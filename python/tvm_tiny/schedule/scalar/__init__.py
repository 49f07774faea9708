"""Schedules for cores without SIMD (Cortex-M0, M0+ and M3), and those that any core falls back on."""

from tvm_tiny.schedule.scalar.any import ANY

__all__ = ["ANY"]
