"""Single ops with the shapes that follow from their operands, and chains of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.geometry import broadcast, joined_axes
from qspec.lowering.site import Site, UnknownShape, Unsupported

Step = Callable[[int, Slot], int]
"""Writes one op on a tensor into a slot."""

_ACTIVATED = ("ADD", "SUB", "MUL", "DIV")
_FOUR_AXES = (
    "POW", "FLOOR_DIV", "FLOOR_MOD", "SQUARED_DIFFERENCE", "EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS",
    "LESS_EQUAL",
)  # fmt: skip
"""The ops for which the converter broadcasts tensors of more than four axes, by other ops, unless it knows that they
have the same sizes (measured, TensorFlow 2.21)."""


HIDDEN = -40.0
"""What stands in front of the softmax where a mask hides: exp(-40) = 4e-18 is nothing beside the largest score of a
query, which is seldom below -20. Keras' own -1e9 would leave integers no steps for the scores."""


_MOST_AXES = 5
"""So many axes TensorFlow's kernels broadcast (measured, TensorFlow 2.21)."""


def _of_any_batch(site: Site, operands: Sequence[int], shapes: Sequence[Shape]) -> tuple[Shape, Shape]:
    """The shapes as training has them, with any number of samples in what is no constant."""
    left, right = (
        shape if site.draft.tensors[tensor].constant else (None, *shape[1:])
        for tensor, shape in zip(operands, shapes, strict=True)
    )
    return left, right


def type_of(site: Site, tensor: int) -> str:
    """The type of a tensor."""
    return site.draft.tensors[tensor].type


def chain(site: Site, tensor: int, steps: Sequence[tuple[str, Step]]) -> int:
    """The steps one after the other. The last one's result is the layer's; those before are `inner` by their names.
    Without any step the layer leaves no op."""
    if not steps:
        return site.vanish(tensor)
    for name, step in steps[:-1]:
        tensor = step(tensor, site.inner(name))
    return steps[-1][1](tensor, site.output)


def unary(site: Site, kind: str, tensor: int, slot: Slot | None, **attributes: Any) -> int:
    """An op that keeps shape and type."""
    return site.write(kind, [tensor], site.shape(tensor), slot, type_of(site, tensor), **attributes)


def binary(site: Site, kind: str, left: int, right: int, slot: Slot | None, type_: str | None = None) -> int:
    """An elementwise op on two tensors, which broadcast. The result has the left one's type if none is given."""
    attributes = {"fused_activation_function": "NONE"} if kind in _ACTIVATED else {}
    shapes = aligned(site.shape(left), site.shape(right))
    shape = broadcast(*shapes)
    if kind in _FOUR_AXES and len(shape) > 4 and (None in shape or shapes[0] != shapes[1]):
        return _of_joined_axes(site, kind, (left, right), slot, type_ or type_of(site, left))
    if len(shape) > _MOST_AXES and len(joined_axes(*_of_any_batch(site, (left, right), shapes))[0]) > _MOST_AXES:
        raise Unsupported(f"TensorFlow broadcasts over {_MOST_AXES} axes, and it over {len(shape)}")
    return site.write(kind, [left, right], shape, slot, type_ or type_of(site, left), **attributes)


def _of_joined_axes(site: Site, kind: str, operands: tuple[int, int], slot: Slot | None, type_: str) -> int:
    """`binary` between RESHAPEs to fewer axes and back."""
    shapes = aligned(*map(site.shape, operands))
    joined = joined_axes(*shapes)
    if len(joined[0]) > 4:
        raise Unsupported(f"LiteRT's {kind} broadcasts over four axes, and it over {len(joined[0])}")
    within = f"{slot.key}_" if slot is not None and slot.kind == "inner" else ""
    named = zip(operands, joined, ("left", "right"), strict=True)
    left, right = (_joined(site, kind, tensor, shape, f"{within}{name}_rows") for tensor, shape, name in named)
    result = site.inner(f"{within}result_rows") if type_ == "float32" else None
    return reshape(site, site.write(kind, [left, right], broadcast(*joined), result, type_), broadcast(*shapes), slot)


def _joined(site: Site, kind: str, tensor: int, shape: Shape, key: str) -> int:
    """*tensor* with a shape of fewer axes."""
    described = site.draft.tensors[tensor]
    if _without_leading_ones(site.shape(tensor)) == _without_leading_ones(shape):
        return tensor
    if described.constant or described.type != "float32":
        raise Unsupported(f"LiteRT's {kind} broadcasts over four axes, and it over {len(site.shape(tensor))}")
    return reshape(site, tensor, shape, site.inner(key))


def _without_leading_ones(shape: Shape) -> Shape:
    start = next((position for position, size in enumerate(shape) if size != 1), len(shape))
    return tuple(shape[start:])


def select(site: Site, condition: int, yes: int, no: int, slot: Slot | None) -> int:
    """*yes* where the condition holds, else *no*: SELECT_V2, which broadcasts, or SELECT of one known shape."""
    shapes = [site.shape(tensor) for tensor in (condition, yes, no)]
    shape = broadcast(*aligned(broadcast(*aligned(shapes[0], shapes[1])), shapes[2]))
    same = None not in shape and all(each == shape for each in shapes)
    return site.write("SELECT" if same else "SELECT_V2", [condition, yes, no], shape, slot, type_of(site, yes))


def aligned(left: Shape, right: Shape) -> tuple[Shape, Shape]:
    """Two shapes of the same rank, ones put in front of the shorter."""
    rank = max(len(left), len(right))
    return (1,) * (rank - len(left)) + tuple(left), (1,) * (rank - len(right)) + tuple(right)


def reshape(site: Site, tensor: int, shape: Shape, slot: Slot | None) -> int:
    """RESHAPE to *shape*, of which one size may be unknown; no op if the tensor has it already."""
    if tuple(shape) == tuple(site.shape(tensor)):
        return passed_on(site, tensor, slot)
    if shape.count(None) > 1:
        raise UnknownShape("several sizes of its result are unknown")
    wanted = site.integers([-1 if size is None else size for size in shape])
    return site.write("RESHAPE", [tensor, wanted], shape, slot, type_of(site, tensor))


def passed_on(site: Site, tensor: int, slot: Slot | None) -> int:
    """No op: what *slot* names is *tensor* itself."""
    if slot is not None:
        site.draft.vanished[slot] = tensor
    return tensor


def reshapes(site: Site, tensor_shape: Shape, shape: Shape, name: str = "reshaped") -> list[tuple[str, Step]]:
    """The step to *shape*, none if it is that already."""
    if tuple(tensor_shape) == tuple(shape):
        return []
    return [(name, lambda tensor, slot: reshape(site, tensor, shape, slot))]


def transpose(site: Site, tensor: int, axes: Sequence[int], slot: Slot | None) -> int:
    """TRANSPOSE; a RESHAPE if only axes of size 1 move."""
    shape = site.shape(tensor)
    result = tuple(shape[axis] for axis in axes)
    moving = [axis for axis in axes if shape[axis] != 1]
    if moving == sorted(moving) and result.count(None) < 2:
        return reshape(site, tensor, result, slot)
    return site.write("TRANSPOSE", [tensor, site.integers(axes)], result, slot, type_of(site, tensor))


def transposes(site: Site, axes: Sequence[int], name: str = "transposed") -> list[tuple[str, Step]]:
    """The step that orders the axes so, none if they are."""
    if list(axes) == list(range(len(axes))):
        return []
    return [(name, lambda tensor, slot: transpose(site, tensor, axes, slot))]


def reduce(
    site: Site, kind: str, tensor: int, axes: Sequence[int], slot: Slot | None, *, keep: bool, type_: str | None = None
) -> int:
    """A reduction over *axes*, counted from 0, to one value of several; of one that is a RESHAPE, or no op."""
    shape = site.shape(tensor)
    result = reduced_shape(shape, axes, keep=keep)
    if all(shape[axis] == 1 for axis in axes):
        return reshape(site, tensor, result, slot)
    return site.write(
        kind, [tensor, site.integers(sorted(axes))], result, slot, type_ or type_of(site, tensor), keep_dims=keep
    )


def reduced_shape(shape: Shape, axes: Sequence[int], *, keep: bool) -> Shape:
    """What is left of a shape."""
    kept = [(axis, 1 if axis in axes else size) for axis, size in enumerate(shape)]
    return tuple(size for axis, size in kept if keep or axis not in axes)


def cumulated(site: Site, tensor: int, axis: int, slot: Slot | None) -> int:
    """CUMSUM along *axis*, counted from 0; no op along one of size 1."""
    shape = site.shape(tensor)
    if shape[axis] == 1:
        return passed_on(site, tensor, slot)
    operands = [tensor, site.draft.constant(axis, ())]
    return site.write("CUMSUM", operands, shape, slot, type_of(site, tensor), exclusive=False, reverse=False)


def strided_slice(
    site: Site,
    tensor: int,
    ranges: Sequence[tuple[int | None, int | None, int]],
    slot: Slot | None,
    dropped: Sequence[int] = (),
) -> int:
    """STRIDED_SLICE with a (begin, end, step) for every axis, None for an open end; *dropped* are axes of which one
    element is taken and which the result does not have."""
    shape = site.shape(tensor)
    sizes = [_sliced(size, *each) for size, each in zip(shape, ranges, strict=True)]
    result = tuple(size for axis, size in enumerate(sizes) if axis not in dropped)
    begins, ends = ([each[side] or 0 for each in ranges] for side in (0, 1))
    operands = (begins, ends, [each[2] for each in ranges])
    return site.write(
        "STRIDED_SLICE",
        [tensor, *(site.integers(values) for values in operands)],
        result,
        slot,
        type_of(site, tensor),
        begin_mask=_mask(axis for axis, each in enumerate(ranges) if each[0] is None),
        end_mask=_mask(axis for axis, each in enumerate(ranges) if each[1] is None),
        ellipsis_mask=0,
        new_axis_mask=0,
        shrink_axis_mask=_mask(dropped),
        offset=False,
    )


def _sliced(size: int | None, begin: int | None, end: int | None, step: int) -> int | None:
    if size is None:
        if (begin, end, step) != (None, None, 1):
            raise UnknownShape("it cuts an axis of unknown size")
        return None
    found = len(range(*slice(begin, end, step).indices(size)))
    if found < 1:
        raise Unsupported("it cuts everything away")
    return found


def _mask(axes: Any) -> int:
    return sum(1 << axis for axis in axes)


def concatenate(site: Site, tensors: Sequence[int], axis: int, slot: Slot | None) -> int:
    """CONCATENATION along *axis*, counted from 0."""
    shapes = [site.shape(tensor) for tensor in tensors]
    if len({len(shape) for shape in shapes}) > 1:
        raise Unsupported("its inputs differ in rank")
    result: list[int | None] = []
    for position, sizes in enumerate(zip(*shapes, strict=True)):
        known = {size for size in sizes if size is not None}
        if position == axis:
            result.append(None if None in sizes else sum(known_size for known_size in sizes if known_size))
        elif len(known) > 1:
            raise Unsupported(f"its inputs differ on axis {position}")
        else:
            result.append(known.pop() if known else None)
    type_ = type_of(site, tensors[0])
    return site.write("CONCATENATION", tensors, tuple(result), slot, type_, axis=axis, fused_activation_function="NONE")


def fully_connected(site: Site, tensor: int, weights: int, slot: Slot | None, bias: int = -1) -> int:
    """FULLY_CONNECTED with weights [units, features], over the last axis of the tensor.

    It keeps the leading dimensions of more than two, but for `works_on_rows`: then it works on `inner["rows"]`, all of
    them in one, and its result is `inner["result_rows"]`.
    """
    shape, units = site.shape(tensor), site.shape(weights)[0]
    if works_on_rows(shape, has_bias=bias >= 0):
        total = None if None in shape else count(shape[:-1])
        rows = reshape(site, tensor, (total, shape[-1]), site.inner("rows"))
        product = fully_connected(site, rows, weights, site.inner("result_rows"), bias)
        return reshape(site, product, (*shape[:-1], units), slot)
    return site.write(
        "FULLY_CONNECTED",
        [tensor, weights, bias],
        (*shape[:-1], units),
        slot,
        fused_activation_function="NONE",
        weights_format="DEFAULT",
        keep_num_dims=len(shape) > 2,
        asymmetric_quantize_inputs=False,
    )


def works_on_rows(shape: Shape, *, has_bias: bool) -> bool:
    """Whether FULLY_CONNECTED needs the leading dimensions of its input joined: where one is dynamic; and where it has
    one feature and no bias, since the converter makes MUL of that."""
    return len(shape) > 2 and (None in shape or (shape[-1] == 1 and not has_bias))


def axis_in(axis: int, rank: int) -> int:
    """An axis counted from 0."""
    if not -rank <= axis < rank:
        raise Unsupported(f"its axis {axis} is not one of the {rank} of its input")
    return axis % rank


def count(shape: Shape) -> int:
    """How many values a tensor of a known shape has."""
    if None in shape:
        raise UnknownShape("its input has unknown sizes")
    return prod(size or 0 for size in shape)
