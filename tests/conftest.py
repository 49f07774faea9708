"""What the tests of all rooms share: where the MLPerf-Tiny models lie, and a guard against their tests being left out unseen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def find_models() -> Path | None:
    """The folder with kws.tflite, vww.tflite, ic.tflite and ad.tflite, None if this machine has none."""
    folder = Path(os.environ.get("TVM_TINY_MODELS", ROOT.parent / "shared" / "models"))
    return folder if (folder / "kws.tflite").is_file() else None


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of the MLPerf-Tiny models, ``golden/`` included; for tests marked ``models``."""
    folder = find_models()
    if folder is None:
        pytest.skip("no MLPerf-Tiny models on this machine: set TVM_TINY_MODELS")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the emitted C of tests/golden anew instead of comparing it"
    )
    parser.addoption(
        "--require-models",
        action="store_true",
        help="fail where the MLPerf-Tiny models are there and a test that needs them was skipped, or none ran",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_models() is None:
        for item in items:
            if "models" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="no MLPerf-Tiny models on this machine: set TVM_TINY_MODELS"))


class _ModelsGuard:
    """Counts the tests marked ``models`` that ran and that were skipped."""

    def __init__(self) -> None:
        self.ran = 0
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "models" not in report.keywords:
            return
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)
        elif report.when == "call":
            self.ran += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if find_models() is not None and (self.skipped or not self.ran) and session.exitstatus in (0, 5):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if find_models() is None:
            terminalreporter.write_line("The MLPerf-Tiny models are not on this machine: their tests were skipped.", yellow=True)
        elif self.skipped or not self.ran:
            names = ", ".join(self.skipped) or "all of them"
            terminalreporter.write_line(f"The MLPerf-Tiny models are here, but tests that need them did not run: {names}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    # With xdist the workers run the tests and the controller, which has no workerinput, sees all reports.
    if config.getoption("--require-models") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_ModelsGuard(), "models-guard")
