"""Accuracy: how often the largest of a model's outputs is the labelled class, for each sample, step or pixel."""

from __future__ import annotations

import numpy as np

_THRESHOLD = 0.5  # of an output of one channel, as in Keras' `binary_accuracy`


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """The share (0 to 1) of all positions before the last axis at which *outputs* (samples first, channels last) name
    the class that *labels* do: the largest channel; of one channel 1 above a half, else 0.

    *labels* are usable: `label_problem` finds none.
    """
    several = outputs.shape[-1] > 1
    predicted = outputs.argmax(-1) if several else outputs > _THRESHOLD
    return float(np.mean(predicted.reshape(-1) == _classes(outputs, labels)))


def label_problem(outputs: np.ndarray, labels: np.ndarray) -> tuple[str, str] | None:
    """Why *labels* are no classes of these *outputs*, and what to give instead; None where they are."""
    classes = _classes(outputs, labels)
    if classes is None:
        return (
            f"`accuracy_drop` needs a class for each sample, and there are labels of shape {labels.shape}, type "
            f"{labels.dtype}, for outputs of shape {outputs.shape}",
            "give whole numbers, or one-hot rows",
        )
    channels = outputs.shape[-1]
    last = max(channels, 2) - 1
    least, largest = classes.min(), classes.max()
    if least >= 0 and largest <= last:
        return None
    found = f"the labels run from {least:g} to {largest:g}" if least != largest else f"each label is {least:g}"
    if channels == 1:
        return f"{found}, and the output has one channel, whose classes are 0 and 1", "give labels of 0 and 1"
    return f"{found}, and the output's {channels} channels are the classes 0 to {last}", "count classes from 0"


def _classes(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """The class at each position, of labels that are classes or one-hot rows; None of others."""
    if labels.dtype.kind not in "biuf":
        return None
    if labels.ndim == outputs.ndim and labels.shape[-1] == outputs.shape[-1] > 1:
        largest = labels == labels.max(-1, keepdims=True)
        return largest.argmax(-1).reshape(-1) if (largest.sum(-1) == 1).all() else None
    classes = labels.reshape(-1)
    if classes.size != outputs.size // outputs.shape[-1]:
        return None
    return classes if np.array_equal(classes, np.rint(classes)) else None
