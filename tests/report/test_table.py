"""Tables."""

from __future__ import annotations

import pytest

from tvm_tiny.report.table import fields_text, markdown_table, shape_text, text_table


def test_columns_are_as_wide_as_their_widest_cell_and_numbers_stand_to_the_right():
    table = text_table(["layer", "MACs", "share"], [("conv", 1234567, 0.5), ("a longer name", None, 12.25)])
    assert table.splitlines() == [
        "layer               MACs  share",
        "-------------  ---------  -----",
        "conv           1,234,567    0.5",
        "a longer name          -  12.25",
    ]


def test_texts_and_truth_values_stand_to_the_left():
    assert text_table(["ready", "what"], [(True, "x"), (False, "y")]).splitlines()[2:] == ["yes    x", "no     y"]


def test_table_without_rows_is_its_headers():
    assert text_table(["a", "bc"], []) == "a  bc\n-  --"


def test_row_of_another_length_is_refused():
    for table in (text_table, markdown_table):
        with pytest.raises(ValueError, match="a row of 1 cells under 2 headers"):
            table(["a", "b"], [("x",)])


def test_markdown_marks_columns_of_numbers_and_keeps_bars_apart():
    assert markdown_table(["name", "size"], [("a|b", 4096), ("c", 1)]).splitlines() == [
        "| name | size |",
        "| --- | ---: |",
        "| a\\|b | 4,096 |",
        "| c | 1 |",
    ]


def test_fields_without_a_value_are_left_out():
    text = fields_text([("arena", "100 bytes", "of RAM"), ("stack", None, "measured"), ("layers", 12, "")])
    assert text.splitlines() == ["  arena   100 bytes  of RAM", "  layers  12"]


@pytest.mark.parametrize(("shape", "text"), [((1, 49, 10), "1 x 49 x 10"), ((4,), "4"), ((), "scalar")])
def test_shapes(shape: tuple[int, ...], text: str):
    assert shape_text(shape) == text
