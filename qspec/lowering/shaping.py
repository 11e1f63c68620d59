"""Layers that move values: padding, cropping, reshaping, transposing."""

from __future__ import annotations

from math import prod

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.lowering.geometry import Pair, pair
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import reshape as write_reshape
from qspec.lowering.writing import transpose


def zero_padding(rank: int) -> Lowering:
    """`ZeroPadding1D`, `ZeroPadding2D`, `ZeroPadding3D`: PAD"""

    def lower(site: Site) -> int:
        tensor = site.single_input()
        shape = _ranked(site, tensor, rank + 2)
        margins = _placed(site, _margins(site.config["padding"], rank))
        if not any(sum(margin) for margin in margins):
            return site.vanish(tensor)
        result = tuple(None if size is None else size + sum(each) for size, each in zip(shape, margins, strict=True))
        operands = [tensor, site.draft.constant(margins, (rank + 2, 2))]
        return site.write("PAD", operands, result, site.output)

    return lower


def cropping(rank: int) -> Lowering:
    """`Cropping1D`, `Cropping2D`, `Cropping3D`: STRIDED_SLICE

    Ends count from behind, so that a margin of 0 there needs the mask's bit that ignores it.
    """

    def lower(site: Site) -> int:
        tensor = site.single_input()
        shape = _ranked(site, tensor, rank + 2)
        margins = _placed(site, _margins(site.config["cropping"], rank))
        result = tuple(None if size is None else size - sum(each) for size, each in zip(shape, margins, strict=True))
        if any(size is not None and size < 1 for size in result):
            raise Unsupported("it crops everything")
        if not any(sum(margin) for margin in margins):
            return site.vanish(tensor)
        constants = (tuple(each[0] for each in margins), tuple(-each[1] for each in margins), (1,) * len(shape))
        return site.write(
            "STRIDED_SLICE",
            [tensor, *(site.integers(values) for values in constants)],
            result,
            site.output,
            begin_mask=_uncut(site, rank),
            end_mask=sum(1 << position for position, each in enumerate(margins) if each[1] == 0),
            ellipsis_mask=0,
            new_axis_mask=0,
            shrink_axis_mask=0,
            offset=False,
        )

    return lower


def _ranked(site: Site, tensor: int, rank: int) -> Shape:
    shape = site.shape(tensor)
    if len(shape) != rank:
        raise Unsupported(f"its input has {len(shape)} dimensions, and the layer takes {rank}")
    return shape


def _margins(node: Node, rank: int) -> tuple[Pair, ...]:
    """(before, behind) for each spatial dimension; one number for each, or for all, stands for symmetric ones."""
    if isinstance(node.value, int):
        return ((node.integer(), node.integer()),) * rank
    if rank == 1:
        return (pair(node, 0),)
    items = node.items()
    if len(items) != rank:
        raise node.expected(f"margins of {rank} dimensions")
    return tuple(pair(item, 0) for item in items)


def _placed(site: Site, margins: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """The margins with those of the batch and the channels, which have none."""
    return ((0, 0), (0, 0), *margins) if _channels_first(site) else ((0, 0), *margins, (0, 0))


def _uncut(site: Site, rank: int) -> int:
    """The bits of the batch and the channels."""
    return 0b11 if _channels_first(site) else 1 | 1 << (rank + 1)


def _channels_first(site: Site) -> bool:
    return bool(site.config.get("data_format").value == "channels_first")


def flatten(site: Site) -> int:
    """`Flatten`: RESHAPE, unless there is nothing to flatten; of `inner["channels_last"]`, which a TRANSPOSE makes,
    where the data format says that channels come first."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    if _channels_first(site) and len(shape) > 2:
        order = (0, *range(2, len(shape)), 1)
        if [axis for axis in order if shape[axis] != 1] != [axis for axis in range(len(shape)) if shape[axis] != 1]:
            tensor = transpose(site, tensor, order, site.inner("channels_last"))
    return _reshape(site, tensor, (_features(shape),))


def reshape(site: Site) -> int:
    """`Reshape`: RESHAPE, unless the shape stays as it is."""
    wanted = [item.integer(-1) for item in site.config["target_shape"].items()]
    tensor = site.single_input()
    features = _features(site.shape(tensor))
    rest = prod(size for size in wanted if size != -1)
    unfit = rest == 0 or features % rest if -1 in wanted else rest != features
    if unfit or wanted.count(-1) > 1:
        raise Unsupported(f"{features} values do not fill its `target_shape`")
    return _reshape(site, tensor, tuple(features // rest if size == -1 else size for size in wanted))


def permute(site: Site) -> int:
    """`Permute`: TRANSPOSE; a RESHAPE if only axes of size 1 move."""
    order = tuple(item.integer(1) for item in site.config["dims"].items())
    tensor = site.single_input()
    shape = site.shape(tensor)
    if sorted(order) != list(range(1, len(shape))):
        raise Unsupported(f"its `dims` do not name the {len(shape) - 1} axes of its input")
    axes = (0, *order)
    result = tuple(shape[axis] for axis in axes)
    moving = [axis for axis in axes if shape[axis] != 1]
    if axes == tuple(sorted(axes)):
        return site.vanish(tensor)
    if moving == sorted(moving) and None not in shape:
        return _reshape(site, tensor, result[1:])
    return site.write("TRANSPOSE", [tensor, site.draft.constant(axes, (len(axes),))], result, site.output)


def _features(shape: Shape) -> int:
    """How many values a sample has."""
    if None in shape[1:]:
        raise UnknownShape("its input has unknown sizes")
    return prod(size or 0 for size in shape[1:])


def _reshape(site: Site, tensor: int, features: Shape) -> int:
    result: Shape = (site.shape(tensor)[0], *features)
    if result == site.shape(tensor):
        return site.vanish(tensor)
    return write_reshape(site, tensor, result, site.output)
