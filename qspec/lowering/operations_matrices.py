"""Raw operations on the last axes as matrices and vectors: triangles, diagonals, differences, products."""

from __future__ import annotations

from qspec.graph.layers import Shape
from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments, Operand, real, shape_of, type_of
from qspec.lowering.formulas import Formula
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import batch_matmul
from qspec.lowering.operations_reductions import named_axes
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import (
    axis_in,
    binary,
    count,
    reduce,
    reshape,
    select,
    strided_slice,
    transpose,
)

# ---- triangles and diagonals


def triangle(lower_one: bool) -> Lowering:
    """`tril`, `triu`: times a constant of ones and zeros, `inner["triangle"]`"""

    def lower(site: Site) -> int:
        tensor = Arguments(site).tensor()
        shape, type_, k = site.shape(tensor), type_of(site, tensor), site.config["k"].integer(-(2**31))
        if type_ not in ("float32", "int32"):
            raise Unsupported(f"it reads a tensor of {type_}")
        rows, columns = _matrix_sizes(shape)
        kept = [[(column - row <= k) if lower_one else (column - row >= k) for column in range(columns)]
                for row in range(rows)]  # fmt: skip
        if type_ == "float32":
            values = tuple(tuple(float(each) for each in row) for row in kept)
            mask = site.inner_constant("triangle", (rows, columns), values)
        else:
            mask = site.draft.constant(tuple(tuple(map(int, row)) for row in kept), (rows, columns))
        return binary(site, "MUL", tensor, mask, site.output)

    return lower


def _matrix_sizes(shape: Shape) -> tuple[int, int]:
    if len(shape) < 2 or shape[-1] is None or shape[-2] is None:
        raise UnknownShape("the sizes of its matrices are unknown")
    return shape[-2], shape[-1]


def diagonal(site: Site) -> int:
    """`diagonal`: GATHER of the places of the two axes joined"""
    return _diagonal(site, site.output)


def trace(site: Site) -> int:
    """`trace`: the SUM of `inner["diagonal"]`"""
    found = _diagonal(site, site.inner("diagonal"))
    return reduce(site, "SUM", found, [len(site.shape(found)) - 1], site.output, keep=False)


def _diagonal(site: Site, slot: Slot) -> int:
    tensor = Arguments(site).tensor()
    shape = site.shape(tensor)
    offset = site.config["offset"].integer(-(2**31))
    first, second = (axis_in(site.config[key].integer(-16), len(shape)) for key in ("axis1", "axis2"))
    others = [axis for axis in range(len(shape)) if axis not in (first, second)]
    moved = transpose(site, tensor, [*others, first, second], site.inner("transposed"))
    rows, columns = _matrix_sizes(site.shape(moved))
    kept = site.shape(moved)[:-2]
    joined = reshape(site, moved, (*kept, rows * columns), site.inner("joined"))
    places = [row * columns + row + offset for row in range(rows) if 0 <= row + offset < columns]
    if not places:
        raise Unsupported("its diagonal is empty")
    shape = (*kept, len(places))
    where = site.integers(places)
    return site.write("GATHER", [joined, where], shape, slot, type_of(site, tensor), axis=len(kept), batch_dims=0)


# ---- along an axis


def differences(site: Site) -> int:
    """`diff`: each value less the one before, n times"""
    tensor = Arguments(site).tensor(0, "a")
    axis = axis_in(site.config["axis"].integer(-16), len(site.shape(tensor)))
    times = site.config["n"].integer(0, 16)
    if times == 0:
        return site.vanish(tensor)
    if type_of(site, tensor) not in ("float32", "int32", "int64"):
        raise Unsupported(f"it reads a tensor of {type_of(site, tensor)}")
    for number in range(1, times + 1):
        slot = site.output if number == times else site.inner(f"difference_{number}")
        tensor = _difference(site, tensor, axis, number, slot)
    return tensor


def _difference(site: Site, tensor: int, axis: int, number: int, slot: Slot) -> int:
    behind = _cut(site, tensor, axis, (1, None, 1), site.inner(f"behind_{number}"))
    before = _cut(site, tensor, axis, (None, -1, 1), site.inner(f"before_{number}"))
    return binary(site, "SUB", behind, before, slot)


def _cut(site: Site, tensor: int, axis: int, span: tuple[int | None, int | None, int], slot: Slot) -> int:
    ranges: list[tuple[int | None, int | None, int]] = [(None, None, 1)] * len(site.shape(tensor))
    ranges[axis] = span
    return strided_slice(site, tensor, ranges, slot)


def trapezoid(site: Site) -> int:
    """`trapezoid` with a constant step: the sum of the means of neighbours, times the step"""
    arguments = Arguments(site)
    if arguments.raw(1, "x") is not None:
        raise Unsupported("its places are given")
    tensor = real(site, arguments.tensor(0, "y"), "y")
    axis = axis_in(site.config["axis"].integer(-16), len(site.shape(tensor)))
    behind = _cut(site, tensor, axis, (1, None, 1), site.inner("behind"))
    before = _cut(site, tensor, axis, (None, -1, 1), site.inner("before"))
    f = Formula(site)
    areas = f("areas", "MUL", f("sums", "ADD", behind, before), 0.5 * site.config["dx"].number())
    return reduce(site, "SUM", areas, [axis], site.output, keep=False)


def cumulative_product(site: Site) -> int:
    """`cumprod`: of each place the product of what a constant triangle leaves of the values, ones elsewhere"""
    tensor = real(site, Arguments(site).tensor())
    shape, axis = site.shape(tensor), site.config.get("axis")
    if axis.is_none:
        tensor = reshape(site, tensor, (count(shape),), site.inner("flat"))
        shape = site.shape(tensor)
    position = 0 if axis.is_none else axis_in(axis.integer(-16), len(shape))
    size = shape[position]
    if size is None or size > _MOST_FACTORS:
        raise Unsupported(f"it multiplies along an axis of {size}, and at most {_MOST_FACTORS} are written out")
    order = [*(place for place in range(len(shape)) if place != position), position]
    moved = transpose(site, tensor, order, site.inner("transposed"))
    rows = reshape(site, moved, (*site.shape(moved)[:-1], 1, size), site.inner("rows"))
    below = tuple(tuple(column <= row for column in range(size)) for row in range(size))
    kept = site.draft.constant(below, (size, size), "bool")
    factors = select(site, kept, rows, site.inner_constant("one", (), 1.0), site.inner("factors"))
    product = reduce(site, "REDUCE_PROD", factors, [len(shape)], site.inner("product"), keep=False)
    return transpose(site, product, sorted(range(len(shape)), key=order.__getitem__), site.output)


_MOST_FACTORS = 128

# ---- products


def outer(site: Site) -> int:
    """`outer` of all values of both"""
    arguments = Arguments(site)
    left, right = (arguments.operand(position, f"x{position + 1}") for position in (0, 1))
    if isinstance(left, Literal) and isinstance(right, Literal):
        raise Unsupported("it computes with constants alone")
    column = _vector(site, left, (-1, 1), "x1")
    row = _vector(site, right, (1, -1), "x2")
    return binary(site, "MUL", column, row, site.output)


def _vector(site: Site, operand: Operand, shape: tuple[int, int], key: str) -> int:
    """All values of the operand as a column or a row."""
    given = shape_of(site, operand)
    total = None if None in given else count(given)
    wanted: Shape = (total, 1) if shape[0] == -1 else (1, total)
    if isinstance(operand, Literal):
        flat = operand.reshaped([size or 0 for size in wanted])
        return site.inner_constant(key, flat.shape, flat.mapped(float).value)
    return reshape(site, real(site, operand, key), wanted, site.inner(f"{key}_flat"))


def inner_product(site: Site) -> int:
    """`inner`, `vdot`: products of rows, summed over the last axis"""
    arguments = Arguments(site)
    left, right = (real(site, arguments.tensor(position, f"x{position + 1}")) for position in (0, 1))
    first, second = site.shape(left), site.shape(right)
    if len(first) < 1 or len(second) < 1 or first[-1] != second[-1]:
        raise Unsupported(f"its last axes have {first[-1:]} and {second[-1:]} values")
    matrices = [
        reshape(site, tensor, (1, _rows(shape), shape[-1]), site.inner(f"{key}_rows"))
        for tensor, shape, key in ((left, first, "x1"), (right, second, "x2"))
    ]
    product = batch_matmul(site, matrices[0], matrices[1], site.inner("product"), transposed=True)
    return reshape(site, product, (*first[:-1], *second[:-1]), site.output)


def _rows(shape: Shape) -> int | None:
    return None if None in shape else count(shape[:-1])


def cross(site: Site) -> int:
    """`cross` of vectors of three: a₁b₂ - a₂b₁ of both in other orders"""
    arguments = Arguments(site)
    axes = [site.config.get(key) for key in ("axisa", "axisb", "axisc")]
    operands = [real(site, arguments.operand(position, f"x{position + 1}"), f"x{position + 1}") for position in (0, 1)]
    shapes = [site.shape(tensor) for tensor in operands]
    axis = site.config.get("axis")
    last = [(axis if not axis.is_none else each).integer(-16) for each in axes]
    if any(position not in (-1, len(shapes[0]) - 1) for position in last) or len(shapes[0]) != len(shapes[1]):
        raise Unsupported("its axis is not the last")
    if shapes[0][-1] != 3 or shapes[1][-1] != 3:
        raise Unsupported("its vectors have not three components")
    turned = {
        (key, shift): _turned(site, tensor, shift, site.inner(f"{key}_turned_{shift}"))
        for key, tensor in zip(("x1", "x2"), operands, strict=True)
        for shift in (1, 2)
    }
    ahead = binary(site, "MUL", turned["x1", 1], turned["x2", 2], site.inner("ahead"))
    behind = binary(site, "MUL", turned["x1", 2], turned["x2", 1], site.inner("behind"))
    return binary(site, "SUB", ahead, behind, site.output)


def _turned(site: Site, tensor: int, shift: int, slot: Slot) -> int:
    shape = site.shape(tensor)
    where = site.integers([(place + shift) % 3 for place in range(3)])
    return site.write("GATHER", [tensor, where], shape, slot, axis=len(shape) - 1, batch_dims=0)


def average(site: Site) -> int:
    """`average`: MEAN; with constant weights a MUL by their shares and a SUM"""
    arguments = Arguments(site)
    tensor = real(site, arguments.tensor())
    shape = site.shape(tensor)
    axes, weights = named_axes(site.config.get("axis"), len(shape)), arguments.optional(1, "weights")
    if weights is None:
        return reduce(site, "MEAN", tensor, axes, site.output, keep=False)
    if not isinstance(weights, Literal) or len(weights.shape) != 1 or len(axes) != 1:
        raise Unsupported("its weights are no constant for one axis")
    total = sum(weights.flat)
    if not total:
        raise Unsupported("its weights sum to 0")
    shares = weights.mapped(lambda number: number / total, "float32")
    wide = shares.reshaped([*weights.shape, *(1,) * (len(shape) - axes[0] - 1)])
    factor = site.inner_constant("shares", wide.shape, wide.value)
    return reduce(
        site, "SUM", binary(site, "MUL", tensor, factor, site.inner("weighted")), axes, site.output, keep=False
    )


MATRICES: dict[str, Lowering] = {
    "Tril": triangle(lower_one=True),
    "Triu": triangle(lower_one=False),
    "Diagonal": diagonal,
    "Trace": trace,
    "Diff": differences,
    "Trapezoid": trapezoid,
    "Cumprod": cumulative_product,
    "Nancumprod": cumulative_product,
    "Outer": outer,
    "Inner": inner_product,
    "Cross": cross,
    "Average": average,
}
"""By the class of the operation."""
