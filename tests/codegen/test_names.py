import pytest

from tvm_tiny.codegen.names import KEYWORDS, c_prefix, member_names, microtvm_names


def members(*names: str) -> tuple[str, ...]:
    return member_names(names, [f"input_{index}" for index in range(len(names))])


def microtvm(*names: str) -> tuple[str, ...]:
    return microtvm_names(names, [f"input_{index}" for index in range(len(names))])


@pytest.mark.parametrize(
    ("tensor", "member"),
    [
        ("serving_default_x:0", "serving_default_x_0"),
        ("Identity", "identity"),
        ("StatefulPartitionedCall/model/dense/BiasAdd", "statefulpartitionedcall_model_dense_biasadd"),
        ("21", "m_21"),
        ("int", "int_"),
        ("Class", "class_"),
        ("arena", "arena_"),  # KWS_ARENA_SIZE is the arena's
        ("weights", "weights_"),
        ("size_t", "size_t_"),
        ("tvm_tiny_clamp", "m_tvm_tiny_clamp"),
        ("linux", "linux_"),  # a macro of gcc in its gnu modes
        ("", "input_0"),
        ("//", "input_0"),
        ("입력", "input_0"),
        ("données", "donn_es"),
    ],
)
def test_members(tensor: str, member: str) -> None:
    assert members(tensor) == (member,)


def test_members_are_unique() -> None:
    assert members("x", "X", "x:", "x_2") == ("x", "x_2", "x_3", "x_2_2")
    assert members("int", "int_", "", "input_2") == ("int_", "int__2", "input_2", "input_2_2")


@pytest.mark.parametrize(
    ("tensor", "member"),
    [
        ("serving_default_x:0", "serving_default_x_0"),
        ("Identity", "Identity"),
        ("StatefulPartitionedCall:0", "StatefulPartitionedCall_0"),
        ("input+1", "input_1"),
        ("model/dense/BiasAdd", "model_dense_BiasAdd"),
        ("_x_", "_x_"),
        ("21", "m_21"),  # microTVM's own name was no C
        ("NULL", "NULL_"),
        ("new", "new_"),
        ("workspace", "workspace_"),  # TVMGEN_KWS_WORKSPACE_SIZE is the workspace's
    ],
)
def test_microtvm_members(tensor: str, member: str) -> None:
    assert microtvm(tensor) == (member,)


def test_microtvm_members_are_unique_macros() -> None:
    assert microtvm("x", "X", "x+", "x-") == ("x", "X_2", "x_", "x__2")


def test_no_member_is_a_keyword() -> None:
    for name in KEYWORDS:
        assert not {*members(name, name), *microtvm(name, name)} & KEYWORDS


def test_prefix_that_would_hide_a_standard_header() -> None:
    assert c_prefix("kws") == "kws"
    assert c_prefix("string") == "string_model"
    assert c_prefix("time") == "time_model"
    assert c_prefix("tvm_tiny") == "tvm_tiny_model"
    assert c_prefix("tvm_tiny_requantize") == "m_tvm_tiny_requantize"
