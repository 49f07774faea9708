"""The runtime under test, built in every way that could make a difference."""

from __future__ import annotations

import platform

import pytest

from ..codegen.compilers import CLANG, HOST_GCC, SANITIZE, Compiler
from .native import Runtime, build

# The last two may fuse a multiplication with what follows it, which the runtime must not let show.
_FUSED = ("-O3", "-ffp-contract=fast", "-mfma") if platform.machine() == "x86_64" else ("-O3", "-ffp-contract=fast")
_BUILDS = {
    "gcc-sanitized": (HOST_GCC, ("-O1", *SANITIZE)),
    "clang-sanitized": (CLANG, ("-O1", *SANITIZE, "-fsanitize=implicit-conversion")),
    "gcc-fused": (Compiler("gcc", "gcc", ("-std=gnu99",)), _FUSED),
    "clang-fused": (CLANG, _FUSED),
}


@pytest.fixture(scope="session", params=_BUILDS)
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    compiler, flags = _BUILDS[request.param]
    return build(tmp_path_factory.mktemp(request.param), compiler, *flags)
