"""``<model>_facts.h``: what only a build and a run can tell of a model, as macros."""

from __future__ import annotations

from tvm_tiny.codegen.text import comment
from tvm_tiny.package.part import Facts, Part


def facts_file(part: Part) -> dict[str, str]:
    """The header, or no file where nothing was measured."""
    if part.facts is None:
        return {}
    return {f"{part.name}_facts.h": _text(part.name, part.facts)}


def _text(name: str, facts: Facts) -> str:
    upper = name.upper()
    lines = [
        comment(f"Measured facts of the model {name}: built by {facts.compiler}, {' '.join(facts.flags)}, for {facts.board}."),
        f"#ifndef {upper}_FACTS_H_",
        f"#define {upper}_FACTS_H_",
        "",
        "/* Bytes of flash: functions and the library code that they need, without the constant arrays. */",
        f"#define {upper}_CODE_SIZE {facts.code}u",
    ]
    if facts.stack is not None:
        lines += [
            "",
            "/* Bytes of stack that no call exceeds, by analysis of the machine code. */",
            f"#define {upper}_STACK_SIZE {facts.stack}u",
        ]
    if facts.cycles is not None:
        lines += [
            "",
            comment(f"Cycles of the slowest of {facts.samples} inferences, extreme inputs among them, by the model {facts.model}:"),
            "/* from memory without wait states. Layers do not branch on data, apart from float ones. */",
            f"#define {upper}_CYCLES {facts.cycles}u",
            f"#define {upper}_INSTRUCTIONS {facts.instructions}u",
        ]
    return "\n".join([*lines, "", f"#endif /* {upper}_FACTS_H_ */", ""])
