"""What a raw operation is called with: tensors, and constants that the model's config holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qspec.graph.layers import Shape, Value
from qspec.lowering.literals import Literal, Parameter, literal
from qspec.lowering.site import Site, Unsupported

Operand = int | Literal
"""A tensor of the draft, or a constant."""

_INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


class Arguments:
    """The arguments of a call by position, or by the name that they have in the operation's `call`."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tensors = dict(zip(site.call.inputs, site.inputs, strict=True))

    def raw(self, position: int, name: str = "") -> Any:
        """An argument as the config has it; None if it is not given."""
        call = self.site.call
        return call.arguments[position] if position < len(call.arguments) else call.keywords.get(name)

    def operand(self, position: int, name: str = "") -> Operand:
        """An argument that must be given."""
        return self.resolved(self.raw(position, name), name or str(position))

    def resolved(self, value: Any, name: str = "") -> Operand:
        """The tensor or constant that *value*, an argument called *name*, stands for."""
        if isinstance(value, Value):
            return self.tensors[value]
        return literal(value, f"args.{name}")

    def optional(self, position: int, name: str = "") -> Operand | None:
        """An argument that may be missing."""
        return None if self.raw(position, name) is None else self.operand(position, name)

    def tensor(self, position: int = 0, name: str = "x") -> int:
        """An argument that must be a tensor."""
        found = self.operand(position, name)
        if isinstance(found, Literal):
            raise Unsupported("it computes with constants alone")
        return found

    def several(self, position: int = 0, name: str = "xs") -> list[Operand]:
        """An argument that is a list of tensors and constants."""
        found = self.raw(position, name)
        if not isinstance(found, list | tuple):
            raise Unsupported("it is not called with a list of tensors")
        return [self.resolved(item, name) for item in found]


def flat_values(structure: object) -> list[Value]:
    """The tensors of an argument that is one, or lists of them, in order."""
    if isinstance(structure, Value):
        return [structure]
    return [value for item in structure for value in flat_values(item)] if isinstance(structure, list | tuple) else []


def shape_of(site: Site, operand: Operand) -> Shape:
    """The shape of an operand."""
    return operand.shape if isinstance(operand, Literal) else site.shape(operand)


def type_of(site: Site, operand: Operand) -> str:
    """The type of an operand."""
    return operand.type if isinstance(operand, Literal) else site.draft.tensors[operand].type


def common_type(site: Site, operands: Iterable[Operand]) -> str:
    """The type in which Keras computes with *operands* (`keras/src/backend/common/dtypes.py`, as far as LiteRT has
    kernels)."""
    operands = list(operands)
    strong = {type_of(site, operand) for operand in operands if not isinstance(operand, Literal) or not operand.weak}
    weak = {operand.type for operand in operands if isinstance(operand, Literal) and operand.weak}
    if "float32" in strong | weak:
        return "float32"
    if strong == {"int32", "int64"}:
        return "int64"
    if len(strong) == 1 and (strong <= set(_INTEGERS) or not weak):
        return strong.pop()
    raise Unsupported(f"it mixes {' and '.join(sorted(strong | weak))}")


def as_tensor(site: Site, operand: Operand, type_: str, key: str) -> int:
    """The operand as a tensor of a type: a constant called *key*, or the tensor itself, cast if need be."""
    if isinstance(operand, Literal):
        return constant(site, operand, type_, key)
    found = site.draft.tensors[operand].type
    if found == type_:
        return operand
    slot = site.inner(f"{key}_as_{type_}")
    return site.write("CAST", [operand], site.shape(operand), slot, type_, **cast_types(found, type_))


def cast_types(source: str, result: str) -> dict[str, str]:
    """The attributes of a CAST."""
    return {"in_data_type": source.upper(), "out_data_type": result.upper()}


def constant(site: Site, value: Literal, type_: str, key: str) -> int:
    """A constant operand: one that a spec may speak of, `inner["…"]`, if it is of real numbers."""
    if isinstance(value, Parameter):
        if value.type != "float32" or type_ != "float32":
            raise Unsupported(f"it reads a variable of {value.type}")
        return site.inner_constant(key, value.shape, source=value.read())
    if type_ == "float32":
        return site.inner_constant(key, value.shape, value.mapped(float).value)
    return site.draft.constant(value.mapped(bool if type_ == "bool" else int).value, value.shape, type_)


def real(site: Site, operand: Operand, key: str = "input") -> int:
    """The operand as a tensor of real numbers, as Keras casts integers for a function of reals."""
    return as_tensor(site, operand, "float32", key)
