"""``<model>_run``: the layers in their order, each with pointers into the arena.

A tensor at the border may lie outside the arena; its pointer is then a local variable, and every layer that writes or reads the
tensor uses it. That needs no copy, unless an output has no memory of its own: it is a view of an input or of another output, or of
part of a larger tensor. Such an output is copied when all layers are done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tvm_tiny.codegen.addresses import Address, Addresses, memory_name
from tvm_tiny.codegen.ports import Port, Ports
from tvm_tiny.codegen.share import Call
from tvm_tiny.codegen.text import comment, parameter_list, size_literal, tensor_text
from tvm_tiny.codegen.wrap import WIDTH, wrapped
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.program import Layer, Program, Stream


def entry_signature(prefix: str, plan: MemoryPlan) -> str:
    """The declaration of ``<prefix>_run``, without a semicolon."""
    parameters = [
        _memory_parameter(prefix, plan),
        f"const struct {prefix}_inputs *inputs",
        f"const struct {prefix}_outputs *outputs",
    ]
    return parameter_list(f"enum {prefix}_status {prefix}_run", parameters)


def print_entry(program: Program, plan: MemoryPlan, addresses: Addresses, prefix: str, calls: Sequence[Call]) -> str:
    """The C text of ``<prefix>_run``; ``calls`` is what it calls for each layer, with all arguments."""
    return _Entry(program, plan, addresses, prefix, calls).text() + _reset(program, plan, prefix)


def reset_signature(prefix: str, plan: MemoryPlan) -> str:
    """The declaration of ``<prefix>_reset``, without a semicolon."""
    return parameter_list(f"enum {prefix}_status {prefix}_reset", [_memory_parameter(prefix, plan)])


def _memory_parameter(prefix: str, plan: MemoryPlan) -> str:
    return f"const struct {prefix}_pools *pools" if plan.pools else "void *arena"


def _reset(program: Program, plan: MemoryPlan, prefix: str) -> str:
    """The text of ``<prefix>_reset``, "" where nothing is kept between calls. No row of a band is read before it is written."""
    if program.stream is None:
        return ""
    upper, place = prefix.upper(), plan.placements[_clock_buffer(program)]
    memory = memory_name(plan, place.pool)
    source = f"pools->{plan.pools[place.pool].name}" if plan.pools else "arena"
    lines = _early_return("pools == NULL", f"{upper}_ERROR_NULL") if plan.pools else []
    lines += [
        f"  int8_t *const {memory} = (int8_t *){source};",
        "",
        *_memory_checks(upper, memory),
        "",
        f"  *{_clock(program, plan)} = 0;",
    ]
    return "\n".join(["", f"{reset_signature(prefix, plan)} {{", *lines, f"  return {upper}_OK;", "}", ""])


def _clock_buffer(program: Program) -> str:
    stream = program.stream
    assert stream is not None
    layer = next(each for each in program.layers if each.chain and each.chain.stream)
    return f"{layer.name}.{stream.clock}"


def _clock(program: Program, plan: MemoryPlan) -> str:
    place = plan.placements[_clock_buffer(program)]
    return Address(memory_name(plan, place.pool), "int32_t", place.offset).text()


def _memory_checks(upper: str, memory: str) -> list[str]:
    return [
        *_early_return(f"{memory} == NULL", f"{upper}_ERROR_NULL"),
        *_early_return(f"((uintptr_t){memory} % {upper}_ARENA_ALIGNMENT) != 0u", f"{upper}_ERROR_ALIGNMENT"),
    ]


@dataclass(frozen=True)
class _Entry:
    program: Program
    plan: MemoryPlan
    addresses: Addresses
    prefix: str
    calls: Sequence[Call]

    @property
    def ports(self) -> Ports:
        return self.addresses.ports

    @property
    def local(self) -> Mapping[str, str]:
        return self.addresses.local

    def text(self) -> str:
        calls = [self._call(index, layer) for index, layer in enumerate(self.program.layers)]
        copies = [self._copy(port) for port in self.ports.outputs if self.addresses.owner(port.storage) is not port]
        pointers = [line for port in self._used_ports() for line in self._pointer_declaration(port)]
        blocks = [
            *(["\n".join(self._pool_check())] if self.plan.pools else []),
            "\n".join(self._parameters()),
            "\n".join(self._checks()),
            "\n".join(pointers),
            *calls,
            *copies,
            f"  return {self.prefix.upper()}_OK;",
        ]
        body = "\n\n".join(block for block in blocks if block)
        return f"{entry_signature(self.prefix, self.plan)} {{\n{body}\n}}\n"

    def _used_ports(self) -> list[Port]:
        """Outputs, and the inputs that a layer reads or an output is a view of."""
        needed = {output.storage for output in self.ports.outputs}
        needed.update(name for layer in self.program.layers for name in layer.inputs)
        return [port for port in self.ports.all if port.kind == "output" or port.storage in needed]

    # ---- before the layers -------------------------------------------------------------------------------------------------------

    def _parameters(self) -> list[str]:
        """The arena as bytes, and what keeps compilers quiet about parameters that this model does not need."""
        used = {f"{port.kind}s" for port in self._used_ports()}
        unused = [f"  (void){name};" for name in ("inputs", "outputs") if name not in used]
        if self.plan.pools:
            memories = [
                f"  int8_t *const {pool.name}_pool = (int8_t *)pools->{pool.name};" for pool in self.plan.pools if pool.size
            ]
            return [*memories, *unused]
        return ["  int8_t *const memory = (int8_t *)arena;" if self.plan.arena_size else "  (void)arena;", *unused]

    def _pool_check(self) -> list[str]:
        if not self.plan.arena_size:
            return ["  (void)pools;"]
        return _early_return("pools == NULL", f"{self.prefix.upper()}_ERROR_NULL")

    def _memories(self) -> list[str]:
        """The local variables that point at the memories which the model works in."""
        if self.plan.pools:
            return [f"{pool.name}_pool" for pool in self.plan.pools if pool.size]
        return ["memory"] if self.plan.arena_size else []

    def _checks(self) -> list[str]:
        upper, lines = self.prefix.upper(), []
        for memory in self._memories():
            lines += _memory_checks(upper, memory)
        for port in self._used_ports():
            if port.offset is None:
                lines += _early_return(f"({port.kind}s == NULL) || ({port.kind}s->{port.member} == NULL)", f"{upper}_ERROR_NULL")
        return lines

    def _pointer_declaration(self, port: Port) -> list[str]:
        kind, const = f"{port.kind}s", "const " if port.kind == "input" else ""
        member = f"{kind}->{port.member}"
        declaration = f"  {const}{port.c_type} *const {self.local[port.member]} ="
        if port.offset is None:
            return [f"{declaration} {member};"]
        place = self.addresses.at(port.c_type, port.offset, port.pool).text()
        value = f"(({kind} != NULL) && ({member} != NULL)) ? {member} : {place};"
        if len(declaration) + 1 + len(value) <= WIDTH:
            return [f"{declaration} {value}"]
        return [declaration, *wrapped(f"      {value}")]

    # ---- the layers --------------------------------------------------------------------------------------------------------------

    def _call(self, index: int, layer: Layer) -> str:
        output = self.program.tensors[layer.outputs[0]]
        source = f', "{_short(output.source)}"' if output.source else ""
        call, owner = self.calls[index], self.addresses.owner(output.name)
        traced = self.local[owner.member] if owner else self.addresses.placed("int8_t", output.name).text()
        called = f"{call.function}({', '.join(call.arguments)})"
        if layer.npu:
            lines = _early_return(f"{called} != ETPU_OK", f"{self.prefix.upper()}_ERROR_NPU")
        else:
            lines = [*wrapped(f"  {called};")]
        lines = [
            comment(f"{index}: {layer.name}, {tensor_text(output.shape, output.dtype)}{source}", "  "),
            f"  TVM_TINY_BEGIN_LAYER({index});",
            *lines,
            f"  TVM_TINY_TRACE_LAYER({index}, {traced}, {size_literal(output.nbytes)});",
        ]
        if layer.chain and layer.chain.stream:
            lines = [
                f"  const int32_t tick = *{_clock(self.program, self.plan)};",
                "",
                *lines,
                *self._unless_complete(layer.chain.stream),
            ]
        return "\n".join(lines)

    def _unless_complete(self, stream: Stream) -> list[str]:
        """What follows needs a window that is complete and new."""
        complete = f"tick < {stream.frames - 1}"
        if stream.hop > 1:
            complete = f"({complete}) || ((tick - {stream.frames - 1}) % {stream.hop} != 0)"
        return _early_return(complete, f"{self.prefix.upper()}_NOT_READY")

    # ---- the border --------------------------------------------------------------------------------------------------------------

    def _copy(self, port: Port) -> str:
        target, source = self.local[port.member], self.addresses.tensor(port.storage).text()
        nbytes = size_literal(port.spec.nbytes)
        return f"  if ({target} != {source}) {{\n    (void)memcpy({target}, {source}, {nbytes});\n  }}"


def _short(source: str) -> str:
    """TFLite's converter joins the names of all operators that it fused; the first one tells enough."""
    first, _, rest = source.partition(";")
    return f"{first};..." if rest else first


def _early_return(condition: str, status: str) -> list[str]:
    return [f"  if ({condition}) {{", f"    return {status};", "  }"]
