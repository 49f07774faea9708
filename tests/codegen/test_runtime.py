import re

import pytest

from tvm_tiny.codegen.runtime import BASIC, header_files, headers_for
from tvm_tiny.resources import runtime_dir


def test_only_what_is_used_is_included() -> None:
    assert headers_for("int x;") == BASIC
    text = "y[i] = (int8_t)tvm_tiny_clamp(tvm_tiny_requantize(acc, m, s), -128, 127);"
    assert headers_for(text) == (
        "tvm_tiny/runtime/compiler.h",
        "tvm_tiny/runtime/integer.h",
        "tvm_tiny/runtime/requantize.h",
        "tvm_tiny/runtime/trace.h",
    )


def test_functions_that_a_macro_defines_for_several_types() -> None:
    assert "tvm_tiny/runtime/scalar.h" in headers_for("tvm_tiny_max_f32(a, b)")
    assert "tvm_tiny/runtime/scalar.h" in headers_for("tvm_tiny_min_i32(a, b)")


def test_every_symbol_of_the_runtime_is_found() -> None:
    for path in runtime_dir().rglob("*.h"):
        for function in re.findall(r"^static inline \w+ (tvm_tiny_\w+)\(", path.read_text(), re.M):
            assert path.relative_to(runtime_dir()).as_posix() in headers_for(f"{function}(x)")


def test_unknown_symbol() -> None:
    with pytest.raises(LookupError, match="tvm_tiny_nonsense"):
        headers_for("tvm_tiny_nonsense(1)")


def test_included_headers_come_along() -> None:
    files = header_files(["tvm_tiny/runtime/requantize.h"])
    assert list(files) == [f"tvm_tiny/runtime/{name}.h" for name in ("fixed_point", "integer", "requantize")]
    for text in files.values():
        for included in re.findall(r'#include "(.*)"', text):
            assert included in files
