"""A core with an NPU beside it: where each operator runs, what it costs, and a picture of the NPU's time.

    python tutorials/04_npu.py [--target cortex-m33+etpu-16] [--output build/npu] [MODEL]

No hardware is needed: the emulated core talks to a model of the device, which executes the command stream bit by bit and counts its
cycles. docs/npu.md describes the machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tvm_tiny
from tvm_tiny.report.npu import npu_text, on_core_text
from tvm_tiny.report.npu_timeline import timeline_png
from tvm_tiny.testing.digits import digits_model_path

BOARDS = {"cortex-m33": "mps2-an505", "cortex-m55": "mps3-an547", "cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=digits_model_path(), help="default: the sample model")
    parser.add_argument(
        "--target", default="cortex-m33+etpu-16", choices=sorted(f"{core}+etpu-{n}" for core in BOARDS for n in (16, 32, 64))
    )
    parser.add_argument("--output", type=Path, default=Path("build/npu"))
    options = parser.parse_args()
    core, _, npu = options.target.partition("+")

    print(f"1. {options.model.name} for {options.target}")
    compiled = tvm_tiny.compile(options.model, target=options.target)
    compiled.save(options.output)
    print(npu_text(compiled.report))
    print(on_core_text(compiled.report))

    print(f"2. the same on an emulated {core} with the model of an {npu} beside it, against the reference interpreter")
    board = f"{BOARDS[core]}+{npu}"
    checked = tvm_tiny.verify(options.model, board=board, samples=10)
    alone = tvm_tiny.verify(options.model, board=BOARDS[core], samples=1).run.report
    both = checked.run.report
    print(f"   {checked.mismatches} of {checked.samples} outputs differ, by {checked.max_abs_diff} at most")
    print(f"   {core} alone: {alone['cycles']:,} cycles")
    print(f"   with the NPU: {both['cycles']:,} of the core, {both['npu']['cycles']:,} of the NPU")

    picture = options.output / "timeline.png"
    picture.write_bytes(timeline_png(both["npu"]))
    print(f"3. the NPU's time is drawn in {picture}")


if __name__ == "__main__":
    main()
