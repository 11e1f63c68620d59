"""Short notation for functions of several elementwise ops."""

from __future__ import annotations

from dataclasses import dataclass

from qspec.graph.ops import Slot
from qspec.lowering.site import Site
from qspec.lowering.writing import binary, select, type_of, unary

Term = int | float
"""A tensor of the draft (int), or a number (float), which becomes a constant of one value."""

_COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")


@dataclass(frozen=True)
class Formula:
    """Writes the ops of a function of a layer call. Each tensor has a name: it is `inner` by that name, and "" is the
    layer's result. A number that an op takes is `inner["<name>_constant"]`; that of the result is `inner["constant"]`.
    """

    site: Site

    def __call__(self, name: str, kind: str, first: Term, second: Term | None = None) -> int:
        """An op on one or two terms."""
        if second is None:
            assert isinstance(first, int)
            return unary(self.site, kind, first, self.slot(name))
        left, right = self._operand(name, first), self._operand(name, second)
        if kind in _COMPARISONS:
            return binary(self.site, kind, left, right, self.slot(name) if name == "" else None, "bool")
        return binary(self.site, kind, left, right, self.slot(name))

    def where(self, name: str, condition: int, yes: Term, no: Term) -> int:
        """*yes* where the condition holds, else *no*. One of both is a tensor."""
        chosen = [
            each if isinstance(each, int) else self.site.inner_constant(f"{which}_{name}".rstrip("_"), (), each)
            for which, each in (("yes", yes), ("no", no))
        ]
        return select(self.site, condition, chosen[0], chosen[1], self.slot(name))

    def truth(self, name: str, kind: str, first: int, second: int | None = None) -> int:
        """An op on booleans."""
        slot = self.slot(name) if name == "" else None
        if second is None:
            return unary(self.site, kind, first, slot)
        return binary(self.site, kind, first, second, slot)

    def slot(self, name: str) -> Slot:
        """Where the tensor of this name stands."""
        return self.site.inner(name) if name else self.site.output

    def _operand(self, name: str, term: Term) -> int:
        if isinstance(term, int):
            return term
        return self.site.inner_constant(f"{name}_constant".lstrip("_"), (), term)


def boolean(site: Site, tensor: int, key: str = "zero") -> int:
    """The tensor as booleans: what differs from 0."""
    type_ = type_of(site, tensor)
    if type_ == "bool":
        return tensor
    zero = site.inner_constant(key, (), 0.0) if type_ == "float32" else site.draft.constant(0, (), type_)
    return binary(site, "NOT_EQUAL", tensor, zero, None, "bool")
