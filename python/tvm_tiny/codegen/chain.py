"""A chain of layers as C: its stages are functions like any layer's; one more loops over ticks and calls those that are due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.names import KEYWORDS
from tvm_tiny.codegen.share import Call
from tvm_tiny.codegen.text import size_literal
from tvm_tiny.program import Access, Band, Chain, Layer, Stage


def stage_layers(layer: Layer) -> list[Layer]:
    """The layers that a chain calls, with those of their overlaps that ``layer.overlaps`` have, too: those that the plan uses."""
    assert layer.chain is not None
    shared = {(overlap.input, overlap.output) for overlap in layer.overlaps}
    return [
        replace(each, overlaps=tuple(overlap for overlap in each.overlaps if (overlap.input, overlap.output) in shared))
        for each in (stage.layer for stage in layer.chain.stages)
        if each is not None
    ]


def driver(layer: Layer, prefix: str, calls: Mapping[str, Call]) -> Function:
    """The function of a chain; ``calls`` tells by the name of a stage's layer how it is called."""
    assert layer.chain is not None
    kind = _StreamDriver if layer.chain.stream else _Driver
    return kind(layer, layer.chain, prefix, _parameter_names(layer), calls).function()


def _parameter_names(layer: Layer) -> dict[str, str]:
    """Tensor, band or work memory → the parameter that points at it."""
    names: dict[str, str] = {}
    for buffer in (*layer.inputs, *layer.outputs, *(scratch.name for scratch in layer.scratch)):
        name = buffer
        while name in KEYWORDS or name in ("tick", "memset", "place") or name in names.values():
            name += "_"
        names[buffer] = name
    return names


@dataclass(frozen=True)
class _Driver:
    layer: Layer
    chain: Chain
    prefix: str
    names: Mapping[str, str]
    calls: Mapping[str, Call]

    def function(self) -> Function:
        layer = self.layer
        parameters = [f"const int8_t *{self.names[name]}" for name in layer.inputs]
        parameters += [f"int8_t *{self.names[name]}" for name in (*layer.outputs, *(scratch.name for scratch in layer.scratch))]
        lines = [line for band in self.chain.bands if band.top for line in self._padding_above(band)]
        lines.append(f"  for (int32_t tick = 0; tick < {self.chain.ticks}; ++tick) {{")
        due = ""
        for stage in self.chain.stages:
            test, body = self._due(stage), self._stage(stage)
            if test == due and not _declares(body):
                lines.pop()  # both are due at the same ticks
            else:
                lines.append(f"    if ({test}) {{")
            lines += [*body, "    }"]
            due = test
        return Function(f"{self.prefix}_{layer.name}", tuple(parameters), (*lines, "  }"), (layer.comment,))

    def _padding_above(self, band: Band) -> list[str]:
        """Rows of padding in front of the place of the first row, or where they move there from."""
        stage = next(stage for stage in self.chain.stages if stage.output.buffer == band.name)
        first = stage.output.offset + (band.phase or band.cycle) * stage.output.advance - band.top * band.row_bytes
        return self._fill("  ", band, self._address(Access(band.name, first)), band.top)

    def _fill(self, indent: str, band: Band, address: str, rows: int) -> list[str]:
        return [f"{indent}(void)memset({address}, {band.fill}, {size_literal(rows * band.row_bytes)});"]

    def _stage(self, stage: Stage) -> list[str]:
        """What happens when ``stage`` is due: its band moves up, and new rows or rows of padding come in behind."""
        band = next((band for band in self.chain.bands if band.name == stage.output.buffer), None)
        if band is None:
            return self._work("      ", stage, self._moving(stage.output, stage))
        place, lines = self._address(stage.output), []
        if band.cycle > 1:
            lines.append(f"      const int32_t place = {_place(stage, band)};")
            place += f" + place * {stage.output.advance}"
        lines += self._move_up(stage, band)
        if stage.padding:
            end = stage.first + (stage.count - 1) * stage.period + 1
            lines += [f"      if (tick < {end}) {{", *self._work("        ", stage, place), "      } else {"]
            lines += [*self._fill("        ", band, place, stage.rows), "      }"]
        else:
            lines += self._work("      ", stage, place)
        return lines

    def _move_up(self, stage: Stage, band: Band) -> list[str]:
        """The band moves up by the rows of a cycle before the first of them comes."""
        name, new = self.names[band.name], band.cycle * stage.output.advance
        if band.nbytes == new:
            return []
        move = f"tvm_tiny_rows_move({name}, {name} + {new}, {band.nbytes - new});"
        if band.cycle == 1:
            return [f"      {move}"]
        return ["      if (place == 0) {", f"        {move}", "      }"]

    def _work(self, indent: str, stage: Stage, output: str) -> list[str]:
        addresses = [self._moving(each, stage) for each in stage.inputs]
        if stage.layer is None:
            return [f"{indent}tvm_tiny_rows_move({output}, {addresses[0]}, {stage.inputs[0].advance});"]
        arguments = [*addresses, output]
        for scratch, offset in zip(stage.layer.scratch, stage.scratch, strict=True):
            place, kind = self._address(Access(self.chain.work, offset)), c_type(scratch.dtype)
            arguments.append(place if kind == "int8_t" else f"({kind} *)(void *){f'({place})' if offset else place}")
        call = self.calls[stage.layer.name]
        return [f"{indent}{call.function}({', '.join([*arguments, *call.arguments])});"]

    def _address(self, access: Access) -> str:
        text = self.names[access.buffer]
        return f"{text} + {access.offset}" if access.offset else text

    def _moving(self, access: Access, stage: Stage) -> str:
        """An address that advances with each firing of ``stage``."""
        text = self._address(access)
        if not access.advance:
            return text
        if access.advance % stage.period:
            return f"{text} + {_since(stage)} / {stage.period} * {access.advance}"
        return f"{text} + {_since(stage)} * {access.advance // stage.period}"

    def _due(self, stage: Stage) -> str:
        """The condition on ``tick`` for a firing of ``stage``, those with padding included."""
        end = stage.first + (stage.count + stage.padding - 1) * stage.period + 1
        return " && ".join([*_begun(stage), f"tick < {end}", *_in_step(stage)])


@dataclass(frozen=True)
class _StreamDriver(_Driver):
    """One tick for each call: the input is the frame that is new, and no stage comes to an end."""

    def function(self) -> Function:
        stream, names = self.chain.stream, self.names
        assert stream is not None
        layer, clock = self.layer, names[stream.clock]
        kinds = [("const int8_t", name) for name in layer.inputs] + [("int8_t", name) for name in layer.outputs]
        kinds += [(c_type(scratch.dtype), scratch.name) for scratch in layer.scratch]
        lines = [f"  const int32_t tick = *{clock};", ""]
        for stage in self.chain.stages:
            test, body = self._due(stage), self._stage(stage)
            lines += [f"  if ({test}) {{", *(line[2:] for line in body), "  }"] if test else [line[4:] for line in body]
        lines.append(f"  *{clock} = (tick + 1 < {stream.wrap}) ? tick + 1 : {stream.back};")
        parameters = tuple(f"{kind} *{names[name]}" for kind, name in kinds)
        return Function(f"{self.prefix}_{layer.name}", parameters, tuple(lines), (layer.comment,))

    def _moving(self, access: Access, stage: Stage) -> str:
        return self._address(access)

    def _due(self, stage: Stage) -> str:
        return " && ".join([*_begun(stage), *_in_step(stage)])


def _since(stage: Stage) -> str:
    """Ticks since the first firing."""
    return f"(tick - {stage.first})" if stage.first else "tick"


def _place(stage: Stage, band: Band) -> str:
    """The number of this firing in the cycle of the band."""
    firing = _since(stage) if stage.period == 1 else f"{_since(stage)} / {stage.period}"
    if stage.period == 1:
        ahead = (band.phase - stage.first) % band.cycle
        firing = f"(tick + {ahead})" if ahead else "tick"
    elif band.phase:
        firing = f"({firing} + {band.phase})"
    return f"{firing} % {band.cycle}"


def _declares(lines: list[str]) -> bool:
    return any(line.lstrip().startswith("const ") for line in lines)


def _begun(stage: Stage) -> list[str]:
    return [f"tick >= {stage.first}"] if stage.first else []


def _in_step(stage: Stage) -> list[str]:
    return [f"{_since(stage)} % {stage.period} == 0"] if stage.period > 1 else []
