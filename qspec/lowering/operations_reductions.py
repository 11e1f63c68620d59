"""Raw operations that reduce axes: sums, means, extremes, positions of extremes, norms."""

from __future__ import annotations

from collections.abc import Sequence

from qspec.graph.document import Node
from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments, real, type_of
from qspec.lowering.formulas import boolean
from qspec.lowering.site import Lowering, Site, Unsupported
from qspec.lowering.writing import Step, axis_in, binary, chain, count, cumulated, reduce, reduced_shape, reshape, unary


def reduction(kind: str, types: Sequence[str] = ("float32",)) -> Lowering:
    """One op over the axes of the config; what is not of one of *types* is cast to real numbers."""

    def lower(site: Site) -> int:
        tensor = Arguments(site).tensor()
        if type_of(site, tensor) not in types:
            tensor = boolean(site, tensor) if types == ("bool",) else real(site, tensor)
        axes, keep = reduced_axes(site, tensor), keeps(site)
        return reduce(site, kind, tensor, axes, site.output, keep=keep)

    return lower


def reduced_axes(site: Site, tensor: int) -> list[int]:
    """The axes that the config names, counted from 0; all of them where it names none."""
    rank = len(site.shape(tensor))
    return named_axes(site.config.get("axis"), rank)


def named_axes(node: Node, rank: int) -> list[int]:
    """The axes of a config's `axis`: one, several, or null for all."""
    if node.is_none:
        return list(range(rank))
    given = [node.integer(-16)] if isinstance(node.value, int) else [item.integer(-16) for item in _items(node)]
    axes = sorted(axis_in(axis, rank) for axis in given)
    if len(set(axes)) < len(axes):
        raise Unsupported("it names an axis twice")
    return axes


def _items(node: Node) -> list[Node]:
    """The elements of an array, or of a tuple as Keras serializes it."""
    value = node.value
    if isinstance(value, dict) and value.get("class_name") == "__tuple__":
        return node["items"].items()
    return node.items()


def integers_of(node: Node, least: int = -(2**31)) -> list[int]:
    """The whole numbers of a config's array; one number stands for an array of one."""
    if isinstance(node.value, int):
        return [node.integer(least)]
    return [item.integer(least) for item in _items(node)]


def keeps(site: Site) -> bool:
    """Whether reduced axes stay, with size 1."""
    node = site.config.get("keepdims")
    return not node.is_none and node.boolean()


def variance(site: Site) -> int:
    """`var`: the mean of the squared differences from `inner["mean"]`."""
    tensor = real(site, Arguments(site).tensor())
    return _variance(site, tensor, site.output)


def standard_deviation(site: Site) -> int:
    """`std`: the root of `inner["variance"]`."""
    tensor = real(site, Arguments(site).tensor())
    return unary(site, "SQRT", _variance(site, tensor, site.inner("variance")), site.output)


def _variance(site: Site, tensor: int, slot: Slot) -> int:
    axes, keep = reduced_axes(site, tensor), keeps(site)
    mean = reduce(site, "MEAN", tensor, axes, site.inner("mean"), keep=True)
    squared = binary(site, "SQUARED_DIFFERENCE", tensor, mean, site.inner("squared_difference"))
    return reduce(site, "MEAN", squared, axes, slot, keep=keep)


def arg_extreme(kind: str) -> Lowering:
    """`argmax`, `argmin`: ARG_MAX, ARG_MIN with a result of int32."""

    def lower(site: Site) -> int:
        tensor = Arguments(site).tensor()
        shape, axis = site.shape(tensor), site.config.get("axis")
        if axis.is_none:
            tensor = reshape(site, tensor, (count(shape),), site.inner("flat"))
        rank = len(site.shape(tensor))
        position = rank - 1 if axis.is_none else axis_in(axis.integer(-16), rank)
        found = reduced_shape(site.shape(tensor), [position], keep=False)
        wanted = (
            (1,) * len(shape) if keeps(site) and axis.is_none else reduced_shape(shape, [position], keep=keeps(site))
        )
        wanted = () if axis.is_none and not keeps(site) else wanted

        def extreme(value: int, slot: Slot) -> int:
            where = site.draft.constant(position, ())
            return site.write(kind, [value, where], found, slot, "int32", output_type="INT32")

        steps: list[tuple[str, Step]] = [("index", extreme)]
        if wanted != found:
            steps.append(("reshaped", lambda value, slot: reshape(site, value, wanted, slot)))
        return chain(site, tensor, steps)

    return lower


def count_nonzero(site: Site) -> int:
    """`count_nonzero`: NOT_EQUAL to 0, CAST, SUM."""
    tensor = Arguments(site).tensor()
    type_ = type_of(site, tensor)
    if type_ == "bool":
        different = tensor
    else:
        zero = site.inner_constant("zero", (), 0.0) if type_ == "float32" else site.draft.constant(0, (), type_)
        different = binary(site, "NOT_EQUAL", tensor, zero, site.inner("different"), "bool")
    axes = reduced_axes(site, tensor)
    attributes = {"in_data_type": "BOOL", "out_data_type": "INT32"}
    ones = site.write("CAST", [different], site.shape(tensor), site.inner("ones"), "int32", **attributes)
    return reduce(site, "SUM", ones, axes, site.output, keep=False)


def log_sum_exp(site: Site) -> int:
    """`logsumexp`: the maximum + log(sum(exp(x - maximum)))."""
    tensor = real(site, Arguments(site).tensor())
    axes, keep = reduced_axes(site, tensor), keeps(site)
    largest = reduce(site, "REDUCE_MAX", tensor, axes, site.inner("maximum"), keep=True)
    shifted = binary(site, "SUB", tensor, largest, site.inner("shifted"))
    total = reduce(
        site, "SUM", unary(site, "EXP", shifted, site.inner("exponential")), axes, site.inner("sum"), keep=True
    )
    logarithm = unary(site, "LOG", total, site.inner("logarithm"))
    if keep:
        return binary(site, "ADD", logarithm, largest, site.output)
    both = binary(site, "ADD", logarithm, largest, site.inner("both"))
    return reshape(site, both, reduced_shape(site.shape(tensor), axes, keep=False), site.output)


def norm(site: Site) -> int:
    """`norm`: the root of the sum of squares; with `ord = 1` or infinity the sum or the largest of the magnitudes."""
    tensor = real(site, Arguments(site).tensor())
    axes, keep, order = reduced_axes(site, tensor), keeps(site), site.config.get("ord").value
    if order not in (None, "fro", "euclidean", 2, 1, float("inf")) or (order not in (None, "fro") and len(axes) > 1):
        raise Unsupported(f"its `ord` is {order}")
    if order in (1, float("inf")):
        kind = "SUM" if order == 1 else "REDUCE_MAX"
        return reduce(site, kind, unary(site, "ABS", tensor, site.inner("magnitude")), axes, site.output, keep=keep)
    squared = unary(site, "SQUARE", tensor, site.inner("squared"))
    return unary(site, "SQRT", reduce(site, "SUM", squared, axes, site.inner("sum"), keep=keep), site.output)


def peak_to_peak(site: Site) -> int:
    """`ptp`: `inner["maximum"]` - `inner["minimum"]`."""
    tensor = real(site, Arguments(site).tensor())
    axes, keep = reduced_axes(site, tensor), keeps(site)
    largest = reduce(site, "REDUCE_MAX", tensor, axes, site.inner("maximum"), keep=keep)
    smallest = reduce(site, "REDUCE_MIN", tensor, axes, site.inner("minimum"), keep=keep)
    return binary(site, "SUB", largest, smallest, site.output)


def moments(site: Site) -> tuple[int, ...]:
    """`moments`: the mean and the variance."""
    tensor = real(site, Arguments(site).tensor())
    axes = named_axes(site.config.get("axes"), len(site.shape(tensor)))
    keep = keeps(site)
    mean = reduce(site, "MEAN", tensor, axes, site.output_at(0) if keep else site.inner("mean"), keep=True)
    squared = binary(site, "SQUARED_DIFFERENCE", tensor, mean, site.inner("squared_difference"))
    spread = reduce(site, "MEAN", squared, axes, site.output_at(1), keep=keep)
    if keep:
        return mean, spread
    result = reduced_shape(site.shape(tensor), axes, keep=False)
    return reshape(site, mean, result, site.output_at(0)), spread


def cumulative_sum(site: Site) -> int:
    """`cumsum`: CUMSUM"""
    tensor = real(site, Arguments(site).tensor())
    shape, axis = site.shape(tensor), site.config.get("axis")
    if axis.is_none:
        tensor = reshape(site, tensor, (count(shape),), site.inner("flat"))
    rank = len(site.shape(tensor))
    position = 0 if axis.is_none else axis_in(axis.integer(-16), rank)
    return cumulated(site, tensor, position, site.output)


_NUMBERS = ("float32", "int32")

REDUCTIONS: dict[str, Lowering] = {
    "Mean": reduction("MEAN"),
    "Sum": reduction("SUM", _NUMBERS),
    "Max": reduction("REDUCE_MAX", _NUMBERS),
    "Amax": reduction("REDUCE_MAX", _NUMBERS),
    "Min": reduction("REDUCE_MIN", _NUMBERS),
    "Amin": reduction("REDUCE_MIN", _NUMBERS),
    "Prod": reduction("REDUCE_PROD", _NUMBERS),
    "Any": reduction("REDUCE_ANY", ("bool",)),
    "All": reduction("REDUCE_ALL", ("bool",)),
    "Var": variance,
    "Std": standard_deviation,
    "Moments": moments,
    "Argmax": arg_extreme("ARG_MAX"),
    "Argmin": arg_extreme("ARG_MIN"),
    "CountNonzero": count_nonzero,
    "Logsumexp": log_sum_exp,
    "Norm": norm,
    "Ptp": peak_to_peak,
    "Cumsum": cumulative_sum,
}
"""By the class of the operation."""

_PLAIN = ("Argmax", "Argmin", "Cumsum", "Max", "Mean", "Min", "Prod", "Std", "Sum", "Var")

# They skip NaN, of which there is none: no integer stands for it, and data with NaN is refused.
REDUCTIONS |= {f"Nan{name.lower()}": REDUCTIONS[name] for name in _PLAIN}
