"""A compiled model: its C, its report, and how to run it on a board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvm_tiny.board import get_board
from tvm_tiny.board.arena_check import ArenaCheck
from tvm_tiny.board.base import Board, RunResult
from tvm_tiny.codegen import store
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import ArenaError, BoardError, InputError
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.model import Model, TensorSpec
from tvm_tiny.report.floats import Remark, float_layers
from tvm_tiny.report.summary import summary, with_run

Sample = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Run:
    """A run on a board: what came back, and the report with its measurements."""

    result: RunResult
    report: dict[str, Any]

    @property
    def outputs(self) -> Sequence[dict[str, np.ndarray]]:
        """For each sample, output name → array of the output's shape and dtype."""
        return self.result.outputs


@dataclass(frozen=True)
class CompiledModel:
    """What :func:`tvm_tiny.compile` returns.

    Attributes
    ----------
    module : CModule
        The generated C.
    report : dict
        What ``report.json`` holds.
    optimize : str
        "speed", "size" or "ram"; how the C is to be compiled.
    """

    module: CModule
    report: dict[str, Any]
    optimize: str = "speed"

    @classmethod
    def of(
        cls,
        model: Model,
        module: CModule,
        plan: MemoryPlan,
        optimize: str,
        remarks: Sequence[Remark],
        on_core: Sequence[Remark] = (),
    ) -> CompiledModel:
        """From the pieces that the compiler made; ``on_core`` tells of what an NPU does not compute, and why."""
        report = {
            **summary(module, plan, float_layers(module, remarks)),
            "optimize": optimize,
            "format": model.source_format,
            "on_core": [{"operator": each.operator, "tensor": each.tensor, "reason": each.reason} for each in on_core],
        }
        return cls(module, report, optimize)

    @classmethod
    def load(cls, folder: str | Path) -> CompiledModel:
        """The compiled model that :meth:`save` wrote into ``folder``.

        Raises
        ------
        ModelError
            There is none, or not a whole one.
        """
        module, report = store.load(Path(folder))
        return cls(module, report, str(report.get("optimize", "speed")))

    def save(self, folder: str | Path) -> Path:
        """Write the C and ``report.json`` into ``folder``, all or nothing.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        store.save(self.module, self.report, Path(folder))
        return Path(folder)

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Specifications of the inputs, in the order of the file."""
        return self.module.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Specifications of the outputs, in the order of the file."""
        return self.module.outputs

    def run(
        self, inputs: Sample | Sequence[Sample], *, board: str | Board = "host", trace: bool = False, check_arena: bool = False
    ) -> Run:
        """Build the C for ``board`` and run one inference for each sample of ``inputs``.

        With ``check_arena`` the same is first done in a build that compares the whole arena, and guards around it, before and after
        each layer: a layer may change its outputs and its scratch memory, and no other byte.

        Parameters
        ----------
        inputs : dict or sequence of dict
            Input name → array of the input's shape and dtype, for one sample or several.

        Raises
        ------
        InputError
            A name, shape or dtype is not the model's.
        ArenaError
            With ``check_arena``: a layer wrote elsewhere; says which one, and where.
        BoardError, ToolchainError, CapacityError
            The board cannot build, load or finish it.
        """
        samples = [inputs] if isinstance(inputs, Mapping) else list(inputs)
        checked = [checked_sample(self.inputs, sample, index) for index, sample in enumerate(samples)]
        device = get_board(board) if isinstance(board, str) else board
        check = self._check_arena(device, checked) if check_arena else None
        image = device.build(self.module, optimize=self.optimize, trace=trace)
        result = device.run(image, checked)
        return Run(result, with_run(self.report, device.name, image, result, check))

    def _check_arena(self, device: Board, samples: Sequence[Sample]) -> ArenaCheck:
        """Nothing was touched, or an ArenaError tells what."""
        check = device.run(device.build(self.module, optimize=self.optimize, check_arena=True), samples).arena_check
        if check is None:
            raise BoardError(f"{device.name} cannot check the arena", "choose an emulated board or the host")
        if check.touched:
            more = len(check.touched) - 1
            also = f"; {more:,} more such findings are in the report" if more else ""
            raise ArenaError(
                f"{self.module.name} on {device.name}: {check.touched[0].sentence()}{also}",
                "this is a mistake of the compiler: report it with the model",
                {**self.report, "board": device.name, "arena_check": check.report()},
            )
        return check


def checked_sample(specs: Sequence[TensorSpec], sample: Sample, index: int = 0) -> dict[str, np.ndarray]:
    """``sample`` with every array in C order, after a check against the model's inputs.

    Raises
    ------
    InputError
        Names, shapes or dtypes differ; says what was expected and found.
    """
    expected = {spec.name: spec for spec in specs}
    if set(sample) != set(expected):
        raise InputError(
            f"sample {index} has inputs {', '.join(sorted(sample)) or 'none'}: expected {', '.join(expected)}",
            "name each array after an input of the model",
        )
    checked = {}
    for name, spec in expected.items():
        array = np.asarray(sample[name])
        if array.shape != spec.shape or str(array.dtype) != spec.dtype:
            raise InputError(
                f"input {name!r} of sample {index} is {array.dtype}{list(array.shape)}: expected {spec.dtype}{list(spec.shape)}",
                _conversion_hint(spec, array),
            )
        checked[name] = np.asarray(array, order="C")
    return checked


def _conversion_hint(spec: TensorSpec, array: np.ndarray) -> str:
    if array.size != spec.size:
        return f"the input has {spec.size} elements, this array {array.size}"
    if array.shape != spec.shape:
        return f"reshape it to {list(spec.shape)}"
    if spec.scale is not None:
        return f"quantise it: round(x / {spec.scale:g}) + {spec.zero_point}, as {spec.dtype}"
    return f"cast it to {spec.dtype}"
