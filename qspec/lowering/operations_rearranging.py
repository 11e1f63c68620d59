"""Further raw operations that move values: turning, splitting and stacking by axis, patterns of axes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments, as_tensor, common_type, type_of
from qspec.lowering.geometry import product
from qspec.lowering.literals import Literal
from qspec.lowering.operations_movement import parts
from qspec.lowering.operations_reductions import integers_of
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, axis_in, chain, concatenate, reshape, reshapes, select, transposes


def flipped(axis: int) -> Lowering:
    """`flipud` (axis 0), `fliplr` (axis 1): REVERSE_V2"""

    def lower(site: Site) -> int:
        tensor = Arguments(site).tensor()
        if site.shape(tensor)[axis] == 1:
            return site.vanish(tensor)
        return _reversed(site, tensor, axis, site.output)

    return lower


def _reversed(site: Site, tensor: int, axis: int, slot: Slot) -> int:
    return site.write("REVERSE_V2", [tensor, site.integers([axis])], site.shape(tensor), slot, type_of(site, tensor))


def turned(site: Site) -> int:
    """`rot90`: TRANSPOSE and REVERSE_V2, or REVERSE_V2 of both axes"""
    tensor = Arguments(site).tensor(0, "array")
    rank = len(site.shape(tensor))
    first, second = (axis_in(axis, rank) for axis in integers_of(site.config["axes"]))
    order = list(range(rank))
    order[first], order[second] = second, first
    steps: list[tuple[str, Step]] = []
    match site.config["k"].integer(-(2**31)) % 4:
        case 1:
            steps = [_reverse(site, "reversed", second), *transposes(site, order)]
        case 2:
            if site.shape(tensor)[first] != site.shape(tensor)[second]:
                raise Unsupported("Keras' own call of it mixes up the sides of what is not square")
            steps = [_reverse(site, "reversed", first), _reverse(site, "turned", second)]
        case 3:
            steps = [*transposes(site, order), _reverse(site, "reversed", second)]
    return chain(site, tensor, steps)


def _reverse(site: Site, key: str, axis: int) -> tuple[str, Step]:
    return key, lambda tensor, slot: _reversed(site, tensor, axis, slot)


def split_along(axis: int | None) -> Lowering:
    """`hsplit`, `vsplit`, `dsplit`: as `split` along an axis; `array_split`: into parts that may differ by one"""

    def lower(site: Site) -> tuple[int, ...]:
        tensor = Arguments(site).tensor()
        shape = site.shape(tensor)
        position = axis_in(site.config["axis"].integer(-16) if axis is None else axis, len(shape))
        size = shape[position]
        if size is None:
            raise UnknownShape("it splits an axis of unknown size")
        places = site.config["indices_or_sections"]
        if isinstance(places.value, int):
            number = places.integer(1)
            if axis is not None and size % number:
                raise Unsupported(f"it does not divide {size}")
            sizes = [size // number + (place < size % number) for place in range(number)]
        else:
            ends = [min(end if end >= 0 else size + end, size) for end in integers_of(places)]
            sizes = [end - begin for begin, end in zip([0, *ends], [*ends, size], strict=True)]
        return parts(site, tensor, position, sizes)

    return lower


def stacked_in_depth(site: Site) -> int:
    """`dstack`: CONCATENATION along the third axis, which tensors of fewer axes get"""
    operands = Arguments(site).several()
    type_ = common_type(site, operands)
    tensors = []
    for number, operand in enumerate(operands, 1):
        tensor = as_tensor(site, operand, type_, f"x{number}")
        shape = site.shape(tensor)
        wide = {1: (1, *shape, 1), 2: (*shape, 1)}.get(len(shape), shape)
        tensors.append(tensor if wide == shape else reshape(site, tensor, wide, site.inner(f"deep_{number}")))
    if len(tensors) == 1:
        return site.vanish(tensors[0])
    return concatenate(site, tensors, 2, site.output)


# ---- patterns of axes


def rearranged(site: Site) -> int:
    """`rearrange`: RESHAPE to the axes that the pattern tells apart, TRANSPOSE, RESHAPE to those that it joins"""
    arguments = Arguments(site)
    tensor, pattern = arguments.tensor(0, "tensor"), arguments.raw(1, "pattern")
    if not isinstance(pattern, str):
        raise Unsupported("its pattern is no text")
    given, arrow, wanted = pattern.partition("->")
    left, right = _groups(given), _groups(wanted)
    shape = site.shape(tensor)
    names = [name for group in left for name in group]
    if not arrow or len(left) != len(shape) or sorted(names) != sorted(name for group in right for name in group):
        raise Unsupported(f"its pattern is `{pattern}`, for an input of {len(shape)} dimensions")
    lengths = {key: value for key, value in site.call.keywords.items() if isinstance(value, int)}
    sizes = _sizes(left, shape, lengths)
    apart = tuple(sizes[name] for name in names)
    order = [names.index(name) for group in right for name in group]
    moved = tuple(apart[axis] for axis in order)
    joined = tuple(product(tuple(sizes[name] for name in group)) for group in right)
    steps = reshapes(site, shape, apart, "apart") + transposes(site, order) + reshapes(site, moved, joined, "joined")
    return chain(site, tensor, steps)


def _groups(text: str) -> list[list[str]]:
    """The names of the axes on one side of a pattern: `b (h w) c` as [[b], [h, w], [c]]."""
    return [re.findall(r"\w+", group) for group in re.findall(r"\w+|\(.*?\)", text)]


def _sizes(groups: list[list[str]], shape: Shape, lengths: Mapping[str, int]) -> dict[str, int | None]:
    """The size of each axis; of those that stand together, one may follow from the others."""
    sizes: dict[str, int | None] = {}
    for group, size in zip(groups, shape, strict=True):
        unknown = [name for name in group if name not in lengths]
        known = product(tuple(lengths[name] for name in group if name in lengths)) or 1
        if len(unknown) > 1 or (size is not None and size % known):
            raise Unsupported(f"its axes ({' '.join(group)}) do not divide {size}")
        sizes |= {name: lengths[name] for name in group if name in lengths}
        sizes |= dict.fromkeys(unknown, None if size is None else size // known)
    return sizes


# ---- parts replaced


def slice_replaced(site: Site) -> int:
    """`slice_update` at constant places: PAD of the update, and SELECT by a constant of where it stands"""
    arguments = Arguments(site)
    tensor, starts = arguments.tensor(0, "inputs"), arguments.operand(1, "start_indices")
    update = arguments.operand(2, "updates")
    shape = site.shape(tensor)
    if not isinstance(starts, Literal):
        raise Unsupported("it begins where a tensor says")
    if None in shape:
        raise UnknownShape("its input has unknown sizes")
    type_ = type_of(site, tensor)
    part = as_tensor(site, update, type_, "update")
    sizes = [size or 0 for size in site.shape(part)]
    begins = [int(begin) for begin in starts.flat]
    margins = tuple(
        (begin, (size or 0) - begin - length) for begin, length, size in zip(begins, sizes, shape, strict=True)
    )
    if any(number < 0 for margin in margins for number in margin):
        raise Unsupported("what it replaces is not inside of its input")
    if not any(number for margin in margins for number in margin):
        return site.vanish(part)
    paddings = site.draft.constant(margins, (len(shape), 2))
    padded = site.write("PAD", [part, paddings], shape, site.inner("padded"), type_)
    inside = site.draft.constant(_box(margins, [size or 0 for size in shape]), shape, "bool")
    return select(site, inside, padded, tensor, site.output)


def _box(margins: tuple[tuple[int, int], ...], shape: list[int]) -> object:
    """Nested tuples of a shape that are true inside the margins."""
    (before, behind), *rest = margins
    size, *sizes = shape
    inside = [before <= place < size - behind for place in range(size)]
    if not rest:
        return tuple(inside)
    filled, empty = _box(tuple(rest), sizes), _box(((0, sizes[0]), *((0, 0),) * (len(rest) - 1)), sizes)
    return tuple(filled if each else empty for each in inside)


REARRANGING: dict[str, Lowering] = {
    "Flipud": flipped(0),
    "Fliplr": flipped(1),
    "Rot90": turned,
    "Hsplit": split_along(1),
    "Vsplit": split_along(0),
    "Dsplit": split_along(2),
    "ArraySplit": split_along(None),
    "Dstack": stacked_in_depth,
    "Rearrange": rearranged,
    "SliceUpdate": slice_replaced,
}
"""By the class of the operation."""
