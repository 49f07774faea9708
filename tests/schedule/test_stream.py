"""A model that takes one frame at each call: its outputs are LiteRT's for the last frames, and no layer computes a row twice.

The C runs under AddressSanitizer and UBSan, its arena filled with noise before `reset`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny import api
from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.memory.options import Memory
from tvm_tiny.memory.pools import Pool
from tvm_tiny.model import Model
from tvm_tiny.testing.litert_reference import LiteRTReference

from ..codegen.compilers import HOST_GCC, SANITIZE
from ..codegen.harness import write
from .chained import Net, residual

WIDTH = 10


def keyword_spotting(frames: int = 25, *, stride: int = 1) -> bytes:
    """A small depthwise-separable network over ``frames`` of 10 features, as keyword spotting has them: 4 scores."""
    net = Net((frames, WIDTH, 1))
    x = net.conv(net.x, 8, 4, stride=stride, padding="VALID")
    x = net.conv(net.depthwise(x, 3, padding="VALID"), 8, 1)
    x = net.conv(net.depthwise(x, 2, stride=stride, padding="VALID"), 8, 1)
    x = net.b.average_pool2d(x, x.shape[1:3], "pooled")
    weights = net.b.weights("dense", net.rng.uniform(-1, 1, (4, 8)).astype(np.float32), axis=None)
    x = net.b.fully_connected(net.b.reshape(x, (1, 8)), weights, np.arange(4, dtype=np.int32), "scores", scale=0.1, zero_point=0)
    return net.b.build([net.b.softmax(x, "probabilities")])


def loaded(source: bytes) -> Model:
    return load_tflite(source, "net", "net.tflite")


_MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "net.h"

/* Frames from standard input; for each, the outputs in hexadecimal or a dash. */
int main(void) {{
  static _Alignas(16) unsigned char arena[NET_ARENA_SIZE];
  int8_t frame[NET_X_SIZE], out[NET_PROBABILITIES_SIZE];
  const struct net_inputs inputs = {{frame}};
  const struct net_outputs outputs = {{out}};
  memset(arena, 0x5A, sizeof arena);
  if (net_reset(arena) != NET_OK) return 1;
  for (int n = 0; fread(frame, 1, sizeof frame, stdin) == sizeof frame; ++n) {{
    if (n == {reset_at} && net_reset(arena) != NET_OK) return 1;
    const enum net_status status = net_run(arena, &inputs, &outputs);
    if (status == NET_NOT_READY) puts("-");
    else if (status != NET_OK) return 1;
    else {{
      for (unsigned i = 0; i < sizeof out; ++i) printf("%02x", (unsigned char)out[i]);
      putchar('\\n');
    }}
  }}
  return 0;
}}
"""


def streamed(source: bytes, frames: np.ndarray, folder: Path, *, target: str = "c", reset_at: int = -1) -> list[np.ndarray | None]:
    """What the C makes of each of ``frames`` (n, 10): the scores, None where it is not ready."""
    compiled = api.compile(loaded(source), target=target, rounding="litert", streaming=True)
    root = write(compiled.module, folder)
    (root / "main.c").write_text(_MAIN.format(reset_at=reset_at))
    sources = [root / name for name in (*compiled.module.sources, "main.c")]
    HOST_GCC.run("-std=c11", *SANITIZE, f"-I{root}", *sources, "-lm", "-o", root / "program")
    done = subprocess.run([root / "program"], input=frames.tobytes(), check=True, capture_output=True)
    lines = done.stdout.decode().split()
    return [None if line == "-" else np.frombuffer(bytes.fromhex(line), np.int8) for line in lines]


def frames_of(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(-128, 128, (count, WIDTH), np.int8)


def window_output(source: bytes, frames: np.ndarray, length: int, end: int) -> np.ndarray:
    """LiteRT's output for the ``length`` frames before ``end``; the model's input may have a few more, which do not matter."""
    model = loaded(source)
    height = model.inputs[0].shape[1]
    x = np.zeros(model.inputs[0].shape, np.int8)
    x[0, :length, :, 0] = frames[end - length : end]
    assert length <= height
    return LiteRTReference(source).run({"x": x})["probabilities"].ravel()


@pytest.mark.parametrize("target", ["c", "cortex-m4", "cortex-m55"])
def test_every_frame_has_the_output_of_the_last_25(tmp_path: Path, target: str) -> None:
    source, frames = keyword_spotting(), frames_of(60)
    outputs = streamed(source, frames, tmp_path, target=target)

    assert [each is not None for each in outputs] == [n >= 24 for n in range(60)]
    for n in range(24, 60):
        assert np.array_equal(outputs[n], window_output(source, frames, 25, n + 1)), f"after frame {n}"


@pytest.mark.parametrize("length", [25, 26, 27])
def test_strides_in_time_give_an_output_every_fourth_frame(tmp_path: Path, length: int) -> None:
    """Two strides of 2. A window of 26 or 27 frames does not use its last one or two, or is one row more."""
    source, frames = keyword_spotting(length, stride=2), frames_of(80)
    outputs = streamed(source, frames, tmp_path)
    ready = [n for n, each in enumerate(outputs) if each is not None]

    assert np.array_equal(np.diff(ready), np.full(len(ready) - 1, 4))
    assert length - 4 < ready[0] + 1 <= length
    for n in ready:
        assert np.array_equal(outputs[n], window_output(source, frames, ready[0] + 1, n + 1)), f"after frame {n}"


def test_reset_forgets_all_frames(tmp_path: Path) -> None:
    source, frames = keyword_spotting(), frames_of(70)
    outputs = streamed(source, frames, tmp_path, reset_at=40)

    assert all(each is None for each in outputs[40:64])
    assert np.array_equal(outputs[64], window_output(source, frames, 25, 65))


def test_a_frame_costs_one_row_of_each_layer() -> None:
    whole = api.compile(loaded(keyword_spotting()), target="cortex-m4")
    stream = api.compile(loaded(keyword_spotting()), target="cortex-m4", streaming=True)

    assert stream.inputs[0].shape == (1, 1, WIDTH, 1)
    assert stream.report["live_macs"] < whole.report["live_macs"] / 15


def test_padding_along_time_is_refused_with_the_layer_and_the_reason() -> None:
    with pytest.raises(
        UnsupportedOperatorError, match=r"frame by frame: layer conv2d_0 .*pads the time axis[\s\S]*padding='valid'"
    ):
        api.compile(loaded(residual()), streaming=True)


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
def test_frames_on_a_board(board: str) -> None:
    """A sample is a frame; its outputs are empty where it completes no window."""
    source, frames = keyword_spotting(), frames_of(30)
    compiled = api.compile(loaded(source), target="cortex-m4" if board != "host" else "c", rounding="litert", streaming=True)
    run = compiled.run([{"x": frame.reshape(1, 1, WIDTH, 1)} for frame in frames], board=board, check_arena=True)

    assert [bool(each) for each in run.outputs] == [n >= 24 for n in range(30)]
    assert np.array_equal(run.outputs[29]["probabilities"].ravel(), window_output(source, frames, 25, 30))


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
def test_what_is_kept_may_lie_in_several_memories(board: str) -> None:
    """`reset` and each frame find it there; no layer writes elsewhere."""
    source, frames = keyword_spotting(), frames_of(30)
    memory = Memory(pools=(Pool("fast", 600), Pool("slow", cost=2)))
    target = "cortex-m4" if board != "host" else "c"
    compiled = api.compile(loaded(source), target=target, rounding="litert", streaming=True, memory=memory)
    run = compiled.run([{"x": frame.reshape(1, 1, WIDTH, 1)} for frame in frames], board=board, check_arena=True)
    assert min(compiled.module.pool_sizes) > 0
    assert np.array_equal(run.outputs[29]["probabilities"].ravel(), window_output(source, frames, 25, 30))
