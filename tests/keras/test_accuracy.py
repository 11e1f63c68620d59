"""Accuracy of classes, pixels and one channel, and labels that are no classes of an output."""

import numpy as np
import pytest

from qspec.keras.accuracy import accuracy, label_problem

THREE = np.array([[0.1, 0.7, 0.2], [0.8, 0.1, 0.1], [0.2, 0.3, 0.5], [0.4, 0.3, 0.3]])  # classes 1, 0, 2, 0
PIXELS = THREE.reshape(2, 2, 1, 3)
MASK = np.array([[0.1, 0.5], [0.51, 0.9]]).reshape(1, 2, 2, 1)  # classes 0, 0, 1, 1


@pytest.mark.parametrize(
    ("expected", "outputs", "labels"),
    [
        (1.0, THREE, np.array([1, 0, 2, 0])),
        (0.5, THREE, np.array([[1.0], [1.0], [2.0], [2.0]])),
        (0.75, THREE, np.eye(3)[[1, 0, 2, 2]]),
        (0.75, PIXELS, np.array([1, 0, 2, 1]).reshape(2, 2, 1)),
        (0.75, PIXELS, np.array([1, 0, 2, 1], np.uint8).reshape(2, 2, 1, 1)),
        (0.75, MASK, np.array([0, 1, 1, 1]).reshape(1, 2, 2)),
        (0.25, MASK, np.array([True, True, False, True]).reshape(1, 2, 2, 1)),
    ],
)
def test_the_share_of_classes_that_agree(expected, outputs, labels):
    assert label_problem(outputs, labels) is None
    assert expected == accuracy(outputs, labels)


@pytest.mark.parametrize(
    ("outputs", "labels", "words"),
    [
        (THREE, [1, 2, 3, 1], ["labels run from 1 to 3", "3 channels are the classes 0 to 2"]),
        (THREE, [-1, 0, 1, 2], ["labels run from -1 to 2"]),
        (THREE, [99] * 4, ["each label is 99"]),
        (THREE, [0, 1, 0.5, 1], ["needs a class for each sample", "(4,)", "(4, 3)"]),
        (THREE, [[1, 1, 0]] * 4, ["needs a class for each sample"]),
        (THREE, ["a"] * 4, ["needs a class for each sample"]),
        (PIXELS, [0, 1], ["needs a class for each sample", "(2,)", "(2, 2, 1, 3)"]),
        (MASK, [[[0, 255], [255, 0]]], ["labels run from 0 to 255", "one channel, whose classes are 0 and 1"]),
        (MASK, [[[-1, 1], [1, -1]]], ["labels run from -1 to 1"]),
    ],
)
def test_labels_that_are_no_classes_of_the_output(outputs, labels, words):
    message, advice = label_problem(outputs, np.array(labels))

    assert all(word in message for word in words), message
    assert advice
