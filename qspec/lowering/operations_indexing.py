"""Raw operations that pick values: slices, indices, the largest ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qspec.graph.document import Node
from qspec.graph.layers import Shape, Value
from qspec.lowering.arguments import Arguments, Operand, as_tensor, type_of
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import constant_weights
from qspec.lowering.operations_reductions import integers_of
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import (
    Step,
    axis_in,
    binary,
    chain,
    count,
    reduce,
    reshape,
    reshapes,
    select,
    strided_slice,
    transpose,
)

Range = tuple[int | None, int | None, int]

_INTEGERS = ("int32", "int64")


def get_item(site: Site) -> int:
    """`x[…]`: STRIDED_SLICE, and a RESHAPE for new axes"""
    arguments = Arguments(site)
    tensor = arguments.tensor()
    shape = site.shape(tensor)
    key = arguments.raw(1, "key")
    entries = _entries(list(key) if isinstance(key, list | tuple) else [key], len(shape))
    ranges: list[Range] = []
    dropped: list[int] = []
    result: list[int | None] = []
    for entry in entries:
        if entry is None:
            result.append(1)
            continue
        axis = len(ranges)
        begin, end, step = _range(entry, shape[axis])
        ranges.append((begin, end, step))
        if isinstance(entry, int):
            dropped.append(axis)
        else:
            result.append(_length(shape[axis], (begin, end, step)))
    steps: list[tuple[str, Step]] = []
    if any(each != (None, None, 1) for each in ranges):
        steps.append(("slice", lambda value, slot: strided_slice(site, value, ranges, slot, dropped)))
    sliced = [_length(size, each) for size, each in zip(shape, ranges, strict=True)]
    kept = tuple(size for axis, size in enumerate(sliced) if axis not in dropped)
    return chain(site, tensor, [*steps, *reshapes(site, kept, tuple(result))])


def _entries(key: Sequence[Any], rank: int) -> list[Any]:
    """A key with one entry for each axis, and None for each new one."""
    full = {"class_name": "__slice__", "config": {}}
    given = sum(1 for entry in key if entry is not None and not _is(entry, "__ellipsis__"))
    if given > rank:
        raise Unsupported(f"it has {given} indices for {rank} dimensions")
    entries: list[Any] = []
    rest = rank - given
    for entry in key:
        if _is(entry, "__ellipsis__"):
            entries += [full] * rest
            rest = 0
        else:
            entries.append(entry)
    return entries + [full] * rest


def _is(entry: Any, class_name: str) -> bool:
    return isinstance(entry, Mapping) and entry.get("class_name") == class_name


def _range(entry: Any, size: int | None) -> Range:
    if isinstance(entry, int) and not isinstance(entry, bool):
        if size is None and entry < 0:
            raise UnknownShape("it counts from the end of an axis of unknown size")
        place = entry if size is None else axis_in(entry, size)
        return place, place + 1, 1
    if isinstance(entry, Value) or not _is(entry, "__slice__"):
        raise Unsupported("an index of it is a tensor")
    config = Node(entry, "key")["config"]
    begin, end, step = (
        None if config.get(name).is_none else config[name].integer(-(2**31)) for name in ("start", "stop", "step")
    )
    if step == 0:
        raise Unsupported("a step of it is 0")
    if size is not None and (step or 1) > 0:
        # A slice of everything leaves no op.
        begin = None if begin is not None and (begin == 0 or begin <= -size) else begin
        end = None if end is not None and end >= size else end
    return begin, end, step or 1


def _length(size: int | None, each: Range) -> int | None:
    if size is None:
        return None
    return len(range(*slice(*each).indices(size)))


def sliced(site: Site) -> int:
    """`slice`: SLICE from constant positions"""
    arguments = Arguments(site)
    tensor = arguments.tensor()
    shape = site.shape(tensor)
    starts = arguments.operand(1, "start_indices")
    if not isinstance(starts, Literal):
        raise Unsupported("it begins where a tensor says")
    begins, sizes = [int(number) for number in starts.flat], integers_of(site.config["shape"], -1)
    if None in shape or len(begins) != len(shape) or len(sizes) != len(shape):
        raise UnknownShape("its input has unknown sizes")
    places = zip(begins, sizes, shape, strict=True)
    result = tuple((size or 0) - begin if wanted == -1 else wanted for begin, wanted, size in places)
    if any(begin + wanted > (size or 0) for begin, wanted, size in zip(begins, result, shape, strict=True)):
        raise Unsupported(f"it takes more than its input {list(shape)} has, which may be a matter of the batch")
    if result == shape:
        return site.vanish(tensor)
    operands = [tensor, site.integers(begins), site.integers(result)]
    return site.write("SLICE", operands, result, site.output, type_of(site, tensor))


def take(site: Site) -> int:
    """`take`: GATHER; indices that are a tensor may count from the end"""
    arguments = Arguments(site)
    table, indices, axis = arguments.operand(0, "x"), arguments.operand(1, "indices"), site.config.get("axis")
    if isinstance(table, Literal) and isinstance(indices, Literal):
        raise Unsupported("it computes with constants alone")
    tensor = constant_weights(site, "x", table) if isinstance(table, Literal) else table
    shape = site.shape(tensor)
    if axis.is_none:
        tensor = reshape(site, tensor, (count(shape),), site.inner("flat"))
        shape = site.shape(tensor)
    position = 0 if axis.is_none else axis_in(axis.integer(-16), len(shape))
    size = shape[position]
    if size is None:
        raise UnknownShape("it takes from an axis of unknown size")
    chosen = _indices(site, indices, size)
    result = (*shape[:position], *site.shape(chosen), *shape[position + 1 :])
    return site.write(
        "GATHER", [tensor, chosen], result, site.output, type_of(site, tensor), axis=position, batch_dims=0
    )


def _indices(site: Site, indices: Operand, size: int) -> int:
    """Indices from 0: constants, or a tensor with `inner["wrapped"]` in place of those that count from the end."""
    if isinstance(indices, Literal):
        places = indices.mapped(int)
        if any(not -size <= place < size for place in places.flat):
            raise Unsupported(f"an index is not one of {size}")
        return site.draft.constant(places.mapped(lambda place: place % size).value, places.shape)
    type_ = type_of(site, indices)
    tensor = indices if type_ in _INTEGERS else as_tensor(site, indices, "int32", "indices")
    type_ = type_of(site, tensor)
    negative = binary(site, "LESS", tensor, site.draft.constant(0, (), type_), site.inner("negative"), "bool")
    from_end = binary(site, "ADD", tensor, site.draft.constant(size, (), type_), site.inner("from_end"))
    return select(site, negative, from_end, tensor, site.inner("wrapped"))


def take_along_axis(site: Site) -> int:
    """`take_along_axis`: GATHER with all other axes as batches"""
    arguments = Arguments(site)
    tensor, indices, axis = arguments.tensor(), arguments.operand(1, "indices"), site.config.get("axis")
    shape = site.shape(tensor)
    if axis.is_none:
        raise Unsupported("it takes from flattened values")
    position = axis_in(axis.integer(-16), len(shape))
    size = shape[position]
    if size is None:
        raise UnknownShape("it takes from an axis of unknown size")
    chosen = _indices(site, indices, size)
    there = site.shape(chosen)
    if [*there[:position], *there[position + 1 :]] != [*shape[:position], *shape[position + 1 :]]:
        raise Unsupported("its indices broadcast")
    last = len(shape) - 1
    attributes = {"axis": last, "batch_dims": last}
    if position == last:
        return site.write("GATHER", [tensor, chosen], there, site.output, type_of(site, tensor), **attributes)
    order = [*(axis for axis in range(last + 1) if axis != position), position]
    moved = transpose(site, tensor, order, site.inner("transposed"))
    places = transpose(site, chosen, order, site.inner("places"))
    found = site.write(
        "GATHER", [moved, places], site.shape(places), site.inner("taken"), type_of(site, tensor), **attributes
    )
    return transpose(site, found, sorted(range(last + 1), key=order.__getitem__), site.output)


def top_k(site: Site) -> tuple[int, ...]:
    """`top_k`: TOPK_V2, the values and their positions"""
    tensor = Arguments(site).tensor()
    shape, number = site.shape(tensor), site.config["k"].integer(1)
    result = (*shape[:-1], number)
    slots = [site.output_at(0), site.output_at(1)]
    operands = [tensor, site.draft.constant(number, ())]
    return site.write_several("TOPK_V2", operands, [result] * 2, slots, (type_of(site, tensor), "int32"))


def one_hot(site: Site) -> int:
    """`one_hot`: ONE_HOT with the constants `inner["on"]` and `inner["off"]`"""
    tensor = Arguments(site).tensor()
    if site.config.get("sparse").value:
        raise Unsupported("its result is sparse")
    if type_of(site, tensor) not in _INTEGERS:
        tensor = as_tensor(site, tensor, "int32", "indices")
    dtype = site.config.get("dtype")
    if not dtype.is_none and dtype.value != "float32":
        raise Unsupported(f"its result is {dtype.value}")
    depth, shape = site.config["num_classes"].integer(1), site.shape(tensor)
    axis = axis_in(site.config["axis"].integer(-16), len(shape) + 1)
    on, off = site.inner_constant("on", (), 1.0), site.inner_constant("off", (), 0.0)
    operands = [tensor, site.draft.constant(depth, ()), on, off]
    result: Shape = (*shape[:axis], depth, *shape[axis:])
    return site.write("ONE_HOT", operands, result, site.output, axis=-1 if axis == len(shape) else axis)


def multi_hot(site: Site) -> int:
    """`multi_hot`: ONE_HOT, `inner["one_hot"]`, and REDUCE_MAX over the axis of the indices"""
    tensor = Arguments(site).tensor(0, "inputs")
    shape = site.shape(tensor)
    if site.config.get("sparse").value or len(shape) != 2 or site.config["axis"].value not in (-1, 2):
        raise Unsupported("its result is sparse, or its input not of two dimensions")
    if type_of(site, tensor) not in _INTEGERS:
        tensor = as_tensor(site, tensor, "int32", "indices")
    depth = site.config["num_classes"].integer(1)
    on, off = site.inner_constant("on", (), 1.0), site.inner_constant("off", (), 0.0)
    operands = [tensor, site.draft.constant(depth, ()), on, off]
    vectors = site.write("ONE_HOT", operands, (*shape, depth), site.inner("one_hot"), axis=-1)
    return reduce(site, "REDUCE_MAX", vectors, [1], site.output, keep=False)


INDEXING: dict[str, Lowering] = {
    "GetItem": get_item,
    "Slice": sliced,
    "Take": take,
    "TakeAlongAxis": take_along_axis,
    "TopK": top_k,
    "OneHot": one_hot,
    "MultiHot": multi_hot,
}
"""By the class of the operation."""
