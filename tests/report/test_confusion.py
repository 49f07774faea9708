"""Confusion matrices: the counts against scikit-learn's, the picture by its colours."""

import numpy as np
import pytest

from tvm_tiny.errors import OutputError
from tvm_tiny.report.confusion import confusion_matrix, plot_confusion


def test_counts_are_those_of_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    actual, predicted = rng.integers(0, 7, (2, 500))
    np.testing.assert_array_equal(confusion_matrix(actual, predicted, 7), metrics.confusion_matrix(actual, predicted))


def test_rows_are_the_actual_classes():
    np.testing.assert_array_equal(confusion_matrix(np.array([0, 0, 1]), np.array([0, 2, 1]), 3), [[1, 0, 1], [0, 1, 0], [0, 0, 0]])


def test_no_samples_give_an_empty_matrix():
    none = np.zeros(0, np.int64)
    np.testing.assert_array_equal(confusion_matrix(none, none, 2), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("actual", "predicted", "reason"),
    [
        ([0, 1], [0], r"one length.*\(2,\) and \(1,\)"),
        ([[0, 1]], [[0, 1]], "two vectors"),
        ([0, 3], [0, 1], "0 to 2, found 0 to 3"),
        ([0, 1], [-1, 1], "0 to 2, found -1 to 1"),
        ([0, 1], [0.0, 1.0], "integers, found float64"),
    ],
)
def test_what_is_no_pair_of_class_vectors_is_refused(actual, predicted, reason):
    with pytest.raises(ValueError, match=reason):
        confusion_matrix(np.array(actual), np.array(predicted), 3)


def pixels(path):
    """Red, green and blue of the picture, each in 0 to 1."""
    from matplotlib.image import imread

    return np.moveaxis(imread(path)[..., :3].astype(np.float64), -1, 0)


def share_of(path, *, orange):
    """Share of the picture that is clearly orange, or clearly blue."""
    red, _, blue = pixels(path)
    return np.mean(red - blue > 0.1) if orange else np.mean(blue - red > 0.1)


def test_picture_of_a_perfect_classifier_has_no_orange(tmp_path):
    path = plot_confusion(np.diag([3, 4, 5, 6]), tmp_path / "right.png", title="All right")
    assert share_of(path, orange=True) == 0
    assert share_of(path, orange=False) > 0.1


def test_one_error_among_thousands_is_seen(tmp_path):
    matrix = np.diag([10_000] * 10)
    matrix[3, 8] = 1
    path = plot_confusion(matrix, tmp_path / "one.png", title="One wrong")
    assert share_of(path, orange=True) > 0.004  # a cell is a hundredth of the matrix, which is most of the picture


def test_errors_stand_in_their_row_and_column(tmp_path):
    matrix = np.diag([5, 5, 5])
    matrix[2, 0] = 5  # actual 2, predicted 0: bottom left
    red, _, blue = pixels(plot_confusion(matrix, tmp_path / "corner.png", title="", names=["cat", "dog", "tit"]))
    rows, columns = np.nonzero(red - blue > 0.1)
    height, width = red.shape
    assert rows.min() > height / 2
    assert columns.max() < width / 2


def test_same_matrix_gives_the_same_file(tmp_path):
    one, other = (plot_confusion(np.eye(2, dtype=np.int64), tmp_path / name, title="t").read_bytes() for name in ("a.png", "b.png"))
    assert one == other


@pytest.mark.parametrize(("shape", "names"), [((2, 3), None), ((2, 2), ["only one"])])
def test_matrix_and_names_must_agree(tmp_path, shape, names):
    with pytest.raises(ValueError, match="square matrix and a name for each class"):
        plot_confusion(np.zeros(shape, np.int64), tmp_path / "x.png", title="", names=names)


def test_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match=r"no_such_folder.*No such file or directory"):
        plot_confusion(np.eye(2, dtype=np.int64), tmp_path / "no_such_folder" / "x.png", title="")
