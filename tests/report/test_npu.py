"""What reports tell of an NPU: a region that reads 8 bytes, convolves, pools and writes; counts are those of its timeline."""

from __future__ import annotations

from typing import Any

import pytest

from tvm_tiny.npu.energy import energy_of, picojoule_sram
from tvm_tiny.report.npu import npu_fields, npu_report, npu_text
from tvm_tiny.report.npu_roofline import arranged, labels, points, roof, roofline_png
from tvm_tiny.report.npu_timeline import draw_timeline, stretches, timeline_png

STALLS = {"wait": 10, "feed": 0, "weights": 0, "queue": 0}


def layer(name: str, unit: str, busy: int, macs: int, sram: int) -> dict[str, Any]:
    return {
        "name": name,
        "op": name,
        "live_macs": macs,
        "unit": unit,
        "cycles": busy + 5,
        "busy": {unit: busy},
        "utilisation": macs / (busy * 256) if macs else 0.0,
        "sram_traffic": {"read": sram, "written": 0},
        "offchip_traffic": {"read": 8, "written": 0, "commands": 40},
        "energy_nj": {"mac": 1.0, "sram": 2.0, "offchip": 3.0, "total": 6.0},
    }


def region(cycles: int = 100) -> dict[str, Any]:
    unit = {"commands": 2, "busy": 40, "stalls": STALLS}
    return {
        "config": "etpu-16",
        "cycles": cycles,
        "load_cycles": 50,
        "sram": 640,
        "cache": 1000,
        "utilisation": 0.5,
        "units": {"dma": unit, "array": unit, "vector": unit},
        "sram_traffic": {"read": 600, "written": 40},
        "offchip_traffic": {"read": 8, "written": 8, "commands": 84},
        "energy_nj": {"mac": 1.5, "sram": 2.5, "offchip": 3.0, "total": 7.0},
        "layers": [layer("conv2d", "array", 40, 5120, 512), layer("pool", "vector", 20, 0, 128)],
        "timeline": [["dma", 0, 0, 33], ["array", 0, 33, 73], ["vector", 1, 73, 93], ["dma", 1, 93, 100]],
    }


def test_a_model_without_regions_has_no_npu() -> None:
    assert npu_report([]) is None
    assert npu_text({"npu": None}) == ""
    assert npu_fields({}) == []


def test_regions_run_one_after_the_other() -> None:
    report = npu_report([region(100), region(300)])
    assert report is not None
    assert (report["regions"], report["cycles"], report["load_cycles"], report["cache"], report["sram"]) == (2, 400, 100, 2000, 640)
    assert report["units"]["array"] == {"commands": 4, "busy": 80, "stalls": {**STALLS, "wait": 20}}
    assert report["energy_nj"]["total"] == 14.0
    assert [row["name"] for row in report["layers"]] == ["conv2d", "pool"] * 2
    assert report["timeline"][4:6] == [["dma", 2, 100, 133], ["array", 2, 133, 173]]


def test_people_read_cycles_units_traffic_and_energy() -> None:
    report = {"npu": npu_report([region()])}
    text = npu_text(report)
    assert "On etpu-16, cycles by layer" in text
    assert "5,120" in next(line for line in text.splitlines() if "conv2d" in line)
    fields = {name.strip(): (value, remark) for name, value, remark in npu_fields(report)}
    assert fields["NPU cycles"] == (100, "per inference on etpu-16, 50 more to fill its cache")
    assert fields["array"][0] == "50.0%"
    assert fields["off-chip"] == ("100 bytes", "per inference, 84 of them commands")
    assert fields["energy"][1] == "estimated: multiplications 2, SRAM 2, off-chip memory 3"


def test_the_timeline_has_a_bar_for_each_command() -> None:
    axes = draw_timeline(region()).axes[0]
    spans = [path.get_extents() for collection in axes.collections for path in collection.get_paths()]
    assert sorted((round(span.x0), round(span.x1)) for span in spans) == [(0, 33), (33, 73), (73, 93), (93, 100)]
    assert timeline_png(region()).startswith(b"\x89PNG")


def test_the_roofline_has_layers_that_multiply() -> None:
    assert points(region()) == [(0, 10.0, 5120 / 45)], "45 cycles from its start to its end"
    assert roof(region(), 1.0) == 96.0, "six ports of 16 bytes"
    assert roof(region(), 100.0) == 256.0
    assert roofline_png(region()).startswith(b"\x89PNG")


def test_points_that_are_near_share_a_label() -> None:
    found = [(0, 1.0, 100.0), (1, 5.0, 100.0), (2, 1.05, 101.0), (3, 1.0, 50.0)]
    assert sorted(labels(found, 2.0, 2.0)) == [("0, 2", 1.05, 101.0), ("1", 5.0, 100.0), ("3", 1.0, 50.0)]


def test_a_label_goes_where_there_is_room() -> None:
    found = [("1", 1.0, 10.0), ("2", 1.01, 10.0), ("3", 10.0, 10.0)]
    assert [side for _text, _place, side in arranged(found, 2.0, 2.0)] == [(True, True), (True, False), (True, True)]


def test_commands_of_a_layer_that_follow_each_other_share_a_label() -> None:
    timeline = [["array", 0, 0, 300], ["array", 0, 305, 600], ["dma", 0, 0, 50], ["array", 1, 600, 700], ["array", 0, 900, 1000]]
    assert stretches({"cycles": 1000, "timeline": timeline}) == [
        ("array", 0, 0, 600),
        ("array", 1, 600, 700),
        ("array", 0, 900, 1000),
        ("dma", 0, 0, 50),
    ]


def test_energy_is_that_of_the_source() -> None:
    """Horowitz: 20 pJ for 64 bits of a 32 kB SRAM; his 100 pJ for 1 MB lie within a tenth of the square root."""
    assert picojoule_sram(32768) * 8 == 20.0
    assert picojoule_sram(1 << 20) * 8 == pytest.approx(100, rel=0.15)
    energy = energy_of(1000, 2000, 80, 32768)
    assert (energy.mac, energy.sram, energy.offchip) == pytest.approx((0.23, 5.0, 13.0))
    assert energy.total == pytest.approx(18.23)
