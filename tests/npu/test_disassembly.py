"""``tvm-tiny npu``: the text of a stream, its values, and what is said of streams that are not valid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.npu.test_hazards import NETWORK
from tvm_tiny.cli import main
from tvm_tiny.errors import StreamError
from tvm_tiny.npu.commands import Region, Stream, Waits
from tvm_tiny.npu.stream import encode

REGIONS = (Region("constants", 256), Region("y", 256, True))


def written(folder: Path, stream: Stream) -> str:
    path = folder / "net.etpu"
    path.write_bytes(encode(stream))
    return str(path)


@pytest.fixture
def network() -> Stream:
    return Stream("etpu-16", NETWORK, REGIONS, 16384, 16384)


TEXT = """\
stream for etpu-16, version 1: 10 commands, 568 bytes, 16384 bytes of SRAM
region 0: constants, 256 bytes, read only
region 1: tensor 1, 256 bytes, written

   0  dma 1: transfer to SRAM, layer 0 conv
    region 0[0x0], 1 x 256 bytes
    to row 0 of 0x2ee0 (1 rows of 256, pixels of 1)
"""

CONVOLUTION = """\
   5  array 2: convolution, layer 0 conv, waits for dma 4, array 1
    input          0x3e8 (4 rows of 64, pixels of 16)
    input_shape    4; 4; 16
    output         0x7d0 (4 rows of 64, pixels of 16)
    output_width   4
    channels       16
    first_row      0
    rows           4
    window         1 x 1, strides 1 x 1, dilation 1 x 1, 0 above, 0 left, padded with 0
    weights        0x2af8
    parameters     0x2ee0
    depth_step     16
    clamp          [-128, 127], zero point 0
    requantization double
    split          1
"""


def test_text(network: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = tmp_path / "names.json"
    names.write_text('["conv"]')
    assert main(["npu", "disassemble", written(tmp_path, network), "--names", str(names)]) == 0
    text = capsys.readouterr().out
    assert text.startswith(TEXT)
    assert CONVOLUTION in text
    assert "   9  dma 6: transfer from SRAM, layer 0 conv, waits for array 3\n" in text
    assert "    region 1[0x0 + 64 * i], 4 x 64 bytes\n    from rows 0 to 3 of 0x3e8 (4 rows of 64, pixels of 16)\n" in text


def test_json(network: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["npu", "disassemble", written(tmp_path, network), "--json", "-"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["npu"], values["sram"], len(values["commands"])) == ("etpu-16", 16384, 10)
    assert values["regions"][1] == {"name": "tensor 1", "size": 256, "written": True}
    assert values["commands"][5]["waits"] == {"dma": 4, "array": 1, "vector": 0}
    assert values["commands"][5]["command"] == "convolution"
    assert values["commands"][5]["requantization"] == "double"


def test_validate(network: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, network)
    assert main(["npu", "validate", path, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["commands"] == 10
    assert main(["npu", "validate", path]) == 0
    assert "10 commands for etpu-16, valid; " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"regions": REGIONS[:1]}, "the NPU refuses command 9: it leaves its region"),
        ({"sram": 1 << 20, "cache": 1 << 20}, "the NPU refuses the command stream: it needs more SRAM than there is"),
        ({"commands": (*NETWORK[:9], replace(NETWORK[9], waits=Waits()))}, "command 9 does not wait for command 8: a read"),
    ],
)
def test_what_is_wrong_is_told(
    change: dict[str, object], message: str, network: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, replace(network, **change))  # type: ignore[arg-type]
    assert main(["npu", "validate", path]) == StreamError.exit_code
    assert message in capsys.readouterr().err


def test_what_is_no_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"TFL3" * 20)
    assert main(["npu", "disassemble", str(path)]) == StreamError.exit_code
    assert f"{path}: it is no command stream" in capsys.readouterr().err
    assert main(["npu", "disassemble", str(tmp_path / "none")]) == 10
