"""How the ops of a plan read its tensors: as they are, or as a QUANTIZE, DEQUANTIZE or CAST makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from qspec.graph.ops import Op
from qspec.plan.plan import Plan


class Readings:
    """Looks up what the ops of layers read in *plan*."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._added = len(plan.predicted.tensors)  # a tensor from here on is one that the plan added

    def of(self, call: int, tensor: int) -> Mapping[int, Sequence[Op]]:
        """The tensors that ops of a call read for *tensor*, itself or casts of it, each with those ops."""
        return self._of.get((call, tensor), {})

    def casts(self, source: int, result: int) -> Sequence[str]:
        """The kinds of the ops that make the tensor *result* of *source*, in order."""
        kinds = []
        while result != source:
            kinds.append(self._casts[result].kind)
            (result,) = self._casts[result].inputs
        return kinds[::-1]

    @cached_property
    def _casts(self) -> Mapping[int, Op]:
        """By their results; those that the plan adds come from no call of a layer."""
        return {op.outputs[0]: op for op in self._plan.ops.ops if not op.calls}

    @cached_property
    def _of(self) -> Mapping[tuple[int, int], Mapping[int, Sequence[Op]]]:
        found: dict[tuple[int, int], dict[int, list[Op]]] = {}
        for op in self._plan.ops.ops:
            for read in dict.fromkeys(op.inputs):
                for call in op.calls:
                    found.setdefault((call, self._source(read)), {}).setdefault(read, []).append(op)
        return found

    def _source(self, tensor: int) -> int:
        while tensor >= self._added and tensor in self._casts:
            (tensor,) = self._casts[tensor].inputs
        return tensor
