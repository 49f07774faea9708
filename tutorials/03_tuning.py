"""Faster schedules by measuring: tune a model's layers on an emulated board, use what was found, and look at how it was found.

    python tutorials/03_tuning.py [--board mps3-an547] [--trials 16] [--output build/tuning] [MODEL]

Half a minute for the sample model. A second run measures nothing again: the database has it all. With a board of your own, the only
difference is its name: --board nucleo-l4r5zi, --board gdb:localhost:3333:mine.toml. docs/tuning.md tells the rest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tvm_tiny
from tvm_tiny.report.html import html_report
from tvm_tiny.report.tuning import failures_text, tuning_text
from tvm_tiny.report.tuning_plots import cost_model_png, search_png
from tvm_tiny.testing.digits import digits_model_path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=digits_model_path(), help="default: the sample model")
    parser.add_argument("--board", default="mps3-an547", help="default: an emulated Cortex-M55")
    parser.add_argument("--trials", type=int, default=16, help="candidates for each different layer (default: 16)")
    parser.add_argument("--output", type=Path, default=Path("build/tuning"))
    options = parser.parse_args()
    database = options.output / "database"

    print(f"1. {options.model.name} as it is compiled without any tuning, on {options.board}", flush=True)
    before = tvm_tiny.verify(options.model, board=options.board, samples=5, database="none")
    print(f"   {before.run.report['cycles']:,} cycles, {before.mismatches} of {before.samples} outputs differ from the reference")

    print(f"2. {options.trials} candidates for each different layer; outputs are checked before cycles count", flush=True)
    result = tvm_tiny.tune(options.model, board=options.board, trials=options.trials, database=database)
    print(tuning_text(result))
    print(failures_text(result))

    print(f"3. compiled with what {database} has", flush=True)
    after = tvm_tiny.verify(options.model, board=options.board, samples=5, database=database)
    gain = 1 - after.run.report["cycles"] / before.run.report["cycles"]
    print(f"   {after.run.report['cycles']:,} cycles, {after.mismatches} of {after.samples} outputs differ from the reference")
    print(f"   {gain:.1%} fewer")

    print("4. how it was found")
    tuning = result.report()
    for name, picture in (("search.png", search_png(tuning)), ("cost_model.png", cost_model_png(tuning))):
        (options.output / name).write_bytes(picture)
        print(f"   {options.output / name}")
    page = options.output / "report.html"
    page.write_text(html_report(after.run.report, tuning), encoding="utf-8")
    print(f"   {page}")


if __name__ == "__main__":
    main()
