"""Raw operations on each value: arithmetic, functions, comparisons, choices.

A number that takes part is a constant: `inner["addend"]`, `inner["multiplier"]`, or `inner["x1"]` and `inner["x2"]` by
the names of Keras' arguments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.arguments import (
    Arguments,
    Operand,
    as_tensor,
    cast_types,
    common_type,
    constant,
    real,
    shape_of,
    type_of,
)
from qspec.lowering.formulas import boolean
from qspec.lowering.geometry import broadcast
from qspec.lowering.literals import Literal, Parameter, literal
from qspec.lowering.site import Lowering, Site, Unsupported
from qspec.lowering.writing import Step, aligned, binary, chain, select, unary


def function(kind: str) -> Lowering:
    """One op on real numbers."""

    def lower(site: Site) -> int:
        return unary(site, kind, real(site, Arguments(site).tensor()), site.output)

    return lower


def signed(kind: str) -> Lowering:
    """One op that takes integers as they are: `absolute`, `negative`, `sign`."""

    def lower(site: Site) -> int:
        tensor = Arguments(site).tensor()
        if type_of(site, tensor) not in ("float32", "int32"):
            raise Unsupported(f"it reads a tensor of {type_of(site, tensor)}")
        return unary(site, kind, tensor, site.output)

    return lower


def rounding(kind: str) -> Lowering:
    """`floor`, `ceil`, `round`: nothing to do for integers but the type."""

    def lower(site: Site) -> int:
        tensor = Arguments(site).tensor()
        if kind == "ROUND" and type_of(site, tensor) != "float32":
            return site.vanish(tensor)
        decimals = site.config.get("decimals")
        places = 0 if decimals.is_none else decimals.integer(-30, 30)
        if places == 0:
            return unary(site, kind, real(site, tensor), site.output)
        factors = site.inner_constant("factor", (), 10.0**places), site.inner_constant("divisor", (), 10.0**-places)
        shifted = binary(site, "MUL", real(site, tensor), factors[0], site.inner("shifted"))
        return binary(site, "MUL", unary(site, kind, shifted, site.inner("rounded")), factors[1], site.output)

    return lower


def square(site: Site) -> int:
    """`square`: SQUARE; x · x of integers."""
    tensor = Arguments(site).tensor()
    if type_of(site, tensor) == "float32":
        return unary(site, "SQUARE", tensor, site.output)
    return binary(site, "MUL", tensor, tensor, site.output)


# ---- two operands


def add(site: Site) -> int:
    """`x1 + x2`"""
    return _sum(site, "ADD", 1)


def subtract(site: Site) -> int:
    """`x1 - x2`; a number taken away is one added."""
    return _sum(site, "SUB", -1)


def _sum(site: Site, kind: str, sign: int) -> int:
    left, right = _pair(site)
    if isinstance(right, Literal) and not (isinstance(right, Parameter) and sign < 0):
        if right.uniform == 0 and _keeps(site, left, right):
            return site.vanish(_tensor(left))
        return _with_constant(
            site, "ADD", left, right.mapped(lambda number: sign * number) if sign < 0 else right, "addend"
        )
    if isinstance(left, Literal) and kind == "ADD":
        if left.uniform == 0 and _keeps(site, right, left):
            return site.vanish(_tensor(right))
        return _with_constant(site, "ADD", right, left, "addend")
    return _binary(site, kind, left, right)


def multiply(site: Site) -> int:
    """`x1 * x2`"""
    left, right = _pair(site)
    if isinstance(left, Literal):
        left, right = right, left
    if not isinstance(right, Literal):
        return _binary(site, "MUL", left, right)
    if right.uniform == 1 and _keeps(site, left, right):
        return site.vanish(_tensor(left))
    return _with_constant(site, "MUL", left, right, "multiplier")


def divide(site: Site) -> int:
    """`x1 / x2` in real numbers. By a constant: times its reciprocal, since DIV has no integer kernel."""
    left, right = _pair(site)
    if isinstance(right, Literal) and not isinstance(right, Parameter) and 0 not in right.flat:
        if right.uniform == 1 and _keeps(site, left, right) and type_of(site, left) == "float32":
            return site.vanish(_tensor(left))
        reciprocal = right.mapped(lambda number: 1 / number, "float32")
        return _with_constant(site, "MUL", left, reciprocal, "multiplier")
    return binary(site, "DIV", real(site, left, "x1"), real(site, right, "x2"), site.output)


def elementwise(kind: str) -> Lowering:
    """A binary op with a kernel of its own: MAXIMUM, MINIMUM, FLOOR_DIV, FLOOR_MOD."""

    def lower(site: Site) -> int:
        left, right = _pair(site)
        if kind in ("MAXIMUM", "MINIMUM") and isinstance(left, Literal):
            left, right = right, left
        if kind == "MAXIMUM" and isinstance(right, Literal) and right.uniform == 0 and _keeps(site, left, right):
            # The converter makes RELU of a maximum with 0.
            return unary(site, "RELU", real(site, left), site.output)
        return _binary(site, kind, *_shrunk(site, left, right))

    return lower


def power(site: Site) -> int:
    """`x1 ** x2`: SQUARE, SQRT, RSQRT where the exponent says so, else POW."""
    left, right = _pair(site)
    exponent = right.uniform if isinstance(right, Literal) else None
    kind = {2: "SQUARE", 0.5: "SQRT", -0.5: "RSQRT"}.get(exponent) if exponent is not None else None
    kept = isinstance(right, Literal) and _keeps(site, left, right) and common_type(site, (left, right)) == "float32"
    if exponent == 1 and kept:
        return site.vanish(_tensor(left))
    if kind is not None and kept:
        return unary(site, kind, real(site, left), site.output)
    return _binary(site, "POW", left, right)


def reciprocal(site: Site) -> int:
    """`1 / x`: DIV with the constant `inner["x1"]`."""
    tensor = real(site, Arguments(site).tensor())
    return binary(site, "DIV", site.inner_constant("x1", (), 1.0), tensor, site.output)


def comparison(kind: str) -> Lowering:
    """`==`, `<` and the others: a result of booleans."""

    def lower(site: Site) -> int:
        left, right = _shrunk(site, *_pair(site))
        type_ = common_type(site, (left, right))
        first, second = _of_type(site, (left, right), type_)
        return binary(site, kind, first, second, site.output, "bool")

    return lower


def logical(kind: str) -> Lowering:
    """`logical_and`, `logical_or`, `logical_xor` of booleans."""

    def lower(site: Site) -> int:
        left, right = (_boolean(site, operand) for operand in _pair(site))
        return binary(site, kind, left, right, site.output)

    return lower


def logical_not(site: Site) -> int:
    """`logical_not` of booleans; of numbers whether they are 0"""
    tensor = Arguments(site).tensor()
    type_ = type_of(site, tensor)
    if type_ != "bool":
        return binary(site, "EQUAL", tensor, constant(site, Literal(0, (), type_), type_, "zero"), site.output, "bool")
    return unary(site, "LOGICAL_NOT", _boolean(site, Arguments(site).tensor()), site.output)


def _boolean(site: Site, operand: Operand) -> int:
    if isinstance(operand, Literal):
        return as_tensor(site, operand, "bool", "")
    return boolean(site, operand, f"zero_{operand}")


def where(site: Site) -> int:
    """`where(condition, x1, x2)`: SELECT, or SELECT_V2 where something broadcasts"""
    arguments = Arguments(site)
    if arguments.raw(1, "x1") is None:
        raise Unsupported("how many positions it finds depends on the values")
    condition = _boolean(site, arguments.tensor(0, "condition"))
    yes_value, no_value, _ = _shrunk(site, arguments.operand(1, "x1"), arguments.operand(2, "x2"), condition)
    type_ = common_type(site, (yes_value, no_value))
    yes, no = _of_type(site, (yes_value, no_value), type_)
    return select(site, condition, yes, no, site.output)


def clip(site: Site) -> int:
    """`clip`: RELU6 and the like where an op has these bounds, else MAXIMUM, `inner["raised"]`, and MINIMUM."""
    tensor = Arguments(site).tensor()
    low, high = (site.config[key].value for key in ("x_min", "x_max"))
    bounds = [None if bound is None else literal(bound, "clip") for bound in (low, high)]
    type_ = type_of(site, tensor)
    kinds: dict[tuple[Any, Any], str] = {(0, 6): "RELU6", (-1, 1): "RELU_N1_TO_1"}
    fused = None if any(isinstance(bound, list | tuple | dict) for bound in (low, high)) else kinds.get((low, high))
    if fused is not None and type_ == "float32":
        return unary(site, fused, tensor, site.output)
    steps: list[tuple[str, Step]] = []
    if bounds[0] is not None:
        steps.append(("raised", _against(site, "MAXIMUM", bounds[0], "x_min")))
    if bounds[1] is not None:
        steps.append(("lowered", _against(site, "MINIMUM", bounds[1], "x_max")))
    return chain(site, tensor, steps)


def _against(site: Site, kind: str, bound: Literal, key: str) -> Step:
    def step(tensor: int, slot: Slot) -> int:
        type_ = type_of(site, tensor)
        if kind == "MAXIMUM" and not bound.shape and bound.value == 0 and type_ == "float32":
            return unary(site, "RELU", tensor, slot)
        return binary(site, kind, tensor, constant(site, bound, type_, key), slot)

    return step


def cast(site: Site) -> int:
    """`cast`: CAST, unless the type stays."""
    tensor = Arguments(site).tensor()
    source, result = type_of(site, tensor), site.config["dtype"].text()
    if result not in ("float32", "int32", "int64", "int8", "uint8", "int16", "bool"):
        raise Unsupported(f"its result is {result}")
    if source == result:
        return site.vanish(tensor)
    return site.write("CAST", [tensor], site.shape(tensor), site.output, result, **cast_types(source, result))


def passing(site: Site) -> int:
    """`stop_gradient`, `copy`: the identity."""
    return site.vanish(Arguments(site).tensor())


# ---- functions of several ops


def steps(*described: tuple[str, str, float | None]) -> Lowering:
    """Ops one after the other, each by name, kind, and the constant that it takes."""

    def lower(site: Site) -> int:
        tensor = real(site, Arguments(site).tensor())
        return chain(site, tensor, [(name, _one(site, name, kind, number)) for name, kind, number in described])

    return lower


def _one(site: Site, name: str, kind: str, number: float | None) -> Step:
    if number is None:
        return lambda tensor, slot: unary(site, kind, tensor, slot)
    key = {"ADD": "addend", "MUL": "multiplier"}.get(kind, name)
    return lambda tensor, slot: binary(site, kind, tensor, site.inner_constant(f"{name}_{key}", (), number), slot)


def tangent(site: Site) -> int:
    """`tan`: the sine, `inner["sine"]`, by the cosine, `inner["cosine"]`."""
    tensor = real(site, Arguments(site).tensor())
    sine, cosine = (unary(site, kind, tensor, site.inner(key)) for kind, key in (("SIN", "sine"), ("COS", "cosine")))
    return binary(site, "DIV", sine, cosine, site.output)


def hyperbolic(kind: str) -> Lowering:
    """`sinh` (SUB), `cosh` (ADD): half of exp(x) ∓ exp(-x)."""

    def lower(site: Site) -> int:
        tensor = real(site, Arguments(site).tensor())
        rising = unary(site, "EXP", tensor, site.inner("rising"))
        negated = unary(site, "NEG", tensor, site.inner("negated"))
        falling = unary(site, "EXP", negated, site.inner("falling"))
        both = binary(site, kind, rising, falling, site.inner("both"))
        return binary(site, "MUL", both, site.inner_constant("multiplier", (), 0.5), site.output)

    return lower


def hypotenuse(site: Site) -> int:
    """`hypot`: the root of the sum, `inner["sum"]`, of both squares."""
    left, right = _of_type(site, _pair(site), "float32")
    squares = (
        unary(site, "SQUARE", left, site.inner("x1_squared")),
        unary(site, "SQUARE", right, site.inner("x2_squared")),
    )
    return unary(site, "SQRT", binary(site, "ADD", squares[0], squares[1], site.inner("sum")), site.output)


def log_add_exp(site: Site) -> int:
    """`logaddexp`: the larger one + log(1 + exp(-|difference|))."""
    left, right = _of_type(site, _pair(site), "float32")
    larger = binary(site, "MAXIMUM", left, right, site.inner("larger"))
    tensor = binary(site, "SUB", left, right, site.inner("difference"))
    for kind, name in (("ABS", "distance"), ("NEG", "negated"), ("EXP", "exponential")):
        tensor = unary(site, kind, tensor, site.inner(name))
    tensor = binary(site, "ADD", tensor, site.inner_constant("addend", (), 1.0), site.inner("sum"))
    tensor = unary(site, "LOG", tensor, site.inner("logarithm"))
    return binary(site, "ADD", larger, tensor, site.output)


# ---- shared


def _pair(site: Site) -> tuple[Operand, Operand]:
    arguments = Arguments(site)
    left, right = arguments.operand(0, "x1"), arguments.operand(1, "x2")
    if isinstance(left, Literal) and isinstance(right, Literal):
        raise Unsupported("it computes with constants alone")
    return left, right


def _shrunk(site: Site, *operands: Operand) -> list[Operand]:
    """The operands, with one number in place of a constant that has it everywhere and does not shape the result: so the
    converter writes it for these ops."""
    found = list(operands)
    for position, operand in enumerate(operands):
        if isinstance(operand, Literal) and operand.shape and operand.uniform is not None:
            others = [shape_of(site, other) for place, other in enumerate(found) if place != position]
            whole = _together([*others, operand.shape])
            if whole == _together(others):
                found[position] = Literal(operand.uniform, (), operand.type)
    return found


def _together(shapes: Sequence[Shape]) -> Shape:
    result: Shape = ()
    for shape in shapes:
        result = broadcast(*aligned(result, shape))
    return result


def _of_type(site: Site, operands: tuple[Operand, Operand], type_: str) -> tuple[int, int]:
    left, right = operands
    return as_tensor(site, left, type_, "x1"), as_tensor(site, right, type_, "x2")


def _tensor(operand: Operand) -> int:
    assert isinstance(operand, int)
    return operand


def _keeps(site: Site, operand: Operand, number: Literal) -> bool:
    """Whether shape and type stay what they are if *number* has no effect."""
    shape = shape_of(site, operand)
    left, right = aligned(shape, number.shape)
    fits = len(left) == len(shape) and all(b == 1 or a == b for a, b in zip(left, right, strict=True))
    return fits and common_type(site, (operand, number)) == type_of(site, operand)


def _with_constant(site: Site, kind: str, operand: Operand, number: Literal, key: str) -> int:
    type_ = common_type(site, (operand, number))
    return binary(site, kind, as_tensor(site, operand, type_, "x"), constant(site, number, type_, key), site.output)


def _binary(site: Site, kind: str, left: Operand, right: Operand) -> int:
    type_ = common_type(site, (left, right))
    if type_ == "bool":
        raise Unsupported("it computes with booleans")
    first, second = _of_type(site, (left, right), type_)
    return binary(site, kind, first, second, site.output)


ELEMENTWISE: dict[str, Lowering] = {
    "Add": add,
    "Subtract": subtract,
    "Multiply": multiply,
    "Divide": divide,
    "TrueDivide": divide,
    "Maximum": elementwise("MAXIMUM"),
    "Fmax": elementwise("MAXIMUM"),
    "Fmin": elementwise("MINIMUM"),
    "Minimum": elementwise("MINIMUM"),
    "FloorDivide": elementwise("FLOOR_DIV"),
    "Mod": elementwise("FLOOR_MOD"),
    "Power": power,
    "Reciprocal": reciprocal,
    "Absolute": signed("ABS"),
    "Abs": signed("ABS"),
    "Fabs": function("ABS"),
    "Negative": signed("NEG"),
    "Sign": signed("SIGN"),
    "Square": square,
    "Sqrt": function("SQRT"),
    "Rsqrt": function("RSQRT"),
    "Exp": function("EXP"),
    "Log": function("LOG"),
    "Sin": function("SIN"),
    "Cos": function("COS"),
    "Tan": tangent,
    "Tanh": function("TANH"),
    "Sinh": hyperbolic("SUB"),
    "Cosh": hyperbolic("ADD"),
    "Floor": rounding("FLOOR"),
    "Ceil": rounding("CEIL"),
    "Round": rounding("ROUND"),
    "Exp2": steps(("scaled", "MUL", math.log(2)), ("exponential", "EXP", None)),
    "Expm1": steps(("exponential", "EXP", None), ("shifted", "ADD", -1.0)),
    "Log1p": steps(("shifted", "ADD", 1.0), ("logarithm", "LOG", None)),
    "Log2": steps(("logarithm", "LOG", None), ("scaled", "MUL", 1 / math.log(2))),
    "Log10": steps(("logarithm", "LOG", None), ("scaled", "MUL", 1 / math.log(10))),
    "Deg2rad": steps(("scaled", "MUL", math.pi / 180)),
    "Rad2deg": steps(("scaled", "MUL", 180 / math.pi)),
    "Hypot": hypotenuse,
    "Logaddexp": log_add_exp,
    "Clip": clip,
    "Cast": cast,
    "Where": where,
    "Equal": comparison("EQUAL"),
    "NotEqual": comparison("NOT_EQUAL"),
    "Greater": comparison("GREATER"),
    "GreaterEqual": comparison("GREATER_EQUAL"),
    "Less": comparison("LESS"),
    "LessEqual": comparison("LESS_EQUAL"),
    "LogicalAnd": logical("LOGICAL_AND"),
    "LogicalOr": logical("LOGICAL_OR"),
    "LogicalXor": logical("NOT_EQUAL"),
    "LogicalNot": logical_not,
    "StopGradient": passing,
    "Copy": passing,
    "ConvertToTensor": passing,
    "Real": passing,  # there are no complex numbers
    "Conj": passing,
    "Conjugate": passing,
}
"""By the class of the operation."""
