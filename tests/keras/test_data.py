"""Every form of data that people hand over, and what is said of data that cannot be used."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qspec import SpecError
from qspec.graph.layers import LayerGraph
from qspec.keras.data import read_data_file, read_samples

ONE = LayerGraph("one", "one", (), (), (), ("image",), ("out",))
TWO = LayerGraph("two", "two", (), (), (), ("left", "right"), ("out",))
A, B = np.arange(12.0).reshape(6, 2), np.arange(6.0).reshape(6, 1)


@pytest.mark.parametrize(
    "data",
    [A, [A], {"image": A}, [A[:4], A[4:]], iter([A[:1], A[1:]]), [(A[:3], B[:3]), (A[3:], B[3:])], [{"image": A}]],
    ids=["array", "list", "dict", "batches", "generator", "labelled", "dict batches"],
)
def test_one_input(data):
    assert np.array_equal(A, read_samples(data, ONE, [(1, 2)]).inputs[0])


@pytest.mark.parametrize(
    "data",
    [[A, B], {"right": B, "left": A}, [[A[:2], B[:2]], [A[2:], B[2:]]], [({"left": A, "right": B}, B)]],
    ids=["list", "dict", "batches", "labelled dict"],
)
def test_two_inputs(data):
    left, right = read_samples(data, TWO, [(1, 2), (1, 1)]).inputs

    assert np.array_equal(A, left)
    assert np.array_equal(B, right)


def test_a_dataset_with_labels():
    import tensorflow as tf

    samples = read_samples(tf.data.Dataset.from_tensor_slices((A, B)).batch(4), ONE, [(1, 2)])

    assert np.array_equal(A, samples.inputs[0])
    assert np.array_equal(B, samples.labels)


def test_no_more_than_asked_for_is_read():
    assert 3 == len(read_samples(([A[i : i + 2]] for i in range(0, 99, 2)), ONE, [(1, 2)], limit=3))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (A[:0], "no samples"),
        (A[:, :1], "has shape (6, 1), the model takes (samples, 2)"),
        ({"picture": A}, "no `image`"),
        (np.where(A > 3, np.nan, A), "NaN or infinity"),
        (np.array([["a", "b"]]), "values of type"),
        (7, "cannot read samples from a `int`"),
        ([A[:3], A[3:, :1]], "has shape (3, 1), the model takes (samples, 2)"),
        ("a.npy", "the data is a path, `a.npy`"),
        (Path("a.npy"), "the data is a path, `a.npy`"),
        ([(A, np.arange(5))], "`y` has 5 labels for 6 samples"),
        ([(A, [0, 1])], "`y` has 2 labels for 6 samples"),
        ({"image": A, "y": np.arange(7)}, "`y` has 7 labels for 6 samples"),
    ],
)
def test_unusable_data_is_told_in_words(data, message):
    with pytest.raises(SpecError, match="QS504") as caught:
        read_samples(data, ONE, [(1, 2)])

    assert message in caught.value.diagnostics[0].message


def test_data_files(tmp_path):
    np.save(tmp_path / "a.npy", A)
    np.savez(tmp_path / "b.npz", image=A, y=B)
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 no archive")

    assert np.array_equal(A, read_data_file(tmp_path / "a.npy"))
    assert np.array_equal(B, read_samples(read_data_file(tmp_path / "b.npz"), ONE, [(1, 2)]).labels)
    for missing in ("c.npz", "d.npy"):
        with pytest.raises(SpecError, match="QS504"):
            read_data_file(tmp_path / missing)


def test_batches_of_different_sizes_where_any_size_goes():
    with pytest.raises(SpecError, match="different shapes"):
        read_samples([np.zeros((1, 2)), np.zeros((1, 3))], ONE, [(1, None)])


@pytest.mark.parametrize("labels", [{"a": B, "b": B}, [B, B], None], ids=["dict", "list", "none"])
def test_labels_of_several_outputs_are_left_aside(labels):
    samples = read_samples([(A, labels)], ONE, [(1, 2)])

    assert np.array_equal(A, samples.inputs[0])
    assert samples.labels is None


@pytest.mark.parametrize("labels", [{"a": B}, B.tolist(), B], ids=["dict", "numbers", "array"])
def test_labels_of_one_output(labels):
    assert np.array_equal(B, read_samples([(A, labels)], ONE, [(1, 2)]).labels)


def test_a_dict_holds_labels_as_y():
    samples = read_samples({"image": A, "y": B, "noise": A}, ONE, [(1, 2)])

    assert np.array_equal(B, samples.labels)
    assert ("noise",) == samples.unused
    assert ("noise",) == samples.take(slice(0, 2)).unused


def test_an_input_named_y_is_an_input():
    samples = read_samples({"y": A}, replace(ONE, input_names=("y",)), [(1, 2)])

    assert np.array_equal(A, samples.inputs[0])
    assert (None, ()) == (samples.labels, samples.unused)


@pytest.mark.parametrize("data", [(A, B[:, 0]), [A, B[:, 0]], [[A, B]]], ids=["tuple", "list", "list of lists"])
def test_labels_beside_the_samples_are_told_how_to_be_written(data):
    with pytest.raises(SpecError) as caught:
        read_samples(data, ONE, [(1, 2)])

    assert caught.value.diagnostics[0].help.endswith("samples with labels are a tuple in a list: `[(x, y)]`")


def test_integers_stay_integers():
    indices = np.array([[1.0, 2.0], [3.0, 0.0]])

    samples = read_samples(indices, ONE, [(1, 2)], types=["int32"])

    assert "int32" == samples.inputs[0].dtype
    assert np.array_equal(indices, samples.inputs[0])


def test_numbers_that_are_no_integers_are_an_error():
    with pytest.raises(SpecError, match="takes int32"):
        read_samples(np.array([[0.5, 1.0]]), ONE, [(1, 2)], types=["int32"])
