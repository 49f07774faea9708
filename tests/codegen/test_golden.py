"""The files around the layers, kept as they are emitted under tests/golden/interface: read the diff of a change.

After a change on purpose: ``python -m pytest tests/codegen/test_golden.py --update-golden``.
"""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Constant, Layer, Program, Scratch, Tensor

from ..conftest import ROOT
from .harness import write
from .programs import generated, tensor_table

FOLDER = ROOT / "tests" / "golden" / "interface"


def plain() -> Program:
    """A model as they come: one quantised input, one quantised output, and one that is a view of it."""
    weight = np.arange(-12, 24, dtype=np.int8).reshape(4, 3, 3, 1)
    return Program(
        "net",
        (TensorSpec("serving_default_x:0", (1, 5, 4, 1), "int8", 0.5847029, 83),),
        (TensorSpec("Identity", (1, 12), "int8", 1 / 256, -128), TensorSpec("Identity_1", (3, 4), "int8", 1 / 256, -128)),
        ("x",),
        ("y", "rows"),
        tensor_table(
            Tensor("x", (1, 5, 4, 1), "int8", "serving_default_x:0"),
            Tensor("features", (1, 3, 2, 4), "int8", "net/conv/Relu;net/bn/FusedBatchNorm;net/conv/Conv2D"),
            Tensor("y", (1, 12), "int8", "Identity"),
            Tensor("rows", (3, 4), "int8", "Identity_1"),
        ),
        (
            Layer(
                "conv2d_0",
                "conv2d",
                None,
                ("x",),
                ("features",),
                (Constant("conv2d_0_weight", weight), Constant("conv2d_0_bias", np.array([-70000, 12, 0, 3], np.int32))),
                (Scratch("padded", 18),),
                macs=216,
            ),
            Layer("softmax_1", "softmax", None, ("features",), ("y",), (Constant("softmax_1_scale", np.float32([0.1, 1e-9])),)),
        ),
        {"rows": "y"},
    )


NAMES = ("net.h", "net.c", "net_weights.h", "net_weights.c", "tvmgen_net.h", "tvmgen_net.c")


@pytest.mark.parametrize("name", NAMES)
def test_emitted_file(name: str, request: pytest.FixtureRequest) -> None:
    # The hash changes with every header of the runtime.
    text = re.sub(r'_CONTENT_HASH "[0-9a-f]{16}"', '_CONTENT_HASH "0123456789abcdef"', generated(plain()).files[name])
    golden = FOLDER / name
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert golden.is_file(), f"{golden} is missing: write it with --update-golden"
    assert text == golden.read_text()


def test_it_is_formatted_as_the_project_is(tmp_path: Path) -> None:
    """All but the arrays, which stand in columns, and the layers, which are the printer's."""
    write(generated(plain()), tmp_path)
    (tmp_path / ".clang-format").write_text((ROOT / ".clang-format").read_text())
    for name in ("net.h", "net_weights.h", "tvmgen_net.h", "tvmgen_net.c"):
        formatted = subprocess.run(["clang-format", tmp_path / name], capture_output=True, text=True, check=True).stdout
        assert formatted == (tmp_path / name).read_text()
    source = (tmp_path / "net.c").read_text()
    entry = tmp_path / "entry.c"
    entry.write_text(source[source.index("enum net_status net_run") :])
    formatted = subprocess.run(["clang-format", entry], capture_output=True, text=True, check=True).stdout
    assert formatted == entry.read_text()
