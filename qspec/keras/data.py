"""The forms in which people hand over data, read as one: batches, each a list of arrays in the model's order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import DATA_NAMES, UNUSABLE_DATA
from qspec.graph.layers import LayerGraph, Shape

_ENDLESS = -1  # `tf.data.INFINITE_CARDINALITY`


@dataclass(frozen=True, eq=False)
class Samples:
    """Data in memory: one array per model input, each with the same number of samples along its first axis, and labels
    if there are any. `unused` are names in the data that neither an input of the model has nor labels."""

    inputs: tuple[np.ndarray, ...]
    labels: np.ndarray | None = None
    unused: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs[0])

    def take(self, indices: Any) -> Samples:
        """Some of them, by index or slice."""
        labels = None if self.labels is None else self.labels[indices]
        return replace(self, inputs=tuple(array[indices] for array in self.inputs), labels=labels)


def read_samples(
    data: Any, graph: LayerGraph, shapes: Sequence[Shape], limit: int | None = None, types: Sequence[str] = ()
) -> Samples:
    """Read *data*, at most *limit* samples of it, and check it against the model's input *shapes* (with the batch) and
    *types* (float32 unless they are given), which the samples then have.

    Takes a numpy array, a list of arrays (several inputs, in the model's order), a dict by input name, a
    `tf.data.Dataset`, or an iterable of batches of any of these; a batch may be a tuple `(x, y)` with labels, and a
    dict may hold them as `y`.

    Raises:
        SpecError: the data is empty, of another shape or number of inputs, or holds NaN or infinity.
    """
    if isinstance(data, (str, os.PathLike)):
        raise _unusable(f"the data is a path, `{data}`", "give the samples themselves, `numpy.load(path)`")
    if limit is None and hasattr(data, "cardinality") and int(data.cardinality()) == _ENDLESS:
        raise _unusable("the dataset never ends", "say how many samples to take: `calibrate { samples = … }`")
    batches: list[Samples] = []
    count = 0
    for batch in _batches(data, graph):
        for name, array, shape in zip(graph.input_names, batch.inputs, shapes, strict=True):
            _check(name, array, shape, _PAIR if isinstance(data, (list, tuple)) and len(data) == 2 else _FIRST_AXIS)
        batches.append(batch)
        count += len(batch)
        if limit is not None and count >= limit:
            break
    if not count:
        raise _unusable("the data holds no samples", "give at least one; a hundred or more are usual for calibration")
    try:
        joined = tuple(np.concatenate(parts) for parts in zip(*(batch.inputs for batch in batches), strict=True))
    except ValueError:
        raise _unusable("the batches have different shapes", "give samples of one size") from None
    wanted = types or ("float32",) * len(joined)
    joined = tuple(map(_as_type, graph.input_names, joined, wanted))
    labels = [batch.labels for batch in batches if batch.labels is not None]
    unused = tuple(dict.fromkeys(name for batch in batches for name in batch.unused))
    samples = Samples(joined, np.concatenate(labels) if len(labels) == len(batches) else None, unused)
    return samples.take(slice(0, limit)) if limit is not None else samples


def _batches(data: Any, graph: LayerGraph) -> Iterator[Samples]:
    names = graph.input_names
    if isinstance(data, (np.ndarray, Mapping)) or hasattr(data, "__array__"):
        yield _batch(data, graph)
    elif isinstance(data, (list, tuple)) and len(data) == len(names) and len(names) > 1 and _arrays(data):
        yield _batch(list(data), graph)
    elif isinstance(data, (list, tuple)) and len(names) == 1 and len(data) == 1 and _arrays(data):
        yield _batch(data[0], graph)
    elif hasattr(data, "__iter__"):
        for batch in data:
            yield _batch(batch, graph)
    else:
        raise _unusable(f"cannot read samples from a `{type(data).__name__}`", "give a numpy array with samples first")


def _arrays(parts: Sequence[Any]) -> bool:
    return all(hasattr(part, "__array__") for part in parts)


def _batch(batch: Any, graph: LayerGraph) -> Samples:
    labels = None
    unused: tuple[str, ...] = ()
    if isinstance(batch, tuple) and len(batch) in (2, 3) and _labelled(batch, graph):
        batch, labels = batch[0], batch[1]
    if isinstance(batch, Mapping):
        missing = [name for name in graph.input_names if name not in batch]
        if missing:
            found = ", ".join(f"`{name}`" for name in batch)
            raise _unusable(f"the data has no `{missing[0]}`, an input of the model", f"it has {found}")
        parts = [batch[name] for name in graph.input_names]
        unused = tuple(str(name) for name in batch if name not in graph.input_names)
        if labels is None and "y" in unused:
            labels, unused = batch["y"], tuple(name for name in unused if name != "y")
    elif isinstance(batch, (list, tuple)):
        parts = list(batch)
    else:
        parts = [batch]
    if len(parts) != len(graph.input_names):
        wanted = ", ".join(f"`{name}`" for name in graph.input_names)
        told = f"it takes {wanted}; {_LABELLED}" if len(parts) == len(graph.input_names) + 1 else f"it takes {wanted}"
        raise _unusable(f"the data has {len(parts)} inputs, the model {len(graph.input_names)}", told)
    arrays = tuple(np.asarray(part) for part in parts)
    if any(array.ndim == 0 for array in arrays):
        raise _unusable("the data is a single number", "give a numpy array with samples first")
    if len({len(array) for array in arrays}) > 1:
        counts = ", ".join(f"`{name}` {len(array)}" for name, array in zip(graph.input_names, arrays, strict=True))
        raise _unusable(
            f"the inputs have different numbers of samples: {counts}", "give one array for each, row by row"
        )
    return Samples(arrays, _labels(labels, len(arrays[0])), unused)


def _labels(labels: Any, count: int) -> np.ndarray | None:
    """One label for each sample; None where there are others, as those of a model with several outputs."""
    if isinstance(labels, Mapping):
        labels = next(iter(labels.values())) if len(labels) == 1 else None
    if labels is None or (isinstance(labels, (list, tuple)) and _arrays(labels) and len(labels) != count):
        return None
    array = np.asarray(labels)
    if array.ndim and len(array) != count:
        raise _unusable(f"`y` has {len(array):,} labels for {count:,} samples", "give one for each sample, row by row")
    return array if array.ndim else None


def _labelled(batch: tuple[Any, ...], graph: LayerGraph) -> bool:
    """Whether a pair is `(x, y)`, and not the two inputs of a model that takes two."""
    return isinstance(batch[0], (Mapping, list, tuple)) or len(batch) != len(graph.input_names)


_FIRST_AXIS = "the first axis counts the samples"
_LABELLED = "samples with labels are a tuple in a list: `[(x, y)]`"
_PAIR = f"{_FIRST_AXIS}; {_LABELLED}"


def _check(name: str, array: np.ndarray, shape: Shape, advice: str) -> None:
    if array.dtype.kind not in "fiub":
        raise _unusable(f"input `{name}` has values of type {array.dtype}", "give numbers")
    matches = array.ndim == len(shape) and all(
        want in (None, have) for want, have in zip(shape[1:], array.shape[1:], strict=False)
    )
    if not matches:
        wanted = ("samples", *("any" if size is None else size for size in shape[1:]))
        message = f"input `{name}` has shape {array.shape}, the model takes ({', '.join(map(str, wanted))})"
        raise _unusable(message, advice)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _unusable(f"input `{name}` holds NaN or infinity", "such a value would decide the range of every other")


def _as_type(name: str, array: np.ndarray, type_: str) -> np.ndarray:
    typed = array.astype(type_, copy=False)
    if type_ != "float32" and not np.array_equal(typed, array):
        raise _unusable(
            f"input `{name}` takes {type_}, and the data has other numbers", "give whole numbers in its range"
        )
    return typed


def _unusable(message: str, advice: str) -> SpecError:
    return SpecError([UNUSABLE_DATA.at(Place("data"), message, help=advice)])


_MODELS = (".keras", ".h5", ".hdf5", ".tflite")
_SAVE = "write samples with `numpy.save` or `numpy.savez`"


def read_data_file(path: str | os.PathLike[str]) -> Any:
    """The samples in a `.npy` file, or in a `.npz` file by input name; there `y` holds labels.

    An archive with one array besides `y` serves a model with one input, whatever the array's name.

    Raises:
        SpecError: the file cannot be read as such. Pickled objects are refused.
    """
    place = Place(str(path))
    if str(path).endswith(_MODELS):
        raise SpecError([UNUSABLE_DATA.at(place, "this is a model, and samples are asked for", help=_SAVE)])
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {"": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise SpecError([UNUSABLE_DATA.at(place, "there is no such file")]) from None
    except Exception:  # whatever numpy and zipfile raise on damaged files
        message = "this is no `.npy` or `.npz` file that can be read"
        raise SpecError([UNUSABLE_DATA.at(place, message, help=_SAVE)]) from None
    labels = arrays.pop("y", None) if len(arrays) > 1 else None
    inputs = next(iter(arrays.values())) if len(arrays) == 1 else arrays
    return inputs if labels is None else [(inputs, labels)]


def name_doubts(path: str | os.PathLike[str], names: Sequence[str]) -> Iterator[Diagnostic]:
    """A warning where the one array of a `.npz` file, which was read, has another name than the one input (*names*)
    of the model, for which it is taken."""
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return
    with loaded:
        arrays = loaded.files
    inputs = [name for name in arrays if name != "y" or len(arrays) == 1]
    if len(inputs) == len(names) == 1 and inputs[0] not in names:
        yield _doubted_name(Place(str(path)), inputs[0], f"is taken for the input `{names[0]}`", names)


def unused_names(unused: Iterable[str], names: Sequence[str]) -> Iterator[Diagnostic]:
    """A warning for each name in the data that is that of no input (*names*) of the model, nor that of labels."""
    for name in unused:
        yield _doubted_name(Place("data"), name, "is neither an input of the model nor `y`, and is not used", names)


def _doubted_name(place: Place, name: str, told: str, names: Sequence[str]) -> Diagnostic:
    wanted = ", ".join(f"`{name}`" for name in names)
    return DATA_NAMES.at(place, f"the array `{name}` {told}", help=f"the model takes {wanted}; `y` holds labels")
