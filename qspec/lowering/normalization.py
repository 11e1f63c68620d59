"""Normalizations: by statistics that are known, or by those of the sample itself.

Those of the sample are written as Keras computes them, but around the centered values, which need a narrower range than
the products of Keras' own order. A square is a MUL of a tensor with itself, which has an integer kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod, sqrt

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.arguments import as_tensor
from qspec.lowering.literals import Literal, literal
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, axis_in, binary, chain, reduce, reshape, unary

INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")


# ---- by known statistics


def batch_normalization(site: Site) -> int:
    """`BatchNormalization` at inference: MUL with `inner["multiplier"]`, s = gamma / sqrt(variance + epsilon), and ADD
    with `inner["addend"]`, beta - mean * s; between them `inner["multiplied"]`. Folding removes them again."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    constants = along_axes(shape, [normalized_axis(site.config, len(shape))])
    multiplied = _with_variable(site, "MUL", "multiplier", constants)(tensor, site.inner("multiplied"))
    output = _with_variable(site, "ADD", "addend", constants)(multiplied, site.output)
    if not site.within:
        site.draft.pairs[site.call.index] = (site.ops[-2], site.ops[-1])
    return output


def normalized_axis(config: Node, rank: int) -> int:
    """The axis of a BatchNormalization, from the front."""
    axis = config["axis"]
    if isinstance(axis.value, list) and len(axis.value) == 1:
        axis = axis.items()[0]
    return axis.integer(-rank, rank - 1) % rank


def along_axes(shape: Shape, axes: Sequence[int]) -> Shape:
    """The shape of a constant that varies along *axes*: (C,) along the last, (C, 1, 1) along the one before two."""
    if any(shape[axis] is None for axis in axes):
        raise UnknownShape("the size of the normalized axis is unknown")
    first = min(axes, default=len(shape))
    return tuple(shape[axis] if axis in axes else 1 for axis in range(first, len(shape)))


def rescaling(site: Site) -> int:
    """`Rescaling`: MUL with `inner["multiplier"]` unless the scale is 1, ADD with `inner["addend"]` unless the offset
    is 0; between them `inner["multiplied"]`. Integers are CAST before."""
    scale, offset = (_reals(site.config[key]) for key in ("scale", "offset"))
    tensor = site.single_input(("float32", *INTEGERS))
    steps: list[tuple[str, Step]] = []
    if scale.uniform != 1:
        steps.append(("multiplied", _with_constant(site, "MUL", "multiplier", scale)))
    if offset.uniform != 0:
        steps.append(("sum", _with_constant(site, "ADD", "addend", offset)))
    return _on_reals(site, tensor, steps)


def _reals(node: Node) -> Literal:
    # An array tells its type, too, but is used as the layer computes.
    values = node["config"]["value"] if isinstance(node.value, dict) else node
    return literal(values.value, values.location).mapped(float, "float32")


def _with_constant(site: Site, kind: str, key: str, value: Literal) -> Step:
    def step(tensor: int, slot: Slot) -> int:
        return binary(site, kind, tensor, site.inner_constant(key, value.shape, value.value), slot)

    return step


def _on_reals(site: Site, tensor: int, steps: Sequence[tuple[str, Step]]) -> int:
    """The steps, behind a CAST of integers."""
    if site.draft.tensors[tensor].type == "float32":
        return chain(site, tensor, steps)
    if steps:
        return chain(site, as_tensor(site, tensor, "float32", "input"), steps)
    return cast(site, tensor, "float32", site.output)


def cast(site: Site, tensor: int, type_: str, slot: Slot | None) -> int:
    """CAST"""
    names = {"in_data_type": site.draft.tensors[tensor].type.upper(), "out_data_type": type_.upper()}
    return site.write("CAST", [tensor], site.shape(tensor), slot, type_, **names)


def normalization(site: Site) -> int:
    """`Normalization`: SUB of `inner["mean"]`, MUL with `inner["multiplier"]`, 1 / max(sqrt(variance), 1e-7); between
    them `inner["centered"]`.

    To `invert` it, MUL with `inner["multiplier"]`, max(sqrt(variance), 1e-7), and ADD of `inner["mean"]`; between them
    `inner["multiplied"]`. Integers are CAST before.

    Statistics that the config does not tell are the layer's variables.
    """
    tensor = site.single_input(("float32", *INTEGERS))
    shape = site.shape(tensor)
    axes = kept_axes(site.config, len(shape))
    if 0 in axes:
        raise Unsupported("it normalizes along the batch")
    constants = along_axes(shape, axes)
    mean, variance = (_told(site.config.get(key), shape, axes) for key in ("mean", "variance"))
    inverted = site.config.has("invert") and site.config["invert"].boolean()
    multiplier = None if variance is None else variance.mapped(_deviation if inverted else _reciprocal_deviation)

    def operand(key: str, value: Literal | None) -> int:
        source = Source(key) if value is None else None
        return site.inner_constant(key, constants, None if value is None else value.value, source)

    def scaled(value: int, slot: Slot) -> int:
        return binary(site, "MUL", value, operand("multiplier", multiplier), slot)

    def shifted(value: int, slot: Slot) -> int:
        return binary(site, "ADD" if inverted else "SUB", value, operand("mean", mean), slot)

    steps = [("multiplied", scaled), ("sum", shifted)] if inverted else [("centered", shifted), ("product", scaled)]
    return _on_reals(site, tensor, steps)


EPSILON = 1e-7
"""`keras.config.epsilon()`, unless it was set."""


def _deviation(variance: float) -> float:
    return max(sqrt(max(variance, 0.0)), EPSILON)


def _reciprocal_deviation(variance: float) -> float:
    return 1 / _deviation(variance)


def kept_axes(config: Node, rank: int) -> list[int]:
    """The axes along which there are separate statistics."""
    axis = config["axis"]
    if axis.is_none:
        return []
    return _axes(config, rank)


def _told(node: Node, shape: Shape, axes: Sequence[int]) -> Literal | None:
    """Statistics of the config; their last axes are the last ones that are kept (`Normalization.build`)."""
    if node.is_none:
        return None
    value = _reals(node)
    sizes = [shape[axis] for axis in axes]
    if any(given not in (1, size) for given, size in zip(value.shape[::-1], sizes[::-1], strict=False)):
        raise Unsupported("its statistics have not the size of its axes")
    given = dict(zip(reversed(axes), reversed(value.shape), strict=False))
    rank, first = len(shape), min(axes, default=len(shape))
    return value.reshaped([given.get(axis, 1) for axis in range(first, rank)])


def spectral_normalization(lowerings: Mapping[str, Lowering]) -> Lowering:
    """`SpectralNormalization` at inference: the layer inside, whose kernel training has normalized."""

    def lower(site: Site) -> int | tuple[int, ...]:
        inside = site.layer_inside(site.config["layer"], "layer")
        layer = inside.call.layer
        if not layer.built_in or layer.class_name not in lowerings:
            raise Unsupported(f"there is no entry for `{layer.class_name}` inside it in the lowering table")
        return lowerings[layer.class_name](inside)

    return lower


# ---- by the statistics of the sample


def layer_normalization(site: Site) -> int:
    """`LayerNormalization`: (x - mean) / sqrt(variance + epsilon) · gamma + beta. With `rms_scaling` the mean is taken
    for the variance alone."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    axes = _axes(site.config, len(shape))
    root_mean_square = _true(site.config, "rms_scaling", default=False)
    centered, reciprocal = _deviations(site, tensor, axes)
    constants = along_axes(shape, axes)
    value = tensor if root_mean_square else centered
    steps = [("normalized", lambda value, slot: binary(site, "MUL", value, reciprocal, slot))]
    if root_mean_square or _true(site.config, "scale"):
        steps.append(("scaled", _with_variable(site, "MUL", "gamma", constants)))
    if not root_mean_square and _true(site.config, "center"):
        steps.append(("sum", _with_variable(site, "ADD", "beta", constants)))
    return chain(site, value, steps)


def group_normalization(site: Site) -> int:
    """`GroupNormalization`: the axis in groups, [batch, before, groups, group], which are normalized as layers are."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    rank = len(shape)
    axis = axis_in(site.config["axis"].integer(-rank), rank)
    channels = shape[axis]
    if axis == 0 or channels is None or None in shape[1:]:
        raise UnknownShape("its input has unknown sizes")
    groups = site.config["groups"].integer(-1) if site.config["groups"].value != -1 else channels
    if not groups or channels % groups:
        raise Unsupported(f"{channels} channels do not divide into {groups} groups")
    sizes = [size or 0 for size in shape]
    apart = (shape[0], prod(sizes[1:axis]), groups, channels // groups * prod(sizes[axis + 1 :]))
    grouped = tensor if apart == shape else reshape(site, tensor, apart, site.inner("grouped"))
    centered, reciprocal = _deviations(site, grouped, [1, 3])
    steps: list[tuple[str, Step]] = [("normalized", lambda value, slot: binary(site, "MUL", value, reciprocal, slot))]
    if apart != shape:
        steps.append(("ungrouped", lambda value, slot: reshape(site, value, shape, slot)))
    constants = along_axes(shape, [axis])
    if _true(site.config, "scale"):
        steps.append(("scaled", _with_variable(site, "MUL", "gamma", constants)))
    if _true(site.config, "center"):
        steps.append(("sum", _with_variable(site, "ADD", "beta", constants)))
    return chain(site, centered, steps)


def rms_normalization(site: Site) -> int:
    """`RMSNormalization`: x / sqrt(mean of squares + epsilon) · scale, which Keras broadcasts as it is."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    axes = _axes(site.config, len(shape))
    reciprocal = _reciprocal_root(site, tensor, axes, "mean_square")
    # In the order in which Keras has them, which sorts negative ones before the others.
    sizes = tuple(shape[axis] for axis in sorted(given_axes(site.config)))
    if None in sizes:
        raise UnknownShape("the size of the normalized axis is unknown")
    scale = _with_variable(site, "MUL", "scale", sizes)
    return chain(
        site,
        tensor,
        [("normalized", lambda value, slot: binary(site, "MUL", value, reciprocal, slot)), ("scaled", scale)],
    )


def unit_normalization(site: Site) -> int:
    """`UnitNormalization`: L2_NORMALIZATION along the last axis, else x / sqrt(sum of squares).

    Against vectors of zeros a number that no other sum notices is added; L2_NORMALIZATION has its own.
    """
    tensor = site.single_input()
    rank = len(site.shape(tensor))
    axes = _axes(site.config, rank)
    if axes == [rank - 1] and rank <= 4:
        return unary(site, "L2_NORMALIZATION", tensor, site.output, fused_activation_function="NONE")
    squared = binary(site, "MUL", tensor, tensor, site.inner("squared"))
    total = reduce(site, "SUM", squared, axes, site.inner("sum_of_squares"), keep=True)
    return binary(site, "MUL", tensor, _rsqrt(site, total, 1e-24), site.output)


def _deviations(site: Site, tensor: int, axes: Sequence[int]) -> tuple[int, int]:
    """x - mean, and 1 / sqrt(variance + epsilon)."""
    mean = reduce(site, "MEAN", tensor, axes, site.inner("mean"), keep=True)
    centered = binary(site, "SUB", tensor, mean, site.inner("centered"))
    return centered, _reciprocal_root(site, centered, axes, "variance")


def _reciprocal_root(site: Site, tensor: int, axes: Sequence[int], name: str) -> int:
    squared = binary(site, "MUL", tensor, tensor, site.inner("squared"))
    mean = reduce(site, "MEAN", squared, axes, site.inner(name), keep=True)
    return _rsqrt(site, mean, site.config["epsilon"].number())


def _rsqrt(site: Site, tensor: int, epsilon: float) -> int:
    """1 / sqrt(tensor + epsilon)"""
    stable = binary(site, "ADD", tensor, site.inner_constant("epsilon", (), epsilon), site.inner("stabilized"))
    return unary(site, "RSQRT", stable, site.inner("reciprocal"))


def _with_variable(site: Site, kind: str, variable: str, shape: Shape) -> Step:
    def step(tensor: int, slot: Slot) -> int:
        constant = site.inner_constant(variable, shape, source=Source(variable))
        return binary(site, kind, tensor, constant, slot)

    return step


def _axes(config: Node, rank: int) -> list[int]:
    return sorted({axis_in(axis, rank) for axis in given_axes(config)})


def given_axes(config: Node) -> list[int]:
    """The axes that a config names, negative ones as they are."""
    axis = config["axis"]
    items = axis.items() if isinstance(axis.value, list | tuple) else [axis]
    return [item.integer(-16) for item in items]


def _true(config: Node, key: str, *, default: bool = True) -> bool:
    return config[key].boolean() if config.has(key) else default
