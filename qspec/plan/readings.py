"""How the ops of a plan read its tensors: as they are, or as a QUANTIZE, DEQUANTIZE or CAST makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from qspec.graph.ops import Op
from qspec.plan.plan import Plan


def readings(plan: Plan) -> Mapping[tuple[int, int], Mapping[int, int]]:
    """What each op of a call reads for a tensor, by call index and tensor id: for the op's first result that tensor
    itself, or a cast of it."""
    found: dict[tuple[int, int], dict[int, int]] = {}
    for op in plan.predicted.ops:
        for tensor in op.inputs:
            for call in op.calls:
                read = plan.casts.get((op.outputs[0], tensor), tensor)
                found.setdefault((call, tensor), {})[op.outputs[0]] = read
    return found


class Readings:
    """Looks up what the ops of layers read in *plan*."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def of(self, call: int, tensor: int) -> Mapping[int, Sequence[Op]]:
        """The tensors that ops of a call read for *tensor*, itself or casts of it, each with those ops."""
        found: dict[int, list[Op]] = {}
        for result, read in self._of.get((call, tensor), {}).items():
            found.setdefault(read, []).append(self._makers[result])
        return found

    def casts(self, source: int, result: int) -> Sequence[str]:
        """The kinds of the ops that make the tensor *result* of *source*, in order."""
        kinds = []
        while result != source:
            kinds.append(self._makers[result].kind)
            (result,) = self._makers[result].inputs
        return kinds[::-1]

    @cached_property
    def _makers(self) -> Mapping[int, Op]:
        """The ops by their first results."""
        return {op.outputs[0]: op for op in self._plan.ops.ops}

    @cached_property
    def _of(self) -> Mapping[tuple[int, int], Mapping[int, int]]:
        return readings(self._plan)
