"""The rate is of candidates that were really measured, each time that they come."""

from __future__ import annotations

import pytest

from tvm_tiny import testing
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune import throughput
from tvm_tiny.tune.workload import workload_of

from .conftest import M4, convolution


@pytest.mark.usefixtures("faulty")
def test_a_repeated_workload_has_each_candidate_as_often() -> None:
    once = workload_of(convolution(), M4)
    many = throughput.repeated(once, 3 * once.size - 1)
    assert many.size == 3 * once.size
    assert many.key == once.key
    built = [throughput.built_anew(many, Decision("faulty", {"turns": 4, "fault": 0, throughput.AGAIN: turn})) for turn in range(3)]
    assert len({each.digest for each in built}) == 3
    assert {str(each.layer.func) for each in built} == {str(built[0].layer.func)}


@pytest.mark.slow
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    model = f"{testing.__path__[0]}/data/digits.onnx"
    throughput.main([model, "--candidates", "20", "--search", "random"])
    told = capsys.readouterr().out
    assert told.partition(": ")[2].startswith("20 candidates, 0 failed, ")
    assert int(told.split(" a minute")[0].split()[-1]) > 0
