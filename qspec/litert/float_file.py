"""The float flatbuffer that the converter lowers, and which tensor of the plan each of its tensors is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


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
        from qspec.litert.interpreter import make_interpreter

        interpreter = make_interpreter(self.content, kernels="fast")
        inputs = [detail["index"] for detail in interpreter.get_input_details()]
        outputs = [detail["index"] for detail in interpreter.get_output_details()]
        for batch in batches:
            _feed(interpreter, inputs, batch)
            interpreter.invoke()
            found = {tensor: interpreter.get_tensor(index) for tensor, index in zip(self.outputs, outputs, strict=True)}
            yield found | dict(zip(self.inputs, batch, strict=True))


def _feed(interpreter: Any, inputs: Sequence[int], batch: Sequence[np.ndarray]) -> None:
    for index, array in zip(inputs, batch, strict=True):
        if interpreter.tensor(index)().shape != array.shape:
            interpreter.resize_tensor_input(index, array.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(index, np.ascontiguousarray(array))
