"""Inputs from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.commands.samples import read_samples
from tvm_tiny.errors import InputError
from tvm_tiny.model import TensorSpec

IMAGE = TensorSpec("image", (1, 2, 3), "int8", 0.05, -3)
OTHER = TensorSpec("other", (4,), "float32")
VALUES = np.arange(6, dtype=np.int8).reshape(1, 2, 3)


def saved(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("shape", "count"), [((1, 2, 3), 1), ((2, 3), 1), ((5, 2, 3), 5), ((5, 1, 2, 3), 5), ((1, 1, 2, 3), 1)], ids=str
)
def test_axis_of_samples_may_stand_before_the_shape_or_replace_a_batch_of_one(shape: tuple[int, ...], count: int, tmp_path: Path):
    array = np.arange(np.prod(shape), dtype=np.int8).reshape(shape)
    samples = read_samples(saved(tmp_path / "x.npz", image=array), [IMAGE])
    assert len(samples) == count
    assert all(sample["image"].shape == IMAGE.shape for sample in samples)
    np.testing.assert_array_equal(np.concatenate([sample["image"].ravel() for sample in samples]), array.ravel())


def test_input_without_a_batch_takes_an_axis_in_front(tmp_path: Path):
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    samples = read_samples(saved(tmp_path / "x.npz", other=array), [OTHER])
    np.testing.assert_array_equal([sample["other"] for sample in samples], array)


def test_arrays_are_told_apart_by_name_and_others_are_left_alone(tmp_path: Path):
    path = saved(tmp_path / "x.npz", other=np.ones(4, np.float32), label=np.zeros(1), image=VALUES)
    (sample,) = read_samples(path, [IMAGE, OTHER])
    np.testing.assert_array_equal(sample["image"], VALUES)
    np.testing.assert_array_equal(sample["other"], np.ones(4))


def test_single_array_for_a_single_input_needs_no_name(tmp_path: Path):
    np.save(tmp_path / "x.npy", VALUES)
    for path in (saved(tmp_path / "x.npz", anything=VALUES), tmp_path / "x.npy"):
        np.testing.assert_array_equal(read_samples(path, [IMAGE])[0]["image"], VALUES)


def test_csv_has_a_sample_in_each_row(tmp_path: Path):
    (tmp_path / "x.csv").write_text("# a, comment\n0,1,2,3,4,5\n\n-128, 127, 0, 0, 0, 1.0\n")
    samples = read_samples(tmp_path / "x.csv", [IMAGE])
    assert [sample["image"].dtype for sample in samples] == [np.int8] * 2
    np.testing.assert_array_equal(samples[0]["image"], VALUES)
    np.testing.assert_array_equal(samples[1]["image"].ravel(), [-128, 127, 0, 0, 0, 1])


def test_csv_of_floats(tmp_path: Path):
    (tmp_path / "x.csv").write_text("\ufeff0.5,-1e3,2,.25\r\n", encoding="utf-8")
    np.testing.assert_array_equal(read_samples(tmp_path / "x.csv", [OTHER])[0]["other"], np.float32([0.5, -1000, 2, 0.25]))


CSV = {
    "1,2,3\n": "line 1 has 3 values: expected 6",
    "\n1,2,3,4,5,x\n": "line 2: could not convert string to float: 'x'",
    "1,2,3,4,5,128\n": "line 1, value 6 is 128: expected int8, a whole number from -128 to 127",
    "1,2,3,4,5,0.5\n": "line 1, value 6 is 0.5: expected int8",
    "1,2,3,4,5,nan\n": "line 1, value 6 is nan: expected int8",
    "": "has no samples",
}


@pytest.mark.parametrize("text", CSV, ids=repr)
def test_csv_that_does_not_fit_is_refused_with_its_line(text: str, tmp_path: Path):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_samples(tmp_path / "x.csv", [IMAGE])
    assert CSV[text] in caught.value.message


def test_real_values_in_a_csv_for_a_quantised_input_get_the_formula(tmp_path: Path):
    (tmp_path / "x.csv").write_text("0.1,0,0,0,0,0\n")
    with pytest.raises(InputError, match=r"quantise it: round\(x / 0\.05\) \+ -3, as int8"):
        read_samples(tmp_path / "x.csv", [IMAGE])


@pytest.mark.parametrize("shape", [(2, 2, 3, 1), (7,), (6,), (1, 3, 2), (3, 2), ()], ids=str)
def test_other_shapes_are_refused(shape: tuple[int, ...], tmp_path: Path):
    with pytest.raises(
        InputError, match=r"'image' has the shape \[.*\]: expected \[1, 2, 3\]\n  hint: or \[N, 2, 3\] for N samples"
    ):
        read_samples(saved(tmp_path / "x.npz", image=np.zeros(shape, np.int8)), [IMAGE])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "bool"])
def test_other_dtypes_are_refused_even_where_the_values_would_fit(dtype: str, tmp_path: Path):
    with pytest.raises(InputError, match=rf"input 'image' of sample 0 is {dtype}\[1, 2, 3\]: expected int8\[1, 2, 3\]"):
        read_samples(saved(tmp_path / "x.npz", image=VALUES.astype(dtype)), [IMAGE])


def test_floats_for_a_quantised_input_get_the_formula(tmp_path: Path):
    with pytest.raises(InputError, match=r"expected int8.*\n  hint: quantise it: round\(x / 0\.05\) \+ -3, as int8"):
        read_samples(saved(tmp_path / "x.npz", image=VALUES.astype(np.float32)), [IMAGE])


def test_no_samples_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="'image' has no samples"):
        read_samples(saved(tmp_path / "x.npz", image=np.zeros((0, 2, 3), np.int8)), [IMAGE])


def test_unequal_numbers_of_samples_are_refused(tmp_path: Path):
    path = saved(tmp_path / "x.npz", image=np.zeros((2, 2, 3), np.int8), other=np.zeros((3, 4), np.float32))
    with pytest.raises(InputError, match="different numbers of samples: image 2, other 3"):
        read_samples(path, [IMAGE, OTHER])


def test_missing_array_is_named(tmp_path: Path):
    path = saved(tmp_path / "x.npz", image=VALUES, othr=np.zeros(4, np.float32))
    with pytest.raises(InputError, match="no array for the input 'other': found image, othr, expected image, other"):
        read_samples(path, [IMAGE, OTHER])


def test_one_array_is_not_enough_for_two_inputs(tmp_path: Path):
    np.save(tmp_path / "x.npy", VALUES)
    with pytest.raises(InputError, match="the model has 2 inputs: image, other"):
        read_samples(tmp_path / "x.npy", [IMAGE, OTHER])


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.csv"])
def test_missing_file_is_told(name: str, tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        read_samples(tmp_path / name, [IMAGE])


def test_unknown_suffix_is_told(tmp_path: Path):
    with pytest.raises(InputError, match=r"read from \.npz, \.npy, \.csv files, not \.txt"):
        read_samples(tmp_path / "x.txt", [IMAGE])


@pytest.mark.parametrize("name", ["x.npz", "x.npy"])
@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "flipped"])
def test_damaged_file_is_told(name: str, damage: str, tmp_path: Path):
    path = tmp_path / name
    if name == "x.npz":
        np.savez_compressed(path, image=np.arange(600, dtype=np.int8).reshape(100, 2, 3) % 7)
    else:
        np.save(path, VALUES)
    data = bytearray(path.read_bytes())
    if damage == "flipped" and name == "x.npz":
        data[60:120] = bytes(byte ^ 0xFF for byte in data[60:120])
    elif damage == "flipped":
        data[20:40] = bytes(byte ^ 0xFF for byte in data[20:40])
    path.write_bytes(
        {"empty": b"", "text": b"not numpy at all\n", "truncated": bytes(data[: len(data) // 2])}.get(damage, bytes(data))
    )
    with pytest.raises(InputError, match="not a readable NumPy file"):
        read_samples(path, [IMAGE])


def test_python_objects_are_not_loaded(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not a readable NumPy file"):
        read_samples(tmp_path / "x.npy", [IMAGE])
