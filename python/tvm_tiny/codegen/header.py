"""``<model>.h``: the interface of a compiled model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from tvm_tiny.codegen.entry import entry_signature, reset_signature
from tvm_tiny.codegen.ports import Port, Ports
from tvm_tiny.codegen.text import comment, scale_literal, size_literal, tensor_text
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.program import Stream
from tvm_tiny.version import __version__


def content_hash(files: Mapping[str, str]) -> str:
    """16 hexadecimal digits that tell one generated model from another: the beginning of SHA-256 over names and texts."""
    digest = sha256()
    for name in sorted(files):
        digest.update(f"{name}\n{len(files[name])}\n{files[name]}".encode())
    return digest.hexdigest()[:16]


def print_header(
    prefix: str,
    target: str,
    ports: Ports,
    plan: MemoryPlan,
    weights_size: int,
    content: str,
    stream: Stream | None = None,
    *,
    npu: bool = False,
) -> str:
    """The header of the model ``prefix``; docs/c-interface.md tells it to users. ``content``: :func:`content_hash`."""
    upper = prefix.upper()
    tensors = "\n\n".join(_macros(upper, port, plan) for port in ports.all)
    return f"""\
{comment(f"The model {prefix}, compiled by tvm_tiny for {target}.")}
#ifndef {upper}_H_
#define {upper}_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* What wrote these files, and a hash of all of them but this one: it changes whenever the model's C does. The constants
 * hold the same; a linker that collects garbage leaves out what nobody reads. */
#define {upper}_TVM_TINY_VERSION "{__version__}"
#define {upper}_CONTENT_HASH "{content}"
extern const char {prefix}_tvm_tiny_version[sizeof({upper}_TVM_TINY_VERSION)];
extern const char {prefix}_content_hash[sizeof({upper}_CONTENT_HASH)];

{_memory(prefix, ports, plan)}

/* Bytes of constant data: weights, biases, multipliers and tables. */
#define {upper}_WEIGHTS_SIZE {size_literal(weights_size)}

{_macros_mean(ports, plan)}

{tensors}

enum {prefix}_status {{
  {upper}_OK = 0,
  /* {_null_means(ports, plan)} */
  {upper}_ERROR_NULL = 1,
  /* {"A pool" if plan.pools else "The arena"} does not start at a multiple of {upper}_ARENA_ALIGNMENT. */
  {upper}_ERROR_ALIGNMENT = 2{_not_ready(upper, stream)}{_npu_error(upper) if npu else ""}
}};

{_struct(prefix, "input", ports.inputs)}

{_struct(prefix, "output", ports.outputs)}

{_contract(ports, plan)}
{entry_signature(prefix, plan)};
{_streaming(prefix, plan, stream)}
#ifdef __cplusplus
}}
#endif

#endif /* {upper}_H_ */
"""


def _memory(prefix: str, ports: Ports, plan: MemoryPlan) -> str:
    """What the caller must know of the memory that he brings."""
    upper = prefix.upper()
    if plan.pools:
        return _pools(prefix, ports, plan)
    return f"""\
/* Bytes of RAM that {prefix}_run works in, {_with_io(ports)}, and the alignment of their start. */
#define {upper}_ARENA_SIZE {size_literal(plan.arena_size)}
#define {upper}_ARENA_ALIGNMENT {size_literal(plan.alignment)}

/* At file scope, behind the definition of `array`: refuses to compile if it is too small to be the arena. */
#if defined(__cplusplus) && (__cplusplus >= 201103L)
#define {upper}_ASSERT_ARENA(array) static_assert(sizeof(array) >= {upper}_ARENA_SIZE, "too small for {prefix}")
#elif defined(__STDC_VERSION__) && (__STDC_VERSION__ >= 201112L)
#define {upper}_ASSERT_ARENA(array) _Static_assert(sizeof(array) >= {upper}_ARENA_SIZE, "too small for {prefix}")
#else
#define {upper}_ASSERT_ARENA(array) typedef char {prefix}_arena_is_too_small[(sizeof(array) >= {upper}_ARENA_SIZE) ? 1 : -1]
#endif"""


def _pools(prefix: str, ports: Ports, plan: MemoryPlan) -> str:
    upper = prefix.upper()
    sizes = "\n".join(f"#define {upper}_POOL_{pool.name.upper()}_BYTES {size_literal(pool.size)}" for pool in plan.pools)
    members = "\n".join(f"  void *{pool.name};{'' if pool.size else ' /* may be NULL */'}" for pool in plan.pools)
    return f"""\
/* The memories that {prefix}_run works in, {_with_io(ports)}: bytes of each, and the alignment of their starts. */
{sizes}
#define {upper}_ARENA_ALIGNMENT {size_literal(plan.alignment)}

struct {prefix}_pools {{
{members}
}};"""


def _not_ready(upper: str, stream: Stream | None) -> str:
    if stream is None:
        return ""
    return f",\n  /* The frame is taken, and it completes no new window: the outputs are not written. */\n  {upper}_NOT_READY = 3"


def _npu_error(upper: str) -> str:
    text = "The NPU did not do its part: the driver's functions in tvm_tiny/npu/etpu.h tell why. The outputs are not valid."
    return f",\n  /* {text} */\n  {upper}_ERROR_NPU = 4"


def _streaming(prefix: str, plan: MemoryPlan, stream: Stream | None) -> str:
    """What a model that takes frames has besides: ``<prefix>_reset``, and when there are results."""
    if stream is None:
        return ""
    upper = prefix.upper()
    return f"""
/* The model takes one frame at each call of {prefix}_run, and keeps what it needs of earlier ones in the arena: leave
 * the arena as it is between calls. Its outputs are those of the last {upper}_FRAMES frames; they are new, and
 * {prefix}_run returns {upper}_OK, after so many frames since {prefix}_reset, and then every {upper}_HOP frames. */
#define {upper}_FRAMES {stream.frames}
#define {upper}_HOP {stream.hop}

/* Forgets all frames. Call it once before the first. */
{reset_signature(prefix, plan)};
"""


def _macros(upper: str, port: Port, plan: MemoryPlan) -> str:
    where = f", in pool {plan.pools[port.pool].name}" if plan.pools and port.offset is not None else ""
    spec, stem = port.spec, f"{upper}_{port.member.upper()}"
    lines = [comment(f'{port.kind.capitalize()} "{spec.name}", {tensor_text(spec.shape, spec.dtype)}{where}.')]
    lines.append(f"#define {stem}_SIZE {size_literal(spec.nbytes)}")
    lines.append(f"#define {stem}_ELEMENTS {size_literal(spec.size)}")
    if port.offset is not None:
        lines.append(f"#define {stem}_OFFSET {size_literal(port.offset)}")
    if spec.scale is not None and spec.zero_point is not None:
        zero_point = f"({spec.zero_point})" if spec.zero_point < 0 else str(spec.zero_point)
        lines.append(f"#define {stem}_SCALE {scale_literal(spec.scale)}")
        lines.append(f"#define {stem}_ZERO_POINT {zero_point}")
    return "\n".join(lines)


def _contract(ports: Ports, plan: MemoryPlan) -> str:
    """What is asked of the pointers."""
    memory, into = ("pool", "a pool") if plan.pools else ("arena", "the arena")
    lines = [
        "Runs the model once. A member that is NULL, and inputs or outputs that are NULL altogether, mean the tensor's place",
        f"in {'its pool' if plan.pools else 'the arena'}, which is the {memory} + OFFSET. A pointer that is given is used without "
        "a copy; it must be aligned to its",
        f"type, and point neither into {into}, except to the tensor's own place, nor at another tensor. Nothing is kept",
        f"between calls. Inputs that lie in {into} are overwritten.",
    ]
    if all(port.offset is None for port in ports.all):
        lines = [
            "Runs the model once. Every tensor lies where its pointer says, which must not be NULL, must be aligned to its type,",
            f"and must point neither into {into} nor at another tensor. Nothing is kept between calls.",
        ]
    return "/* " + "\n * ".join(lines) + " */"


def _macros_mean(ports: Ports, plan: MemoryPlan) -> str:
    if all(port.offset is None for port in ports.all):
        return "/* The tensors: SIZE in bytes, real = SCALE * (stored - ZERO_POINT). */"
    memory = "pool" if plan.pools else "arena"
    return f"/* The tensors: SIZE in bytes, OFFSET is the place in the {memory}, real = SCALE * (stored - ZERO_POINT). */"


def _with_io(ports: Ports) -> str:
    if all(port.offset is None for port in ports.all):
        return "beside inputs and outputs"
    return "inputs and outputs included"


def _null_means(ports: Ports, plan: MemoryPlan) -> str:
    memory, it = ("A pool", "a pool") if plan.pools else ("The arena", "it")
    if all(port.offset is not None for port in ports.all):
        return f"{memory} is NULL."
    return f"{memory} is NULL, or the pointer to a tensor that has no place in {it}."


def _struct(prefix: str, kind: str, ports: Sequence[Port]) -> str:
    const = "const " if kind == "input" else ""
    members = [f"{const}{port.c_type} *{port.member};" for port in ports] or ["const void *none; /* the model has no input */"]
    return "\n".join([f"struct {prefix}_{kind}s {{", *(f"  {member}" for member in members), "};"])
