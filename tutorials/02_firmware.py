"""From a model file to a firmware that runs: packaged for CMake, built, and run on the emulated board.

    python tutorials/02_firmware.py [--target cortex-m55] [--output build/firmware] [MODEL]

The firmware has the model, start-up code, a linker script, and a main that runs the model once on a sample and checks its output.
For a board of your own, pass its TOML file with --board, and put your console in the place of firmware/semihosting.c.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import tvm_tiny
from tvm_tiny.testing.digits import digits_model_path


def tool(*command: str | Path) -> str:
    """What a command prints; the tutorial ends if the command fails."""
    done = subprocess.run([str(each) for each in command], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=digits_model_path(), help="default: the sample model")
    parser.add_argument("--target", default="cortex-m4")
    parser.add_argument("--board", help="default: the emulated board of the target")
    parser.add_argument("--output", type=Path, default=Path("build/firmware"))
    options = parser.parse_args()

    print(f"1. {options.model.name} for {options.target}, as a CMake project in {options.output}")
    tvm_tiny.package([options.model], form="cmake", output=options.output, target=options.target, board=options.board, measure=True)
    facts = next((options.output / "models").rglob("*_facts.h")).read_text()
    for name, value in re.findall(r"#define \w+?_(CODE_SIZE|STACK_SIZE|CYCLES|INSTRUCTIONS) (\d+)u", facts):
        print(f"   {name.lower().replace('_', ' '):<13}{int(value):>12,}")

    print("2. cmake -S . -B build && cmake --build build")
    build = options.output / "build"
    tool("cmake", "-S", options.output, "-B", build)
    for line in tool("cmake", "--build", build).splitlines():
        if re.match(r"\s*(FLASH|RAM):", line):
            print(f"   {line.strip()}")

    print("3. cmake --build build --target run")
    said = tool("cmake", "--build", build, "--target", "run").split()
    if "PASS" not in said:
        raise SystemExit("the firmware did not print PASS")
    print("   PASS")


if __name__ == "__main__":
    main()
