"""Raw operations that move values: reshaping, transposing, joining, splitting, padding, repeating."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments, Operand, as_tensor, common_type, constant, type_of
from qspec.lowering.literals import Literal, literal
from qspec.lowering.operations_reductions import integers_of, named_axes
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import (
    Step,
    axis_in,
    chain,
    concatenate,
    count,
    reshape,
    reshapes,
    strided_slice,
    transposes,
)

# ---- shapes


def reshaped(site: Site) -> int:
    """`reshape`: RESHAPE, of which one size may be -1"""
    tensor = Arguments(site).tensor()
    wanted = [None if size == -1 else size for size in _sizes(site.config["newshape"])]
    return chain(site, tensor, reshapes(site, site.shape(tensor), _filled(site.shape(tensor), wanted)))


def _sizes(node: Node) -> list[int]:
    """A shape of the config; null stands for a size that the batch gives, as -1 does."""
    value = node.value
    items = [value] if isinstance(value, int) else value["items"] if isinstance(value, dict) else value
    return [-1 if item is None else Node(item, node.location).integer(-1) for item in items]


def _filled(shape: Shape, wanted: Sequence[int | None]) -> Shape:
    """The wanted shape with what fits in place of its one unknown size."""
    if wanted.count(None) > 1:
        raise UnknownShape("several sizes of its result are unknown")
    if None in shape:
        # The batch is unknown, and so is what takes it up.
        rest, given = prod(size for size in shape if size), prod(size for size in wanted if size)
        if shape.count(None) > 1 or rest % given or None not in wanted:
            raise UnknownShape("its input has unknown sizes")
        return tuple(wanted)
    total, rest = count(shape), prod(size for size in wanted if size is not None)
    if (rest == 0 or total % rest) if None in wanted else rest != total:
        raise Unsupported(f"{total} values do not fill its shape")
    return tuple(total // rest if size is None else size for size in wanted)


def ravel(site: Site) -> int:
    """`ravel`: RESHAPE to one axis"""
    tensor = Arguments(site).tensor()
    return chain(site, tensor, reshapes(site, site.shape(tensor), _filled(site.shape(tensor), [None])))


def expand_dims(site: Site) -> int:
    """`expand_dims`: RESHAPE"""
    tensor = Arguments(site).tensor()
    shape = site.shape(tensor)
    given = integers_of(site.config["axis"])
    rank = len(shape) + len(given)
    added = {axis_in(axis, rank) for axis in given}
    left = iter(shape)
    return reshape(site, tensor, tuple(1 if axis in added else next(left) for axis in range(rank)), site.output)


def squeeze(site: Site) -> int:
    """`squeeze`: RESHAPE"""
    tensor = Arguments(site).tensor()
    shape, given = site.shape(tensor), site.config.get("axis")
    dropped = [axis for axis, size in enumerate(shape) if size == 1]
    if not given.is_none:
        dropped = [axis_in(axis, len(shape)) for axis in integers_of(given)]
    elif None in shape:
        raise UnknownShape("which axes it drops depends on the batch")
    if any(shape[axis] != 1 for axis in dropped):
        raise Unsupported("it drops an axis that is not of size 1")
    result = tuple(size for axis, size in enumerate(shape) if axis not in dropped)
    return chain(site, tensor, reshapes(site, shape, result))


def transposed(site: Site) -> int:
    """`transpose`: TRANSPOSE; without axes in reverse order"""
    tensor = Arguments(site).tensor()
    rank, axes = len(site.shape(tensor)), site.config.get("axes")
    order = list(range(rank))[::-1] if axes.is_none else [axis_in(axis, rank) for axis in integers_of(axes)]
    return _ordered(site, tensor, order)


def swap_axes(site: Site) -> int:
    """`swapaxes`: TRANSPOSE"""
    tensor = Arguments(site).tensor()
    rank = len(site.shape(tensor))
    first, second = (axis_in(site.config[key].integer(-16), rank) for key in ("axis1", "axis2"))
    order = list(range(rank))
    order[first], order[second] = second, first
    return _ordered(site, tensor, order)


def move_axis(site: Site) -> int:
    """`moveaxis`: TRANSPOSE"""
    tensor = Arguments(site).tensor()
    rank = len(site.shape(tensor))
    source, destination = (
        [axis_in(axis, rank) for axis in integers_of(site.config[key])] for key in ("source", "destination")
    )
    order = [axis for axis in range(rank) if axis not in source]
    for target, axis in sorted(zip(destination, source, strict=True)):
        order.insert(target, axis)
    return _ordered(site, tensor, order)


def _ordered(site: Site, tensor: int, order: Sequence[int]) -> int:
    if sorted(order) != list(range(len(order))) or len(order) != len(site.shape(tensor)):
        raise Unsupported(f"its axes do not name the {len(site.shape(tensor))} of its input")
    return chain(site, tensor, transposes(site, order))


# ---- joining and splitting


def joined(site: Site) -> int:
    """`concatenate`: CONCATENATION"""
    tensors = _operands(site)
    axis = axis_in(site.config["axis"].integer(-16), len(site.shape(tensors[0])))
    return _joined(site, tensors, axis)


def joined_along(axis_of: dict[int, int]) -> Lowering:
    """`hstack`, `vstack`: CONCATENATION along an axis that depends on the rank, the key 0 for all others."""

    def lower(site: Site) -> int:
        tensors = _operands(site)
        rank = len(site.shape(tensors[0]))
        if rank < 2:
            raise Unsupported(f"its inputs have {rank} dimensions")
        return _joined(site, tensors, axis_of.get(rank, axis_of[0]))

    return lower


def append(site: Site) -> int:
    """`append` along an axis"""
    if not site.config.has("axis"):
        raise Unsupported("it flattens what it joins")
    arguments = Arguments(site)
    tensors = _typed(site, [arguments.operand(0, "x1"), arguments.operand(1, "x2")])
    return _joined(site, tensors, axis_in(site.config["axis"].integer(-16), len(site.shape(tensors[0]))))


def _joined(site: Site, tensors: Sequence[int], axis: int) -> int:
    if len(tensors) == 1:
        return site.vanish(tensors[0])
    if axis != 0:
        _check_batches(site, tensors)
    return concatenate(site, tensors, axis, site.output)


def _check_batches(site: Site, tensors: Sequence[int]) -> None:
    """A constant that code made for every sample is written for one."""
    of_one = [tensor for tensor in tensors if site.draft.tensors[tensor].constant and site.shape(tensor)[0] == 1]
    batch = next((site.shape(tensor)[0] for tensor in tensors if tensor not in of_one), 1)
    if of_one and batch != 1:
        size = "any size" if batch is None else f"{batch}"
        raise Unsupported(f"it joins a constant for one sample with a batch of {size}: write `input {{ batch = 1 }}`")


def stack(site: Site) -> int:
    """`stack`: PACK; a RESHAPE of one tensor"""
    tensors = _operands(site)
    shape = site.shape(tensors[0])
    if any(site.shape(tensor) != shape for tensor in tensors):
        raise Unsupported("its inputs differ in shape")
    axis = axis_in(site.config["axis"].integer(-16), len(shape) + 1)
    if len(tensors) == 1:
        return reshape(site, tensors[0], (*shape[:axis], 1, *shape[axis:]), site.output)
    result = (*shape[:axis], len(tensors), *shape[axis:])
    return site.write(
        "PACK", tensors, result, site.output, type_of(site, tensors[0]), axis=axis, values_count=len(tensors)
    )


def _operands(site: Site) -> list[int]:
    return _typed(site, Arguments(site).several())


def _typed(site: Site, operands: Sequence[Operand]) -> list[int]:
    type_ = common_type(site, operands)
    return [as_tensor(site, operand, type_, f"x{position}") for position, operand in enumerate(operands, 1)]


def split(site: Site) -> tuple[int, ...]:
    """`split`: SPLIT into equal parts, SPLIT_V at positions"""
    tensor = Arguments(site).tensor()
    shape = site.shape(tensor)
    axis = axis_in(site.config["axis"].integer(-16), len(shape))
    size, places = shape[axis], site.config["indices_or_sections"]
    if size is None:
        raise UnknownShape("it splits an axis of unknown size")
    if isinstance(places.value, int):
        sizes = [size // places.integer(1)] * places.integer(1)
    else:
        ends = [min(end if end >= 0 else size + end, size) for end in integers_of(places)]
        sizes = [end - begin for begin, end in zip([0, *ends], [*ends, size], strict=True)]
    return parts(site, tensor, axis, sizes)


def parts(site: Site, tensor: int, axis: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """SPLIT into equal parts, SPLIT_V into others of these *sizes*"""
    shape, type_ = site.shape(tensor), type_of(site, tensor)
    if sum(sizes) != shape[axis] or min(sizes) < 1:
        raise Unsupported(f"it does not divide {shape[axis]}")
    if len(sizes) == 1:
        return (site.vanish(tensor),)
    shapes = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    slots = [site.output_at(position) for position in range(len(sizes))]
    along = site.draft.constant(axis, ())
    if len(set(sizes)) == 1:
        return site.write_several("SPLIT", [along, tensor], shapes, slots, type_, num_splits=len(sizes))
    operands = [tensor, site.integers(sizes), along]
    return site.write_several("SPLIT_V", operands, shapes, slots, type_, num_splits=len(sizes))


def unstack(site: Site) -> tuple[int, ...]:
    """`unstack`: UNPACK"""
    tensor = Arguments(site).tensor()
    shape = site.shape(tensor)
    axis = axis_in(site.config["axis"].integer(-16), len(shape))
    size = shape[axis]
    if size is None:
        raise UnknownShape("it takes an axis of unknown size apart")
    part = (*shape[:axis], *shape[axis + 1 :])
    if size == 1:
        return (reshape(site, tensor, part, site.output),)
    slots = [site.output_at(position) for position in range(size)]
    return site.write_several("UNPACK", [tensor], [part] * size, slots, type_of(site, tensor), num=size, axis=axis)


# ---- padding and repeating


def pad(site: Site) -> int:
    """`pad`: PAD with zeros, PADV2 with another constant, MIRROR_PAD"""
    arguments = Arguments(site)
    tensor = arguments.tensor()
    shape, type_ = site.shape(tensor), type_of(site, tensor)
    widths = _widths(literal(_plain(site.config["pad_width"].value), "pad_width"), len(shape))
    if not any(before or behind for before, behind in widths):
        return site.vanish(tensor)
    result = tuple(None if size is None else size + sum(width) for size, width in zip(shape, widths, strict=True))
    paddings = site.draft.constant(widths, (len(shape), 2))
    mode = site.config.get("mode").value or "constant"
    if mode in ("reflect", "symmetric"):
        return site.write("MIRROR_PAD", [tensor, paddings], result, site.output, type_, mode=mode.upper())
    if mode != "constant":
        raise Unsupported(f"its mode is `{mode}`")
    value = arguments.optional(1, "constant_values")
    if value is None or (isinstance(value, Literal) and value.uniform == 0):
        return site.write("PAD", [tensor, paddings], result, site.output, type_)
    if not isinstance(value, Literal) or value.shape:
        raise Unsupported("it pads with more than one number")
    operands = [tensor, paddings, constant(site, value, type_, "padding")]
    return site.write("PADV2", operands, result, site.output, type_)


def _plain(value: object) -> object:
    """An array with tuples as Keras serializes them made plain."""
    if isinstance(value, dict) and value.get("class_name") == "__tuple__":
        value = value.get("items")
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _widths(given: Literal, rank: int) -> tuple[tuple[int, int], ...]:
    values = [int(number) for number in given.flat]
    if any(number < 0 for number in values):
        raise Unsupported("it pads by a negative number")
    if len(values) == 1:
        return ((values[0], values[0]),) * rank
    if given.shape in ((2,), (1, 2)):
        return ((values[0], values[1]),) * rank
    if given.shape != (rank, 2):
        raise Unsupported(f"its widths do not fit {rank} dimensions")
    return tuple((values[2 * axis], values[2 * axis + 1]) for axis in range(rank))


def tile(site: Site) -> int:
    """`tile`: TILE"""
    tensor = Arguments(site).tensor()
    shape, repeats = site.shape(tensor), integers_of(site.config["repeats"], 1)
    rank = max(len(shape), len(repeats))
    wide = (*(1,) * (rank - len(shape)), *shape)
    times = [*(1,) * (rank - len(repeats)), *repeats]
    steps = reshapes(site, shape, wide)
    if any(number != 1 for number in times):
        steps.append(("tiled", _tiles(site, times)))
    return chain(site, tensor, steps)


def _tiles(site: Site, times: Sequence[int]) -> Step:
    def step(tensor: int, slot: Slot) -> int:
        sizes = zip(site.shape(tensor), times, strict=True)
        result = tuple(None if size is None else size * number for size, number in sizes)
        return site.write("TILE", [tensor, site.integers(times)], result, slot, type_of(site, tensor))

    return step


def repeat(site: Site) -> int:
    """`repeat` along an axis, each value as often: an axis behind it that is tiled, and goes into it."""
    tensor = Arguments(site).tensor()
    axis = site.config.get("axis")
    times = integers_of(site.config["repeats"], 1)
    if len(times) > 1 or axis.is_none:
        raise Unsupported("it repeats flattened values, or each a different number of times")
    shape = site.shape(tensor)
    position = axis_in(axis.integer(-16), len(shape))
    size = shape[position]
    if times[0] == 1:
        return site.vanish(tensor)
    if size is None:
        raise UnknownShape("it repeats an axis of unknown size")
    apart = (*shape[: position + 1], 1, *shape[position + 1 :])
    together = (*shape[:position], size * times[0], *shape[position + 1 :])
    repeats = [times[0] if place == position + 1 else 1 for place in range(len(apart))]
    return chain(
        site,
        tensor,
        [
            ("apart", lambda value, slot: reshape(site, value, apart, slot)),
            ("tiled", _tiles(site, repeats)),
            ("together", lambda value, slot: reshape(site, value, together, slot)),
        ],
    )


def broadcast_to(site: Site) -> int:
    """`broadcast_to`: BROADCAST_TO"""
    tensor = Arguments(site).tensor()
    shape = site.shape(tensor)
    wanted = _sizes(site.config["shape"])
    if None in shape or -1 in wanted or len(wanted) < len(shape):
        raise UnknownShape("sizes of its shape are unknown")
    behind = wanted[len(wanted) - len(shape) :]
    if any(size not in (1, target) for size, target in zip(shape, behind, strict=True)):
        raise Unsupported("its input does not broadcast to its shape")
    if tuple(wanted) == tuple(shape):
        return site.vanish(tensor)
    operands = [tensor, site.integers(wanted)]
    return site.write("BROADCAST_TO", operands, tuple(wanted), site.output, type_of(site, tensor))


def flip(site: Site) -> int:
    """`flip`: REVERSE_V2"""
    tensor = Arguments(site).tensor()
    shape = site.shape(tensor)
    axes = [axis for axis in named_axes(site.config.get("axis"), len(shape)) if shape[axis] != 1]
    if not axes:
        return site.vanish(tensor)
    return site.write("REVERSE_V2", [tensor, site.integers(axes)], shape, site.output, type_of(site, tensor))


def roll(site: Site) -> int:
    """`roll`: the parts before and behind the turning point of each axis, joined the other way round."""
    tensor = Arguments(site).tensor()
    shape, axis = site.shape(tensor), site.config.get("axis")
    if axis.is_none:
        raise Unsupported("it rolls flattened values")
    axes, shifts = integers_of(axis), integers_of(site.config["shift"])
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    turns = []
    for position, shift in zip([axis_in(axis, len(shape)) for axis in axes], shifts, strict=True):
        size = shape[position]
        if size is None:
            raise UnknownShape("it rolls an axis of unknown size")
        if shift % size:
            turns.append((position, size - shift % size))
    steps: list[tuple[str, Step]] = [
        (f"rolled_{number}", _rolls(site, number, *turn)) for number, turn in enumerate(turns, 1)
    ]
    return chain(site, tensor, steps)


def _rolls(site: Site, number: int, axis: int, place: int) -> Step:
    def step(tensor: int, slot: Slot) -> int:
        full = [(None, None, 1)] * len(site.shape(tensor))
        parts = []
        for name, span in (("front", (place, None, 1)), ("back", (None, place, 1))):
            ranges = [*full[:axis], span, *full[axis + 1 :]]
            parts.append(strided_slice(site, tensor, ranges, site.inner(f"{name}_{number}")))
        return concatenate(site, parts, axis, slot)

    return step


MOVEMENT: dict[str, Lowering] = {
    "Reshape": reshaped,
    "Ravel": ravel,
    "ExpandDims": expand_dims,
    "Squeeze": squeeze,
    "Transpose": transposed,
    "Swapaxes": swap_axes,
    "Moveaxis": move_axis,
    "Concatenate": joined,
    "Hstack": joined_along({0: 1}),
    "Vstack": joined_along({0: 0}),
    "Append": append,
    "Stack": stack,
    "Split": split,
    "Unstack": unstack,
    "Pad": pad,
    "Tile": tile,
    "Repeat": repeat,
    "BroadcastTo": broadcast_to,
    "Flip": flip,
    "Roll": roll,
}
"""By the class of the operation."""
