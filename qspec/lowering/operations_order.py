"""Raw operations that order values or look them up in an order: sorting, quantiles, bins.

TOPK_V2 orders the last axis, the largest value first. Another axis is brought there, and back, by a TRANSPOSE.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments, real, type_of
from qspec.lowering.formulas import Formula
from qspec.lowering.literals import Literal
from qspec.lowering.operations_reductions import keeps, named_axes
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import axis_in, binary, count, reshape, transpose, unary

OnLast = Callable[[Site, int, Slot], int]
"""Writes a function of the last axis of a tensor, whose size is known, into a slot."""


def along_axis(function: OnLast) -> Lowering:
    """The function along the axis of the config; along all values if it has none."""

    def lower(site: Site) -> int:
        tensor, axis = Arguments(site).tensor(), site.config.get("axis")
        if axis.is_none:
            flat = reshape(site, tensor, (count(site.shape(tensor)),), site.inner("flat"))
            return function(site, flat, site.output)
        rank = len(site.shape(tensor))
        position = axis_in(axis.integer(-16), rank)
        order = [*(place for place in range(rank) if place != position), position]
        if position == rank - 1:
            return function(site, tensor, site.output)
        moved = transpose(site, tensor, order, site.inner("transposed"))
        result = function(site, moved, site.inner("ordered"))
        return transpose(site, result, sorted(range(rank), key=order.__getitem__), site.output)

    return lower


def _ordered(site: Site, tensor: int, slot: Slot) -> int:
    """Ascending: the negatives of the largest negatives"""
    if type_of(site, tensor) not in ("float32", "int32"):
        raise Unsupported(f"it reads a tensor of {type_of(site, tensor)}")
    negated = unary(site, "NEG", tensor, site.inner("negated"))
    return unary(site, "NEG", _descending(site, negated)[0], slot)


def _positions(site: Site, tensor: int, slot: Slot) -> int:
    """Of equal values the first one comes first, as in TOPK_V2."""
    if type_of(site, tensor) not in ("float32", "int32"):
        raise Unsupported(f"it reads a tensor of {type_of(site, tensor)}")
    negated = unary(site, "NEG", tensor, site.inner("negated"))
    return _descending(site, negated, slot)[1]


def _descending(site: Site, tensor: int, positions: Slot | None = None) -> tuple[int, ...]:
    shape = site.shape(tensor)
    if shape[-1] is None:
        raise UnknownShape("it orders an axis of unknown size")
    operands = [tensor, site.draft.constant(shape[-1], ())]
    slots = [site.inner("descending"), positions]
    return site.write_several("TOPK_V2", operands, [shape] * 2, slots, (type_of(site, tensor), "int32"))


# ---- quantiles


def median(site: Site) -> int:
    """`median`: of an even number of values the mean of those in the middle"""
    return _quantile(site, 0.5)


def quantile(scale: float) -> Lowering:
    """`quantile`, and `percentile` with a *scale* of 100, of one number"""

    def lower(site: Site) -> int:
        share = Arguments(site).operand(1, "q")
        if not isinstance(share, Literal) or share.shape:
            raise Unsupported("its share is not one number")
        if site.config.get("method").value not in (None, "linear"):
            raise Unsupported("Keras' own call of it takes no account of its method")
        return _quantile(site, float(share.value) / scale)

    return lower


def _quantile(site: Site, share: float) -> int:
    """Values of TOPK_V2 at one or two places, mixed."""
    if not 0 <= share <= 1:
        raise Unsupported(f"its quantile is {share:g}, and not between 0 and 1")
    tensor = real(site, Arguments(site).tensor())
    shape = site.shape(tensor)
    axes = named_axes(site.config.get("axis"), len(shape))
    order = [*(axis for axis in range(len(shape)) if axis not in axes), *axes]
    kept = tuple(shape[axis] for axis in order[: len(order) - len(axes)])
    size = count(tuple(shape[axis] for axis in axes))
    moved = transpose(site, tensor, order, site.inner("transposed"))
    joined = reshape(site, moved, (*kept, size), site.inner("joined"))
    descending = _descending(site, joined)[0]
    place = share * (size - 1)
    low, high = math.floor(place), math.ceil(place)
    if low == high:
        result = _at(site, descending, size - 1 - low, kept, site.inner("value"))
    else:
        f = Formula(site)
        lower = _at(site, descending, size - 1 - low, kept, site.inner("low"))
        upper = _at(site, descending, size - 1 - high, kept, site.inner("high"))
        step = f("step", "MUL", f("difference", "SUB", upper, lower), place - low)
        result = f("value", "ADD", lower, step)
    if keeps(site):
        wide = tuple(1 if axis in axes else each for axis, each in enumerate(shape))
        return reshape(site, result, wide, site.output)
    return reshape(site, result, kept, site.output)


def _at(site: Site, tensor: int, place: int, kept: Shape, slot: Slot) -> int:
    """The value at one place of the last axis."""
    where = site.draft.constant((place,), (1,))
    return site.write("GATHER", [tensor, where], (*kept, 1), slot, axis=len(kept), batch_dims=0)


# ---- bins


def digitize(site: Site) -> int:
    """`digitize`: BUCKETIZE"""
    arguments = Arguments(site)
    tensor, bins = real(site, arguments.tensor()), arguments.operand(1, "bins")
    if not isinstance(bins, Literal):
        raise Unsupported("its bins are not constants")
    boundaries = tuple(float(each) for each in bins.flat)
    return site.write("BUCKETIZE", [tensor], site.shape(tensor), site.output, "int32", boundaries=boundaries)


def search_sorted(site: Site) -> int:
    """`searchsorted` in a constant sequence: how many of its values are below (`left`), or not above (`right`)"""
    arguments = Arguments(site)
    sequence, tensor = arguments.operand(0, "sorted_sequence"), arguments.tensor(1, "values")
    if not isinstance(sequence, Literal):
        raise Unsupported("the sequence is not a constant")
    shape = site.shape(tensor)
    value = reshape(site, real(site, tensor, "values"), (*shape, 1), site.inner("value"))
    bounds = site.inner_constant("sequence", sequence.shape, sequence.mapped(float).value)
    kind = "GREATER" if (site.config.get("side").value or "left") == "left" else "GREATER_EQUAL"
    passed = binary(site, kind, value, bounds, None, "bool")
    wide = (*shape, sequence.shape[0])
    ones = site.write("CAST", [passed], wide, None, "int32", in_data_type="BOOL", out_data_type="INT32")
    return site.write("SUM", [ones, site.integers([len(shape)])], shape, site.output, "int32", keep_dims=False)


ORDER: dict[str, Lowering] = {
    "Sort": along_axis(_ordered),
    "Argsort": along_axis(_positions),
    "Median": median,
    "Nanmedian": median,
    "Nanquantile": quantile(1.0),
    "Nanpercentile": quantile(100.0),
    "Quantile": quantile(1.0),
    "Percentile": quantile(100.0),
    "Digitize": digitize,
    "SearchSorted": search_sorted,
}
"""By the class of the operation."""
