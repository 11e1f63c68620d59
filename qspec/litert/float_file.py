"""The float flatbuffer that integers are written into, and which tensor of the plan each of its tensors is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qspec.litert.float_states import cell_state, cell_states
from qspec.litert.interpreter import make_interpreter, run
from qspec.litert.own_operators import OwnOperator


@dataclass(frozen=True, eq=False)
class FloatFile:
    """A float `.tflite` in which every tensor that the plan speaks of is an input or an output of the graph.

    `inputs` and `outputs` are the plan's tensor ids in the order of the graph's. Tensors are found by position: the
    converter keeps the order of outputs, while names become those of whatever was fused. `own` are the operators that
    are not the converter's.
    """

    content: bytes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    own: tuple[OwnOperator, ...] = ()

    def run(
        self, batches: Iterable[Sequence[np.ndarray]], states: Collection[int] = ()
    ) -> Iterator[dict[int, np.ndarray]]:
        """The value of every planned tensor, for each batch of inputs in turn; of the cell states among *states*, those
        behind every step."""
        interpreter = make_interpreter(self.content, kernels="fast")
        for batch in batches:
            values = dict(zip((*self.outputs, *self.inputs), (*run(interpreter, batch), *batch), strict=True))
            shown = {cell_state(own): cell_states(own, values) for own in self.own if cell_state(own) in states}
            yield values | shown
