"""The `require` statements that need the file or data: size, parity, signal to noise, accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import REQUIREMENT_FAILED
from qspec.keras.accuracy import accuracy, label_problem
from qspec.keras.data import Samples
from qspec.keras.execution.simulation import Hooks
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.lint.asked_layer import asked_tensors
from qspec.lint.facts import Deployed, Facts, gather
from qspec.lint.noise import NoiseEntry, largest_entry, noise_advice, noise_places
from qspec.lint.requirement_advice import advice, places
from qspec.lint.requirement_failed import hold, path_words, placement_value
from qspec.litert.parity import Parity
from qspec.litert.predict import predict
from qspec.litert.verify import is_computed, read_tensors, sqnr
from qspec.lowering.one_batch import holds_for_one_batch
from qspec.numerics import Parameters
from qspec.plan.places import Related
from qspec.schema.conditions import nodes
from qspec.schema.evaluate import UNKNOWN
from qspec.schema.spec import Requirement, Spec
from qspec.syntax import tree

_A_FEW = 16  # samples


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
        """An error for every `require` that does not hold, or that what is given cannot decide."""
        for requirement in self.spec.requirements:
            yield from hold(
                requirement,
                self.value,
                self.call,
                help=partial(self._advice, requirement),
                related=partial(self._places, requirement),
                undecided=partial(self._undecided, requirement),
            )

    def _advice(self, requirement: Requirement, quantities: Sequence[str]) -> str:
        worst = self.parity.worst
        if _asks_for_noise(quantities):
            entry = self._noise_entry(requirement)
            return "" if entry is None else noise_advice(self._facts, entry)
        if "parity" in quantities and worst is not None and worst.largest:
            equal = f"{worst.equal:.2%} of its {worst.elements:,} elements are equal"
            allowed = worst.largest <= worst.allowed
            kernel = f"; its kernel may round by {worst.allowed} lsb otherwise" if allowed else ""
            return f"the difference is largest at `{worst.layer}` ({worst.op}): {equal}{kernel}"
        return advice(self._facts, quantities)

    def _places(self, requirement: Requirement, quantities: Sequence[str]) -> Related:
        if not _asks_for_noise(quantities):
            return places(self._facts, quantities)
        entry = self._noise_entry(requirement)
        return () if entry is None else noise_places(self.model.plan, entry)

    def _noise_entry(self, requirement: Requirement) -> NoiseEntry | None:
        plan = self.model.plan
        calls = [node for node in nodes(requirement.condition) if isinstance(node, tree.Call)]
        of_layers = (call for call in calls if call.function.head.text == "sqnr")
        asked = [tensor for call in of_layers for tensor in asked_tensors(call, plan)]
        return largest_entry(plan.ops.ops, self._ratios, asked or plan.ops.outputs)

    def _undecided(self, requirement: Requirement) -> Iterator[Diagnostic]:
        parts = [part for part in nodes(requirement.condition) if isinstance(part, tree.Path | tree.Call)]
        reasons = {part.span: reason for part in parts if (reason := self._missing(part)) is not None}
        for span, (message, hint) in (
            reasons or {requirement.condition.span: ("what it asks for has no value here", "")}
        ).items():
            yield REQUIREMENT_FAILED.at(span, f"this requirement cannot be decided: {message}", help=hint)

    def _missing(self, part: tree.Path | tree.Call) -> tuple[str, str] | None:
        """What is missing to measure *part*, and what to do about it; None if nothing is."""
        path = part.function if isinstance(part, tree.Call) else part
        if path.trailers or path.head.text not in ("sqnr", "accuracy_drop"):
            return None
        name = path.head.text
        if self.samples is None:
            return f"`{name}` needs samples", "give them: `qspec.export(model, path, samples)`"
        return self._unlabelled() if name == "accuracy_drop" else None

    def _unlabelled(self) -> tuple[str, str] | None:
        """Why accuracy cannot be told."""
        outputs = self.model.plan.layers.output_names
        if len(outputs) != 1:
            return f"`accuracy_drop` is of one output, and the model has {len(outputs)}", 'ask for `sqnr("layer")`'
        assert self.samples is not None
        labels = self.samples.labels
        if labels is None:
            return (
                "`accuracy_drop` needs labels",
                "give them as `y` in the `.npz` file or the dict, or batches of `(x, y)`",
            )
        return label_problem(self.float_outputs[0], labels)

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
                return self.sqnr
            case "accuracy_drop" if self.accuracy is not None:
                before, after = self.accuracy
                return 100 * (before - after)
        return UNKNOWN

    def call(self, call: tree.Call) -> Any:
        """`sqnr("path")`: of the outputs of one layer, the worst, against the float model's."""
        if call.function.head.text != "sqnr":
            return UNKNOWN
        tensors = [tensor for tensor in asked_tensors(call, self.model.plan) if tensor in self.indices]
        if self.samples is None or not tensors:
            return UNKNOWN
        return min(self._tensor_ratios(tensors, self.samples.inputs).values(), default=UNKNOWN)

    @cached_property
    def sqnr(self) -> float:
        """Of the file's outputs against the float model's, in dB; only where there are samples."""
        return sqnr(_joined(self.float_outputs), _joined(self.file_outputs))

    @cached_property
    def accuracy(self) -> tuple[float, float] | None:
        """Of the float model and of the file, each a share of 0 to 1; None without labels that are classes."""
        if self.samples is None or self.samples.labels is None or self._unlabelled() is not None:
            return None
        labels = self.samples.labels
        return accuracy(self.float_outputs[0], labels), accuracy(self.file_outputs[0], labels)

    @cached_property
    def deployed(self) -> tuple[Deployed, ...]:
        """Where each deployed target runs the ops."""
        return self._facts.deployed

    @cached_property
    def _facts(self) -> Facts:
        return gather(self.spec, self.model.plan)

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

    @cached_property
    def _ratios(self) -> dict[int, float]:
        """The signal-to-noise ratio in dB of every tensor that both models have; a few samples show it."""
        assert self.samples is not None
        plan = self.model.plan
        count = plan.batch if holds_for_one_batch(plan.layers) else _A_FEW
        computed = (tensor for tensor in self.indices if is_computed(plan, tensor))
        return self._tensor_ratios(computed, [array[:count] for array in self.samples.inputs])

    def _tensor_ratios(self, tensors: Iterable[int], inputs: Sequence[np.ndarray]) -> dict[int, float]:
        """The signal-to-noise ratio in dB of the file's *tensors*, against the float model's, for *inputs*."""
        seen: dict[int, Any] = {}

        class Seen(Hooks):
            def tensor(self, tensor: int, value: Any) -> Any:
                seen[tensor] = value
                return value

        self.model.simulation.run_apart(self.model.flat_inputs(list(inputs)), Seen())
        index = {tensor: self.indices[tensor] for tensor in tensors if tensor in seen}
        stored = read_tensors(self.content, list(inputs), self.model.plan.batch, index, self.parameters)
        pairs = ((tensor, np.asarray(seen[tensor]), value) for tensor, value in stored.items())
        return {tensor: sqnr(real, value) for tensor, real, value in pairs if real.shape == value.shape}


def _asks_for_noise(quantities: Sequence[str]) -> bool:
    return any(name.startswith(("sqnr", "accuracy_drop")) for name in quantities)


def _joined(outputs: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(output) for output in outputs])
