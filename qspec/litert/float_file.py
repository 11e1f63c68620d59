"""The float flatbuffer that the converter lowers, and which tensor of the plan each of its tensors is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qspec.litert.interpreter import make_interpreter, run


@dataclass(frozen=True, eq=False)
class FloatFile:
    """A float `.tflite` in which every tensor that the plan speaks of is an input or an output of the graph.

    `inputs` and `outputs` are the plan's tensor ids in the order of the graph's. Tensors are found by position: the
    converter keeps the order of outputs, while names become those of whatever was fused.
    """

    content: bytes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def run(self, batches: Iterable[Sequence[np.ndarray]]) -> Iterator[dict[int, np.ndarray]]:
        """The value of every planned tensor, for each batch of inputs in turn."""
        interpreter = make_interpreter(self.content, kernels="fast")
        for batch in batches:
            yield dict(zip((*self.outputs, *self.inputs), (*run(interpreter, batch), *batch), strict=True))
