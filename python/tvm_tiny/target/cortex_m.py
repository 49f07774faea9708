"""The Cortex-M cores: one row each. A new core is a new row."""

from tvm_tiny.target.core import Core

CORES: tuple[Core, ...] = (
    Core("c", "", "scalar", "double", ()),
    Core("cortex-m0", "cortex-m0", "scalar", "", ("-mcpu=cortex-m0", "-mthumb", "-mfloat-abi=soft")),
    Core("cortex-m0plus", "cortex-m0plus", "scalar", "", ("-mcpu=cortex-m0plus", "-mthumb", "-mfloat-abi=soft")),
    Core("cortex-m3", "cortex-m3", "scalar", "", ("-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft")),
    Core("cortex-m4", "cortex-m4", "dsp", "single", ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")),
    Core("cortex-m7", "cortex-m7", "dsp", "double", ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16")),
    Core("cortex-m33", "cortex-m33", "dsp", "single", ("-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16")),
    Core("cortex-m55", "cortex-m55", "mve", "double", ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")),
    # By its architecture, because GCC knows the name cortex-m85 only from version 13.
    Core("cortex-m85", "cortex-m85", "mve", "double", ("-march=armv8.1-m.main+mve.fp+fp.dp", "-mthumb", "-mfloat-abi=hard")),
)
