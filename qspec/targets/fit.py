"""Does a tensor, stored so, fit an operand of a capability table?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from qspec.schema.operands import written
from qspec.schema.target import Operand, OperandWords
from qspec.targets.scope import OpScope
from qspec.targets.verdict import Representation

# A bias scale is the product of two float32 numbers; writers round it differently.
_RELATIVE_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Misfit:
    """How a tensor differs from what an operand takes; `weight` is larger the further away it is."""

    text: str
    weight: int
    undecided: bool = False

    def told(self, operands: Iterable[Operand]) -> str:
        """`weights` is int8, one scale per channel; taken: …, what *operands*, lines for the same one, take."""
        lines = tuple(operands)
        taken = dict.fromkeys(written(words) for line in lines for words in line.types)
        return f"`{lines[0].name}` {self.text}; taken: {' | '.join(taken)}"


def misfit(operand: Operand, stored: Representation, scope: OpScope) -> Misfit | None:
    """How *stored* differs from the closest alternative of *operand*; None if one fits."""
    differences: list[Misfit] = []
    for words in operand.types:
        difference = _difference(words, stored, scope)
        if difference is None:
            return None
        differences.append(difference)
    if not differences:
        return None
    return min(differences, key=lambda difference: difference.weight)


def _difference(words: OperandWords, stored: Representation, scope: OpScope) -> Misfit | None:
    if stored.type != words.type:
        # A float tensor is further from an integer form than another integer type is.
        far = stored.type.startswith("float") != words.type.startswith("float")
        return Misfit(f"is {stored.type}", 8 if far else 4)
    if words.granularity is not None and (stored.granularity or "per_tensor") != words.granularity:
        return Misfit(f"is {stored.type}, one scale {_spell_granularity(stored.granularity)}", 2)
    if words.axis is not None and stored.granularity == "per_channel" and stored.axis not in (None, words.axis):
        return Misfit(f"has its channels on axis {stored.axis}", 2)
    if words.scheme == "symmetric" and stored.scheme == "asymmetric" and stored.zero_point != 0:
        return Misfit("is asymmetric", 1)
    return _parameter_misfit(words, stored, scope)


def _parameter_misfit(words: OperandWords, stored: Representation, scope: OpScope) -> Misfit | None:
    if words.scale is not None and (stored.scale is None or not _close(stored.scale, words.scale)):
        return _parameter("scale", stored.scale)
    if words.zero_point is not None and stored.zero_point != words.zero_point:
        return _parameter("zero point", stored.zero_point)
    for scale, product in zip(_scales(stored), _products(words, len(_scales(stored)), scope), strict=False):
        if not _close(scale, product):
            return Misfit(f"has scale {scale:g}, not {' * '.join(words.scale_of)} = {product:g}", 1)
    return None


def _scales(stored: Representation) -> tuple[float, ...]:
    """The scales of a tensor, as far as they are known."""
    return stored.scales if stored.scale is None else (stored.scale,)


def _products(words: OperandWords, count: int, scope: OpScope) -> tuple[float, ...]:
    """What *count* scales of `scale(input * weights)` are to be; nothing where that is not known."""
    operands = [tensors[0].id for name in words.scale_of if (tensors := scope.operands.get(name))]
    factors = [_scales(scope.representation(tensor)) for tensor in operands]
    if not factors or len(factors) < len(words.scale_of) or any(len(scales) not in (1, count) for scales in factors):
        return ()
    return tuple(math.prod(scales[index % len(scales)] for scales in factors) for index in range(count))


def _parameter(name: str, value: float | None) -> Misfit:
    if value is None:
        return Misfit(f"has a {name} that is not known yet", 1, undecided=True)
    return Misfit(f"has {name} {value:g}", 1)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_RELATIVE_TOLERANCE)


def _spell_granularity(granularity: str | None) -> str:
    return (granularity or "per_tensor").replace("_", " ")
