"""The kinds of places that a window takes, and what is inside at each."""

from __future__ import annotations

import numpy as np

from tvm_tiny.transform.taps import inside_taps, taps


def test_without_padding_everything_is_inside() -> None:
    found = taps((5, 6), (3, 3), (1, 1), (1, 1), (0, 0, 0, 0))
    assert found.classes.shape == (1, 3, 3)
    assert found.classes.all()


def test_a_border_of_one_makes_three_classes_along_each_axis() -> None:
    found = taps((5, 6), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
    assert found.classes.shape == (9, 3, 3)
    assert sorted(found.rows.tolist()) == [[False, True, True], [True, True, False], [True, True, True]]


def test_a_stride_can_keep_the_window_from_the_far_border() -> None:
    # 6 rows in steps of 2: the last window covers rows 3 to 5.
    assert inside_taps(6, 3, 2, 1, 1, 0).tolist() == [[False, True, True], [True, True, True], [True, True, True]]


def test_dilation_leaves_gaps() -> None:
    # Taps at -1, 1, 3 and so on: the first place misses one row.
    assert inside_taps(4, 3, 1, 2, 1, 1).tolist() == [[False, True, True], [True, True, False]]


def test_sums_take_the_padding_where_a_tap_is_outside() -> None:
    rng = np.random.default_rng(0)
    inside, outside = rng.integers(-9, 9, (2, 3, 3, 4))
    found = taps((2, 5), (3, 3), (1, 2), (1, 1), (1, 0, 1, 1))
    expected = []
    for rows in found.rows:
        for columns in found.columns:
            mask = np.outer(rows, columns)[..., None]
            expected.append(np.where(mask, inside, outside).sum(axis=(0, 1)))
    assert np.array_equal(found.sums(inside, outside), expected)
