"""The four networks of MLPerf Tiny: proven optimal within the two seconds that a compilation takes by default."""

from time import process_time

import pytest

from .networks import NETWORKS, deep, network
from .problems import mistakes, sizes

# Bytes at an alignment of 16: alone, and with outputs that run over inputs.
EXPECTED = {"kws": (16416, 10560), "vww": (55344, 39376), "ic": (52960, 37600), "ad": (1024, 1024)}


@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_optimum_is_proven(name: str, relaxed: bool):
    problem = network(*NETWORKS[name](), relaxed=relaxed, alignment=16)
    start = process_time()
    placed = problem.place("exact", time_limit=2)
    assert process_time() - start < 2
    assert list(mistakes(problem, placed)) == []
    assert placed.optimal
    assert sizes(problem, placed) == [placed.bound] == [EXPECTED[name][relaxed]]


@pytest.mark.parametrize("seed", range(3))
def test_network_of_500_layers_takes_less_than_ten_seconds(seed: int):
    problem = network(*deep(seed, 500), relaxed=True, alignment=16)
    start = process_time()
    placed = problem.place("exact", time_limit=2)
    assert process_time() - start < 10
    assert list(mistakes(problem, placed)) == []
    assert placed.bound <= sizes(problem, placed)[0] <= 1.01 * placed.bound


def test_more_overlap_never_needs_more():
    for name, build in NETWORKS.items():
        alone, relaxed = (network(*build(), relaxed=flag, alignment=16).place("exact") for flag in (False, True))
        assert relaxed.bound <= alone.bound, name
