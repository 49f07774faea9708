"""What compilation takes from databases: a decision for each node that one of them knows, and a note of what was used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.target import Core
from tvm_tiny.tune import DEFAULT_COMPILER
from tvm_tiny.tune.database import Tuned, load_database, require_database
from tvm_tiny.tune.workload import SCHEDULE_VERSION, Workload, key_of, workload_of

if TYPE_CHECKING:
    from tvm_tiny.npu.knobs import Region

NONE = "none"
"""In place of a folder: no database, not even the shipped one."""

_SHIPPED = Path(__file__).resolve().parent / "records"


def shipped_folder(core: str) -> Path:
    """Where the records that come with the package lie for a core; there may be none."""
    return _SHIPPED / core


def shipped_folders() -> list[Path]:
    """All of these that there are."""
    return sorted(path for path in _SHIPPED.iterdir() if path.is_dir())


@dataclass
class Decisions:
    """A `schedule.implementation.Decide` from databases, the preferred one first.

    Attributes
    ----------
    used : dict
        Key of each workload that was asked for → the decision, None where the default is right or nothing is known.
    elsewhere : set of str
        Compilers for which there are records of workloads that have none for this one.
    outdated : set of int
        Versions of the schedules of which there are records of workloads that have none of this one.
    """

    databases: Sequence[Mapping[str, Tuned]]
    compiler: str = DEFAULT_COMPILER
    optimize: str = "speed"
    used: dict[str, Decision | None] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    outdated: set[int] = field(default_factory=set)

    def __call__(self, node: Node, core: Core) -> Decision | None:
        """The best decision known for ``node``; None where the default is as good, or nothing is known."""
        workload = workload_of(node, core, compiler=self.compiler, optimize=self.optimize)
        for database in self.databases:
            known = database.get(workload.key)
            if known is not None:
                decision = None if known.best is None or known.best.decision == workload.default else known.best.decision
                self.used[workload.key] = decision
                return decision
        self.used[workload.key] = None
        self.elsewhere |= {str(each) for each in self._but(workload, "compiler")}
        self.outdated |= {int(each) for each in self._but(workload, "version")}
        return None

    def of_region(self, region: Region) -> Mapping[str, int] | None:
        """The best choice known for a region on an NPU; None where the search's is as good, or nothing is known."""
        key = key_of(region.description)
        known = next((database[key] for database in self.databases if key in database), None)
        decision = None if known is None or known.best is None else known.best.decision
        self.used[key] = decision
        return None if decision is None else decision.choices

    @property
    def remarks(self) -> list[str]:
        """What a user should know: that records are for another compiler, or of another version of the schedules."""
        found = []
        if self.elsewhere:
            others = ", ".join(sorted(self.elsewhere))
            found.append(f"the database has records for {others} only, and none for {self.compiler}")
        if self.outdated:
            versions = ", ".join(str(version) for version in sorted(self.outdated))
            found.append(
                f"the database has records of version {versions} of the schedules, which is {SCHEDULE_VERSION} now: tune again"
            )
        return found

    def report(self) -> dict[str, Any]:
        """For ``report.json``: whose records were asked for, how many workloads there are, and how many had a better schedule."""
        found = sum(decision is not None for decision in self.used.values())
        return {"compiler": self.compiler, "workloads": len(self.used), "tuned": found, "remarks": self.remarks}

    def _but(self, workload: Workload, fact: str) -> set[Any]:
        """Other values of ``fact`` for which there are records of what is ``workload`` otherwise."""
        wanted, own = _without(workload.description, fact), json.loads(workload.description)[fact]
        return {
            known.facts[fact]
            for database in self.databases
            for known in database.values()
            if known.facts.get(fact, own) != own and _without(known.description, fact) == wanted
        }


@cache
def _without(description: str, fact: str) -> str:
    return json.dumps({**json.loads(description), fact: None}, sort_keys=True)


def decisions_for(
    core: Core, database: str | Path | None, *, compiler: str = DEFAULT_COMPILER, optimize: str = "speed"
) -> Decisions:
    """What is known for ``core``: in ``database``, and, to favour speed, in the records that come with the package.

    Raises
    ------
    DatabaseError
        ``database`` names a folder that holds none, or a damaged one.
    """
    databases: list[Mapping[str, Tuned]] = []
    if database is not None and str(database) != NONE:
        databases.append(require_database(Path(database)))
    if str(database) != NONE and optimize == "speed":
        databases.append(_shipped(core.name))
    return Decisions(databases, compiler, optimize)


@cache
def _shipped(core: str) -> Mapping[str, Tuned]:
    return load_database(shipped_folder(core))
