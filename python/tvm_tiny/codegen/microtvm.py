"""``tvmgen_<model>.h`` and ``.c``: the C interface that microTVM's ahead-of-time executor generated, on top of ``<model>_run``.

Names, members and macros are those of TVM 0.18 (src/target/source/interface_c.cc), so that a firmware which was written for it
compiles unchanged. microTVM had three forms of ``tvmgen_<model>_run``; a macro chooses among them:

============================  =====================================================================================
(none)                        the generated code has a workspace of its own, as microTVM's memory planner did by default
``TVM_TINY_WORKSPACE_POOLS``  the firmware passes a pool to work in
``TVM_TINY_WORKSPACE_IO``     inputs and outputs lie in that pool too; ``map_inputs`` and ``map_outputs`` tell where
============================  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm_tiny.codegen.ports import Port, Ports
from tvm_tiny.codegen.text import comment, parameter_list
from tvm_tiny.memory.plan import MemoryPlan

# The pool that microTVM's planner made where the user named none.
POOL = "global_workspace"

_OF_FIRMWARE = "TVM_TINY_WORKSPACE_POOLS"
_WITH_IO = "TVM_TINY_WORKSPACE_IO"


def print_microtvm_header(prefix: str, ports: Ports, plan: MemoryPlan) -> str:
    """``tvmgen_<prefix>.h``."""
    names = _Names(prefix)
    sizes = "\n".join(f"#define {names.upper}_{port.microtvm_member.upper()}_SIZE {port.spec.nbytes}" for port in ports.all)
    return f"""\
{comment(f"microTVM's C interface to the model {prefix}.")}
#ifndef {names.upper}_H_
#define {names.upper}_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* Bytes of each tensor, and of working memory. */
{sizes}
#define {names.upper}_WORKSPACE_SIZE {plan.arena_size}

{_struct(names.inputs, ports.inputs)}

{_struct(names.outputs, ports.outputs)}

#if defined({_OF_FIRMWARE}) || defined({_WITH_IO})
{_pool_sizes(names, plan)}

/* A pool starts at a multiple of {plan.alignment} bytes. */
{names.pools} {{
{_pool_members(plan)}
}};
#endif

/* Runs the model once: 0 if it did, -1 if the workspace is NULL or not aligned. */
#if defined({_WITH_IO})
{names.map_inputs};
{names.map_outputs};
{names.run_with_io};
#elif defined({_OF_FIRMWARE})
{names.run_with_pools};
#else
{names.run};
#endif

#ifdef __cplusplus
}}
#endif

#endif /* {names.upper}_H_ */
"""


def print_microtvm_source(prefix: str, ports: Ports, plan: MemoryPlan) -> str:
    """``tvmgen_<prefix>.c``."""
    names = _Names(prefix)
    return f"""\
{comment(f"microTVM's C interface to the model {prefix}, on top of {prefix}_run.")}
#include "{names.tvmgen}.h"

#include <stddef.h>

#include "{prefix}.h"
#include "tvm_tiny/runtime/compiler.h"

#if defined({_WITH_IO})

{_with_io(names, ports, plan)}

#elif defined({_OF_FIRMWARE})

{names.run_with_pools} {{
{_translated(names, ports, *_handed_over(names, plan))}
}}

#else

{_with_own_workspace(names, ports, plan)}

#endif
"""


@dataclass(frozen=True)
class _Names:
    """What microTVM calls the parts of the interface to the model ``prefix``."""

    prefix: str

    @property
    def tvmgen(self) -> str:
        return f"tvmgen_{self.prefix}"

    @property
    def upper(self) -> str:
        return self.tvmgen.upper()

    @property
    def inputs(self) -> str:
        return f"struct {self.tvmgen}_inputs"

    @property
    def outputs(self) -> str:
        return f"struct {self.tvmgen}_outputs"

    @property
    def pools(self) -> str:
        return f"struct {self.tvmgen}_workspace_pools"

    @property
    def run(self) -> str:
        return parameter_list(f"int32_t {self.tvmgen}_run", [f"{self.inputs} *inputs", f"{self.outputs} *outputs"])

    @property
    def run_with_pools(self) -> str:
        parameters = [f"{self.inputs} *inputs", f"{self.outputs} *outputs", f"{self.pools} *workspace_pools"]
        return parameter_list(f"int32_t {self.tvmgen}_run", parameters)

    @property
    def run_with_io(self) -> str:
        return f"int32_t {self.tvmgen}_run({self.pools} *workspace_pools)"

    @property
    def map_inputs(self) -> str:
        return f"{self.inputs} {self.tvmgen}_map_inputs({self.pools} *workspace_pools)"

    @property
    def map_outputs(self) -> str:
        return f"{self.outputs} {self.tvmgen}_map_outputs({self.pools} *workspace_pools)"

    def call(self, workspace: str, inputs: str, outputs: str) -> str:
        """The call of ``<prefix>_run`` with microTVM's result."""
        return f"  return ({self.prefix}_run({workspace}, {inputs}, {outputs}) == {self.prefix.upper()}_OK) ? 0 : -1;"


def _struct(head: str, ports: Sequence[Port]) -> str:
    members = [f"void *{port.microtvm_member};" for port in ports] or ["void *none; /* the model has no input */"]
    return "\n".join([f"{head} {{", *(f"  {member}" for member in members), "};"])


def _pool_names(plan: MemoryPlan) -> list[str]:
    return [pool.name for pool in plan.pools] or [POOL]


def _pool_sizes(names: _Names, plan: MemoryPlan) -> str:
    rows = zip(_pool_names(plan), plan.pool_sizes(), strict=True)
    return "\n".join(f"#define {names.upper}_{pool.upper()}_WORKSPACE_POOL_SIZE {size}" for pool, size in rows)


def _pool_members(plan: MemoryPlan) -> str:
    return "\n".join(f"  void *{pool};" for pool in _pool_names(plan))


def _handed_over(names: _Names, plan: MemoryPlan) -> tuple[str, Sequence[str]]:
    """The firmware's pools as an argument of ``<prefix>_run``, and the lines that make it."""
    if not plan.pools:
        return f"workspace_pools->{POOL}", ()
    lines = [f"  struct {names.prefix}_pools pools;"]
    return "&pools", [*lines, *(f"  pools.{pool.name} = workspace_pools->{pool.name};" for pool in plan.pools)]


def _translated(names: _Names, ports: Ports, workspace: str, before: Sequence[str] = ()) -> str:
    """The body of a run with pointers to inputs and outputs; ``before`` are lines that make ``workspace``."""
    lines = [*before, f"  struct {names.prefix}_inputs from;", f"  struct {names.prefix}_outputs to;"]
    lines += [f"  from.{port.member} = ({'const '}{port.c_type} *)inputs->{port.microtvm_member};" for port in ports.inputs]
    lines += [f"  to.{port.member} = ({port.c_type} *)outputs->{port.microtvm_member};" for port in ports.outputs]
    if not ports.inputs:
        lines += ["  (void)inputs;", "  from.none = NULL;"]
    return "\n".join([*lines, names.call(workspace, "&from", "&to")])


def _with_own_workspace(names: _Names, ports: Ports, plan: MemoryPlan) -> str:
    if not plan.arena_size:
        return f"{names.run} {{\n{_translated(names, ports, 'NULL')}\n}}"
    if plan.pools:
        return _with_own_pools(names, ports, plan)
    size = f"{names.prefix.upper()}_ARENA_SIZE"
    return f"""\
static TVM_TINY_WORKSPACE TVM_TINY_ALIGNED({plan.alignment}) uint8_t {names.tvmgen}_workspace[{size}];

{names.run} {{
{_translated(names, ports, f"{names.tvmgen}_workspace")}
}}"""


def _with_own_pools(names: _Names, ports: Ports, plan: MemoryPlan) -> str:
    storage, upper = f"static TVM_TINY_WORKSPACE TVM_TINY_ALIGNED({plan.alignment}) uint8_t", names.prefix.upper()
    arrays = [
        f"{storage} {names.tvmgen}_{pool.name}_workspace[{upper}_POOL_{pool.name.upper()}_BYTES];"
        for pool in plan.pools
        if pool.size
    ]
    pools = [f"  struct {names.prefix}_pools pools;"]
    pools += [f"  pools.{pool.name} = {f'{names.tvmgen}_{pool.name}_workspace' if pool.size else 'NULL'};" for pool in plan.pools]
    return "\n".join([*arrays, "", f"{names.run} {{", _translated(names, ports, "&pools", pools), "}"])


def _with_io(names: _Names, ports: Ports, plan: MemoryPlan) -> str:
    homeless = [port.member for port in ports.all if port.offset is None]
    if homeless:
        return f'#error "{_WITH_IO}: {homeless[0]} was planned to lie outside the workspace"'
    workspace, before = _handed_over(names, plan)
    call = "\n".join([*before, names.call(workspace, "NULL", "NULL")])
    return f"""\
{names.map_inputs} {{
{_mapped(names.inputs, ports.inputs, plan)}
}}

{names.map_outputs} {{
{_mapped(names.outputs, ports.outputs, plan)}
}}

{names.run_with_io} {{
{call}
}}"""


def _mapped(struct: str, ports: Sequence[Port], plan: MemoryPlan) -> str:
    pools = _pool_names(plan)
    lines = [f"  {struct} tensors;"]
    if not ports:
        lines += ["  (void)workspace_pools;", "  tensors.none = NULL;"]
    elif not plan.pools:
        lines.append(f"  uint8_t *const memory = (uint8_t *)workspace_pools->{POOL};")
    for port in ports:
        memory = f"(uint8_t *)workspace_pools->{pools[port.pool]}" if plan.pools else "memory"
        lines.append(f"  tensors.{port.microtvm_member} = {memory}{f' + {port.offset}' if port.offset else ''};")
    return "\n".join([*lines, "  return tensors;"])
