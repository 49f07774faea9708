"""The figures about planners; ``compare(1000)`` is the same over more problems and takes some minutes."""

from tvm_tiny.memory.comparison import compare


def test_exact_is_the_smallest_and_mostly_proven():
    comparison = compare(30, time_limit=0.1)
    assert comparison.worse == 0
    assert comparison.proven > 15
    assert set(comparison.median_gap) == {"hill-climb", "greedy-by-conflicts", "greedy-by-size"}
    assert all(gap >= 0 for gap in comparison.median_gap.values())
    assert max(comparison.largest_gap.values()) > 0
