"""A workload's design space for MetaSchedule.

One design space for each implementation: a trace that samples a value of every knob and annotates the output's block with the
implementation and the values. The candidate's code is not what these traces make of the module, but what the implementation makes
of the node with the annotated values (:mod:`tvm_tiny.tune.candidate`). So MetaSchedule searches, records and replays decisions, and
implementations stay plain functions.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.workload import Space, Tunable

if TYPE_CHECKING:
    import tvm
    from tvm import s_tir

IMPLEMENTATION, KNOB = "tvm_tiny.implementation", "tvm_tiny.knob."
_BLOCK = "output"


def label(decision: Decision) -> str:
    """A decision as text, the same for the same choices: "gemm(columns=4, rows=2)"."""
    values = ", ".join(f"{name}={value}" for name, value in sorted(decision.choices.items()))
    return f"{decision.implementation}({values})" if values else decision.implementation


def decision_of(schedule: s_tir.Schedule) -> Decision:
    """What a replayed trace has annotated."""
    return _from_annotations(schedule.get(schedule.get_sblock(_BLOCK)).annotations.items())


def decision_in(trace: Any) -> Decision:
    """What a trace in TVM's JSON says, read without TVM.

    Raises
    ------
    ValueError
        It is no trace of :func:`space_schedule`.
    """
    try:
        instructions, decisions = trace
        sampled = {}
        for index, choice in decisions:
            kind, _, attributes, outputs = instructions[index]
            if kind == "SampleCategorical":
                sampled[outputs[0]] = attributes[0][int(choice)]
        found = [(name, value) for kind, (_, value), (name,), _ in (each for each in instructions if each[0] == "Annotate")]
        return _from_annotations((name, sampled.get(value, value)) for name, value in found)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no trace of this package: {error}") from error


def _from_annotations(annotations: Any) -> Decision:
    values = {str(name): value for name, value in annotations}
    name = str(values[IMPLEMENTATION])
    choices = {key.removeprefix(KNOB): int(value) for key, value in values.items() if key.startswith(KNOB)}
    return Decision(json.loads(name) if name.startswith('"') else name, choices)


def space_schedule(module: tvm.IRModule, space: Space, decision: Decision | None = None) -> s_tir.Schedule:
    """The design space of one implementation, as a schedule with its trace; with ``decision``, at that point of it."""
    from tvm import s_tir

    schedule = s_tir.Schedule(module)
    block = schedule.get_sblock(_BLOCK)
    schedule.annotate(block, IMPLEMENTATION, space.implementation)
    for knob in space.knobs:
        chosen = None if decision is None else knob.values.index(decision.choices[knob.name])
        keep = 1.0 / len(knob.values) if space.keep is None else space.keep
        share = [keep, *[(1.0 - keep) / max(len(knob.values) - 1, 1)] * (len(knob.values) - 1)]
        schedule.annotate(block, KNOB + knob.name, schedule.sample_categorical(list(knob.values), share, decision=chosen))
    return schedule


def decided_schedule(workload: Tunable, module: tvm.IRModule, decision: Decision) -> s_tir.Schedule:
    """The schedule, with its trace, that stands for ``decision``."""
    space = next(space for space in workload.spaces if space.implementation == decision.implementation)
    return space_schedule(module, space, Decision(decision.implementation, {**space.default.choices, **decision.choices}))


def space_generator(workload: Tunable, seed: int) -> Any:
    """MetaSchedule's space generator for ``workload``, with a mutator."""
    from tvm.ir.utils import derived_object
    from tvm.s_tir.meta_schedule.mutator import PyMutator
    from tvm.s_tir.meta_schedule.space_generator import ScheduleFn

    @derived_object
    class ChangeOneChoice(PyMutator):
        """Another value for one of the knobs. (MetaSchedule's own mutators know tiles and unrolling.)"""

        def __init__(self, seed: int) -> None:
            super().__init__()
            self.seed = seed
            self.random = random.Random(seed)

        def _initialize_with_tune_context(self, _context: Any) -> None:
            pass

        def apply(self, trace: Any, _state: Any) -> Any:
            """A trace that differs in one decision, None where there is but one way."""
            open_ = [each for each in trace.insts if str(each.kind.name) == "SampleCategorical" and len(each.attrs[0]) > 1]
            if not open_:
                return None
            chosen = self.random.choice(open_)
            now = int(trace.get_decision(chosen))
            others = [index for index in range(len(chosen.attrs[0])) if index != now]
            return trace.with_decision(chosen, self.random.choice(others), remove_postproc=True)

        def clone(self) -> Any:
            return ChangeOneChoice(self.seed)

    def spaces(schedule: Any) -> Any:
        return [space_schedule(schedule.mod, space) for space in workload.spaces]

    return ScheduleFn(spaces, [], [], {ChangeOneChoice(seed): 1.0})
