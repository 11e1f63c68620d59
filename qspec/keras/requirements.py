"""The `require` statements that need the file or data: size, parity, signal to noise, accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from qspec.diagnostics import Diagnostic
from qspec.graph.ops import Slot
from qspec.keras.data import Samples
from qspec.keras.execution.simulation import Hooks
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.lint.facts import Deployed, gather
from qspec.lint.requirement_failed import hold, path_words, placement_value, quantities
from qspec.litert.parity import Parity
from qspec.litert.predict import predict
from qspec.litert.verify import read_tensors, sqnr
from qspec.numerics import Parameters
from qspec.schema.evaluate import UNKNOWN
from qspec.schema.spec import Spec
from qspec.syntax import tree

_MEASURED = frozenset({"size", "parity", "sqnr", "accuracy_drop"})


@dataclass(frozen=True, eq=False)
class Measurement:
    """What can be asked of a written file, computed when it is asked. `samples` are None where no data was given."""

    model: QuantizedModel
    spec: Spec
    content: bytes
    parity: Parity
    parameters: dict[int, Parameters]
    indices: dict[int, int]
    samples: Samples | None

    def problems(self) -> Iterator[Diagnostic]:
        """An error for every `require` that asks for something measured and does not hold; `check` answers the rest."""
        for requirement in self.spec.requirements:
            if quantities(requirement) & _MEASURED:
                yield from hold(requirement, self.value, self.call)

    def value(self, path: tree.Path) -> Any:
        """`size` (bytes), `parity` (LSB), `sqnr` (dB), `accuracy_drop` (percentage points), and what the plan tells:
        `ops`, and a deployed target's coverage, partitions and parameters."""
        if path.trailers:
            return placement_value(path_words(path), self.deployed)
        match path.head.text:
            case "ops":
                return len(self.model.plan.ops.ops)
            case "size":
                return len(self.content)
            case "parity":
                return self.parity.largest
            case "sqnr" if self.samples is not None:
                return sqnr(_joined(self.float_outputs), _joined(self.file_outputs))
            case "accuracy_drop" if self.samples is not None and self.samples.labels is not None:
                return self._accuracy_drop(self.samples.labels)
        return UNKNOWN

    def call(self, call: tree.Call) -> Any:
        """`sqnr("path")`: of one layer's output, against the float model's."""
        argument = call.arguments[0].value if call.arguments else None
        if call.function.head.text != "sqnr" or not isinstance(argument, tree.String) or self.samples is None:
            return UNKNOWN
        calls = [call.index for call in self.model.plan.layers.calls if call.layer.path == argument.text]
        tensors = [self.model.plan.ops.slots.get(Slot(index, "output", 0)) for index in calls]
        ratios = [self._tensor_sqnr(tensor) for tensor in tensors if tensor is not None]
        return min(ratios) if ratios else UNKNOWN

    @cached_property
    def deployed(self) -> tuple[Deployed, ...]:
        """Where each deployed target runs the ops."""
        return gather(self.spec, self.model.plan).deployed

    @cached_property
    def file_outputs(self) -> list[np.ndarray]:
        """The file's outputs, dequantized, with the built-in kernels."""
        assert self.samples is not None
        outputs = predict(self.content, list(self.samples.inputs), "built_in")
        return outputs if isinstance(outputs, list) else [outputs]

    @cached_property
    def float_outputs(self) -> list[np.ndarray]:
        """The float model's outputs."""
        assert self.samples is not None
        given = self.model.simulation.live.given(self.samples.inputs)
        outputs = self.model.float_model.predict(given, verbose=0)
        return [np.asarray(output) for output in keras.tree.flatten(outputs)]

    def _accuracy_drop(self, labels: np.ndarray) -> Any:
        if len(self.float_outputs) != 1:
            return UNKNOWN
        before, after = (_accuracy(outputs[0], labels) for outputs in (self.float_outputs, self.file_outputs))
        return 100 * (before - after)

    def _tensor_sqnr(self, tensor: int) -> float:
        assert self.samples is not None
        seen: dict[int, Any] = {}

        class Seen(Hooks):
            def tensor(self, tensor: int, value: Any) -> Any:
                seen[tensor] = value
                return value

        inputs = list(self.samples.inputs)
        self.model.simulation.run_apart(self.model.flat_inputs(inputs), Seen())
        index = {tensor: self.indices[tensor]}
        stored = read_tensors(self.content, inputs, self.model.plan.batch, index, self.parameters)[tensor]
        return sqnr(np.asarray(seen[tensor]), stored)


def _joined(outputs: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(output) for output in outputs])


def _accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    """The share of samples whose largest output is the labelled class; labels are classes or one-hot rows."""
    classes = labels.argmax(-1) if labels.ndim == outputs.ndim and labels.shape[-1] > 1 else labels.reshape(-1)
    predicted = outputs.argmax(-1).reshape(-1) if outputs.shape[-1] > 1 else (outputs.reshape(-1) > 0.5).astype(int)
    return float(np.mean(predicted == classes.reshape(-1)))
