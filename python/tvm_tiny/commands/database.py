"""``tvm-tiny database``: what tuning databases hold."""

from __future__ import annotations

import argparse
from pathlib import Path

from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.errors import DatabaseError

ACTIONS = ("list", "merge", "prune")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        metavar="|".join(ACTIONS),
        choices=ACTIONS,
        help="list the records; merge others into the first folder; or drop records of other versions of the schedules",
    )
    parser.add_argument(
        "folders", metavar="DIR", type=Path, nargs="*", help="folders of databases; without, list has those of the package"
    )


def _run(options: argparse.Namespace) -> None:
    from tvm_tiny.report.tuning import database_text
    from tvm_tiny.tune.database import merge_into, merged, prune, require_database
    from tvm_tiny.tune.decide import shipped_folders
    from tvm_tiny.tune.space import label

    if not options.folders and options.action != "list":
        raise DatabaseError(f"{options.action} needs the folder of a database", "tvm-tiny tune makes one")
    first, *others = options.folders or shipped_folders()
    told = ""
    if options.action == "merge":
        if not others:
            raise DatabaseError("merge needs the folder to merge into and at least one other")
        known = merge_into(first, others)
        told = f"{len(known)} workloads are in {first}"
    elif options.action == "prune":
        if others:
            raise DatabaseError("prune takes one folder", "prune them one by one")
        known, dropped = prune(first)
        told = f"{dropped} of {dropped + len(known)} workloads were dropped"
    else:
        known = merged([require_database(folder) for folder in (first, *others)])
    write_json(
        options,
        [
            {
                **each.facts,
                "key": key,
                "default_cycles": each.default.cycles,
                "best_cycles": each.best.cycles if each.best else None,
                "decision": label(each.best.decision) if each.best else None,
            }
            for key, each in known.items()
        ],
    )
    say(options, database_text(known.values()), told)


VERB = Verb(
    "database",
    "list, merge or prune tuning databases",
    (
        "tvm-tiny database list",
        "tvm-tiny database list db",
        "tvm-tiny database merge db colleagues/db",
        "tvm-tiny database prune db",
    ),
    _add_options,
    _run,
)
