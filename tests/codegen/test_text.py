import numpy as np
import pytest

from tvm_tiny.codegen.text import comment, parameter_list, scale_literal, tensor_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "/* plain */"),
        ("a */ int x; /* b", "/* a * / int x; / * b */"),
        ("*/*/", "/* * / * / */"),
        ("//**//", "/* // ** // */"),
        ("line\nbreak\\\ttab", "/* line?break\\?tab */"),
        ("größe", "/* gr??e */"),
    ],
)
def test_comment_cannot_be_left(text: str, expected: str) -> None:
    assert comment(text) == expected


def test_long_comments_are_cut() -> None:
    line = comment("x" * 300, "  ")
    assert len(line) == 120
    assert line.endswith("xxx... */")


def test_tensor_text() -> None:
    assert tensor_text((1, 25, 5, 64), "int8") == "1x25x5x64 int8"
    assert tensor_text((), "float32") == "scalar float32"


@pytest.mark.parametrize(
    "scale", [0.0235294122248888, 1 / 256, 1.0, 1e-7, 3.4e38, 1e10, float(np.nextafter(np.float32(0), np.float32(1)))]
)
def test_scale_literal_gives_the_same_float_back(scale: float) -> None:
    text = scale_literal(scale)
    assert text.endswith("f")
    assert "." in text or "e" in text
    assert np.float32(text[:-1]) == np.float32(scale)


@pytest.mark.parametrize("scale", [0.0, -0.5, float("inf"), float("nan"), 1e-60])
def test_scale_that_is_none(scale: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        scale_literal(scale)


def test_parameter_list() -> None:
    assert parameter_list("int f", ["void"]) == "int f(void)"
    assert parameter_list("int f", ["int a", "int b"]) == "int f(int a, int b)"
    long = parameter_list("int function", [f"const struct parameters *parameter_{index}" for index in range(4)])
    assert long.splitlines() == [
        "int function(const struct parameters *parameter_0, const struct parameters *parameter_1,",
        "             const struct parameters *parameter_2, const struct parameters *parameter_3)",
    ]
