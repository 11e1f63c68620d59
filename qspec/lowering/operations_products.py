"""Raw operations that multiply and sum: `matmul`, `dot`, `tensordot`, `einsum`.

With a constant for its second operand a product is FULLY_CONNECTED with `weights["x2"]`, else BATCH_MATMUL.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments, Operand, real, shape_of
from qspec.lowering.geometry import broadcast
from qspec.lowering.literals import Literal, Parameter
from qspec.lowering.operations_reductions import integers_of
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, aligned, axis_in, chain, fully_connected, reshape, reshapes, transposes


def matmul(site: Site) -> int:
    """`matmul` of matrices, or of stacks of them"""
    left, right = _operands(site)
    ranks = len(shape_of(site, left)), len(shape_of(site, right))
    if 0 in ranks:
        raise Unsupported("it multiplies by a number")
    if isinstance(right, Literal) and not isinstance(left, Literal) and ranks[1] <= 2:
        return _by_matrix(site, left, right)
    if 1 in ranks:
        raise Unsupported("it multiplies by a vector")
    return _of_matrices(site, left, right)


def dot(site: Site) -> int:
    """`dot` by a constant of one or two dimensions: as `matmul`"""
    left, right = _operands(site)
    if isinstance(left, Literal) or not isinstance(right, Literal) or len(right.shape) not in (1, 2):
        raise Unsupported("it multiplies something else than a tensor by a constant vector or matrix")
    return _by_matrix(site, left, right)


def _operands(site: Site) -> tuple[Operand, Operand]:
    arguments = Arguments(site)
    left, right = arguments.operand(0, "x1"), arguments.operand(1, "x2")
    if isinstance(left, Literal) and isinstance(right, Literal):
        raise Unsupported("it computes with constants alone")
    found = [
        value if isinstance(value, Literal) else real(site, value, key) for value, key in ((left, "x1"), (right, "x2"))
    ]
    return found[0], found[1]


def _by_matrix(site: Site, tensor: int, matrix: Literal) -> int:
    """The last axis of a tensor times a constant [features, units], or [features]."""
    shape = site.shape(tensor)
    if shape[-1] != matrix.shape[0]:
        raise Unsupported(f"it multiplies {shape[-1]} features by {matrix.shape[0]}")
    if len(matrix.shape) == 1:
        weights = constant_weights(site, "x2", matrix.reshaped((1, matrix.shape[0])))
        column = fully_connected(site, tensor, weights, site.inner("column"))
        return reshape(site, column, shape[:-1], site.output)
    weights = constant_weights(site, "x2", matrix.transposed((1, 0)))
    return fully_connected(site, tensor, weights, site.output)


def constant_weights(site: Site, key: str, value: Literal) -> int:
    """Weights that the config holds, or that the live model computes."""
    if isinstance(value, Parameter):
        return site.weights(key, value.shape, value.read())
    numbers = value.mapped(float).value
    slot = Slot(site.call.index, "weights", site.prefix + key)
    return site.draft.variable(value.shape, slot, ("value", numbers), value=numbers)


def _of_matrices(site: Site, left: Operand, right: Operand) -> int:
    operands = [_stacked(site, operand, key) for operand, key in ((left, "x1"), (right, "x2"))]
    flat = len(shape_of(site, left)) == len(shape_of(site, right)) == 2
    if not flat:
        return batch_matmul(site, operands[0], operands[1], site.output)
    product = batch_matmul(site, operands[0], operands[1], site.inner("stacked"))
    return reshape(site, product, site.shape(product)[1:], site.output)


def _stacked(site: Site, operand: Operand, key: str) -> int:
    """The operand as a stack of matrices; a single one gets an axis in front."""
    shape = shape_of(site, operand)
    wide = (1, *shape) if len(shape) == 2 else shape
    if isinstance(operand, Literal):
        return constant_weights(site, key, operand.reshaped([size or 0 for size in wide]))
    return operand if wide == shape else reshape(site, operand, wide, site.inner(f"{key}_stacked"))


def batch_matmul(site: Site, left: int, right: int, slot: Slot, *, transposed: bool = False) -> int:
    """BATCH_MATMUL of […, rows, inner] and […, inner, columns], or […, columns, inner] if that is *transposed*."""
    first, second = site.shape(left), site.shape(right)
    inner, columns = (second[-1], second[-2]) if transposed else (second[-2], second[-1])
    if None not in (first[-1], inner) and first[-1] != inner:
        raise Unsupported(f"it multiplies {first[-1]} columns by {inner} rows")
    shape = (*broadcast(*aligned(first[:-2], second[:-2])), first[-2], columns)
    return site.write(
        "BATCH_MATMUL",
        [left, right],
        shape,
        slot,
        adj_x=False,
        adj_y=transposed,
        asymmetric_quantize_inputs=False,
    )


# ---- sums over named axes


def tensordot(site: Site) -> int:
    """`tensordot` with a constant second operand: an `einsum`"""
    left, right = _operands(site)
    first, second = _contracted(site, len(shape_of(site, left)), len(shape_of(site, right)))
    names = iter("abcdefghijklmnopqrstuvwxyz")
    left_names = [next(names) for _ in shape_of(site, left)]
    shared = dict(zip(second, (left_names[axis] for axis in first), strict=True))
    right_names = [shared[axis] if axis in shared else next(names) for axis in range(len(shape_of(site, right)))]
    result = [name for name in left_names + right_names if name not in shared.values()]
    return _sum_of_products(site, (left, right), ("".join(left_names), "".join(right_names)), "".join(result))


def _contracted(site: Site, left: int, right: int) -> tuple[list[int], list[int]]:
    axes = site.config["axes"]
    if isinstance(axes.value, int):
        number = axes.integer(0, min(left, right))
        return list(range(left - number, left)), list(range(number))
    both = axes.items()
    if len(both) != 2:
        raise axes.expected("axes of both operands")
    first, second = (integers_of(part) for part in both)
    if len(first) != len(second):
        raise axes.expected("as many axes of both operands")
    return [axis_in(axis, left) for axis in first], [axis_in(axis, right) for axis in second]


def einsum(site: Site) -> int:
    """`einsum` of two operands without repeated or unused labels"""
    arguments = Arguments(site)
    operands = [arguments.operand(position) for position in range(len(site.call.arguments))]
    text = site.config["subscripts"].text().replace(" ", "")
    given, arrow, result = text.partition("->")
    names = given.split(",")
    if len(names) != len(operands):
        raise Unsupported(f"its subscripts are `{text}`")
    names, result = _spelled_out(names, result, [len(shape_of(site, operand)) for operand in operands])
    if "." in "".join((*names, result)):
        raise Unsupported(f"its subscripts are `{text}`")
    if not arrow:
        joined = "".join(names)
        result = "".join(sorted(name for name in set(joined) if joined.count(name) == 1))
    for operand, labels in zip(operands, names, strict=True):
        if len(set(labels)) < len(labels) or len(labels) != len(shape_of(site, operand)):
            raise Unsupported(f"its subscripts are `{text}`")
    if len(operands) == 1 and sorted(names[0]) == sorted(result):
        tensor = real(site, arguments.tensor())
        return chain(site, tensor, transposes(site, [names[0].index(name) for name in result]))
    if len(operands) != 2:
        raise Unsupported(f"its subscripts are `{text}`")
    return _sum_of_products(site, (operands[0], operands[1]), (names[0], names[1]), result)


def _spelled_out(names: list[str], result: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The labels with one for each axis that `...` stands for, the last ones of as many as stand there most."""
    missing = [
        rank - len(each.replace("...", "")) if "..." in each else 0 for each, rank in zip(names, ranks, strict=True)
    ]
    labels = "ABCDEFGH"[: max(missing, default=0)]
    spelled = [
        each.replace("...", labels[len(labels) - count :] if count else "")
        for each, count in zip(names, missing, strict=True)
    ]
    return spelled, result.replace("...", labels)


def _sum_of_products(site: Site, operands: tuple[Operand, Operand], names: tuple[str, str], result: str) -> int:
    """The operands' axes have *names*, and so has the result's; what the result lacks is summed."""
    left, right = (set(each) for each in names)
    batch = [name for name in result if name in left & right]
    summed = [name for name in names[0] if name in right and name not in result]
    free = ["".join(name for name in each if name in result and name not in batch) for each in names]
    if left | right != set(result) | set(summed) or set("".join(names)) < set(result):
        raise Unsupported("it sums an axis of one operand alone")
    sizes: dict[str, int | None] = {}
    for operand, each in zip(operands, names, strict=True):
        for name, size in zip(each, shape_of(site, operand), strict=True):
            if sizes.setdefault(name, size) != size:
                raise Unsupported("its operands differ on an axis of one name")
    if isinstance(operands[1], Literal) and not batch and not isinstance(operands[0], Literal):
        return _by_constant(site, operands[0], operands[1], names, free, summed, result, sizes)
    return _by_tensor(site, operands, names, free, batch, summed, result, sizes)


def _by_constant(
    site: Site,
    tensor: int,
    weights: Literal,
    names: tuple[str, str],
    free: Sequence[str],
    summed: Sequence[str],
    result: str,
    sizes: dict[str, int | None],
) -> int:
    features, units = (prod(sizes[name] or 0 for name in each) for each in (summed, free[1]))
    order = [names[1].index(name) for name in (*free[1], *summed)]
    matrix = weights.transposed(order).reshaped((units, features))
    leading = tuple(sizes[name] for name in free[0])
    moved = transposes(site, [names[0].index(name) for name in (*free[0], *summed)], "features_last")
    shape = tuple(sizes[name] for name in (*free[0], *summed))
    steps: list[tuple[str, Step]] = [*moved, *reshapes(site, shape, (*leading, features), "features")]

    def product(value: int, slot: Slot) -> int:
        return fully_connected(site, value, constant_weights(site, "x2", matrix), slot)

    steps.append(("product", product))
    apart = (*leading, *(sizes[name] for name in free[1]))
    steps += reshapes(site, (*leading, units), apart, "apart")
    steps += transposes(site, [(free[0] + free[1]).index(name) for name in result])
    return chain(site, tensor, steps)


def _by_tensor(
    site: Site,
    operands: tuple[Operand, Operand],
    names: tuple[str, str],
    free: Sequence[str],
    batch: Sequence[str],
    summed: Sequence[str],
    result: str,
    sizes: dict[str, int | None],
) -> int:
    def size(labels: Sequence[str]) -> int | None:
        found = [sizes[label] for label in labels]
        if found.count(None) > 0 and len(found) > 1:
            raise UnknownShape("it joins axes of which one is unknown")
        return found[0] if len(found) == 1 else prod(each or 0 for each in found)

    matrices = []
    stack = tuple(sizes[name] for name in batch) or (1,)
    for operand, each, others, key in zip(operands, names, free, ("x1", "x2"), strict=True):
        order = [each.index(name) for name in (*batch, *others, *summed)]
        shape = (*stack, size(others), size(summed))
        matrices.append(_matrix(site, operand, order, shape, key))
    apart = tuple(sizes[name] for name in (*batch, *free[0], *free[1]))
    steps = reshapes(site, (*stack, size(free[0]), size(free[1])), apart, "apart")
    steps += transposes(site, [[*batch, *free[0], *free[1]].index(name) for name in result])
    if not steps:
        return batch_matmul(site, matrices[0], matrices[1], site.output, transposed=True)
    product = batch_matmul(site, matrices[0], matrices[1], site.inner("product"), transposed=True)
    return chain(site, product, steps)


def _matrix(site: Site, operand: Operand, order: Sequence[int], shape: Shape, key: str) -> int:
    """The operand with its axes in *order* and joined to *shape*."""
    if isinstance(operand, Literal):
        return constant_weights(site, key, operand.transposed(order).reshaped([size or 0 for size in shape]))
    tensor = real(site, operand, key)
    moved = tuple(site.shape(tensor)[axis] for axis in order)
    steps = [*transposes(site, order, f"{key}_transposed"), *reshapes(site, moved, shape, f"{key}_joined")]
    for name, step in steps:
        tensor = step(tensor, site.inner(name))
    return tensor


PRODUCTS: dict[str, Lowering] = {
    "Matmul": matmul,
    "Dot": dot,
    "Tensordot": tensordot,
    "Einsum": einsum,
}
"""By the class of the operation."""
