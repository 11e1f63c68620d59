"""EinsumDense: a product with weights over any axes.

Where input and weights have no axis in common that stays, it is a FULLY_CONNECTED between reshapes; with such axes a
BATCH_MATMUL; a MUL if nothing is summed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from string import ascii_letters

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Slot, Source
from qspec.lowering.activations import with_activation
from qspec.lowering.operations_products import batch_matmul
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, binary, fully_connected, reduce, reshape, transpose


@dataclass(frozen=True)
class Equation:
    """An equation `input,weights->output`, an ellipsis written out. Its `sizes` are by letter."""

    input: str
    weights: str
    output: str
    sizes: dict[str, int | None]

    @property
    def shared(self) -> list[str]:
        """Axes of input, weights and output: the products of each stay apart."""
        return [letter for letter in self.output if letter in self.input and letter in self.weights]

    @property
    def free(self) -> list[str]:
        """Axes of input and output alone, in the output's order."""
        return [letter for letter in self.output if letter not in self.weights]

    @property
    def units(self) -> list[str]:
        """Axes of weights and output alone, in the output's order."""
        return [letter for letter in self.output if letter not in self.input]

    @property
    def summed(self) -> list[str]:
        """Axes of input and weights alone, in the input's order."""
        return [letter for letter in self.input if letter in self.weights and letter not in self.output]

    def shape(self, letters: Sequence[str]) -> Shape:
        """The sizes of axes."""
        return tuple(self.sizes[letter] for letter in letters)

    def bias_shape(self, axes: str) -> Shape:
        """The shape of a bias along *axes*: it begins with the first of them, and has 1 where the output has others."""
        first = min(self.output.index(letter) for letter in axes if letter in self.output)
        return tuple(self.sizes[letter] if letter in axes else 1 for letter in self.output[first:])

    def count(self, letters: Sequence[str]) -> int | None:
        """How many values the axes have together."""
        sizes = self.shape(letters)
        return None if None in sizes else prod(size or 0 for size in sizes)


def einsum_dense(site: Site) -> int:
    """`EinsumDense`"""
    if site.config.has("quantization_config"):
        raise Unsupported("it has quantized weights of Keras' own")
    tensor = site.single_input()
    equation = layer_equation(site.config, site.shape(tensor))
    axes = site.config.get("bias_axes")
    bias = "" if axes.is_none else axes.text()
    return with_activation(site, lambda slot: product(site, tensor, equation, bias, slot))


def layer_equation(config: Node, shape: Shape) -> Equation:
    """The equation of an EinsumDense that reads a tensor of *shape*."""
    output = config["output_shape"]
    sizes = [output.integer(1)] if isinstance(output.value, int) else list(output.shape())
    return read_equation(config["equation"].text(), shape, sizes)


def read_equation(text: str, shape: Shape, output: Sequence[int | None]) -> Equation:
    """The equation of a layer that reads a tensor of *shape*, as `_analyze_einsum_string` of
    `keras/src/layers/core/einsum_dense.py` reads it; *output* are the sizes of its result behind the batch, without
    those that an ellipsis stands for."""
    found = re.fullmatch(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?", text)
    if found is None or (found[1], found[3]) != (found[5], found[7]) or (found[1] and found[3]):
        raise Unsupported(f"its equation `{text}` is not one of a product with weights")
    read, weights, written = found[2], found[4], found[6]
    hidden = len(shape) - len(read)
    if hidden < 0 or (hidden and not (found[1] or found[3])):
        raise Unsupported(f"its equation `{text}` does not fit an input of {len(shape)} dimensions")
    if any(len(set(term)) < len(term) for term in (read, weights, written)):
        raise Unsupported(f"its equation `{text}` takes the diagonal of an axis")
    others = "".join(letter for letter in ascii_letters if letter not in text)[:hidden]
    read, full = (others + read, others + written) if found[1] else (read + others, written + others)
    if not set(full) <= set(read) | set(weights) or not set(weights) <= set(read) | set(full):
        raise Unsupported(f"its equation `{text}` is not one of a product with weights")
    sizes = dict(zip(read, shape, strict=True))
    # The sizes of the config stand for the axes behind the first one, which is the batch's.
    told = written if found[1] and hidden else written[1:]
    for letter, size in zip(reversed(told), reversed(output), strict=False):
        if sizes.get(letter) is None:
            sizes[letter] = size
    if any(sizes.get(letter) is None for letter in weights):
        raise UnknownShape("the size of its weights is unknown")
    return Equation(read, weights, full, sizes)


def product(site: Site, tensor: int, equation: Equation, bias: str, slot: Slot) -> int:
    """The product, and the bias along its axes *bias*, if there are any."""
    lost = [letter for letter in equation.input if letter not in equation.weights and letter not in equation.output]
    if lost:
        axes = [equation.input.index(letter) for letter in lost]
        tensor = reduce(site, "SUM", tensor, axes, site.inner("summed"), keep=False)
        left = "".join(letter for letter in equation.input if letter not in lost)
        equation = Equation(left, equation.weights, equation.output, equation.sizes)
    if equation.summed and not equation.shared:
        steps, own = _fully_connected(site, equation, bias)
    else:
        steps, own = (_batch_matmul if equation.summed else _multiplied)(site, equation), False
    if bias and not own:
        steps.append(("sum", _bias_added(site, equation, bias)))
    for name, step in steps[:-1]:
        tensor = step(tensor, site.inner(name))
    return steps[-1][1](tensor, slot)


def _fully_connected(site: Site, equation: Equation, bias: str) -> tuple[list[tuple[str, Step]], bool]:
    """The steps, and whether the bias is among them: if it has just the axes of the units."""
    free, units, summed = equation.free, equation.units, equation.summed
    features, outputs = equation.count(summed) or 1, equation.count(units) or 1
    source = Source("kernel", permutation=_places(equation.weights, [*units, *summed]))
    weights = site.weights("kernel", (outputs, features), source)
    own = bool(bias) and sorted(bias) == sorted(units)
    added = site.bias(outputs, source=Source("bias")) if own else -1
    steps = [
        *_moved(site, "ordered", equation.input, [*free, *summed]),
        *_shaped(site, "features", (*equation.shape(free), *equation.shape(summed)), (*equation.shape(free), features)),
    ]
    joined = (*equation.shape(free), features)
    dynamic = None in joined and len(joined) > 2
    if dynamic:
        rows = (equation.count(free), features)
        steps.append(("rows", lambda tensor, slot: reshape(site, tensor, rows, slot)))
    steps.append(("product", lambda tensor, slot: fully_connected(site, tensor, weights, slot, added)))
    before = (equation.count(free), outputs) if dynamic else (*equation.shape(free), outputs)
    steps += _shaped(site, "units", before, equation.shape([*free, *units]))
    steps += _moved(site, "reordered", "".join([*free, *units]), list(equation.output))
    return steps, own


def _batch_matmul(site: Site, equation: Equation) -> list[tuple[str, Step]]:
    """Each sample's matrices, one for each place along the shared axes, times those of the weights."""
    shared, units, summed = equation.shared, equation.units, equation.summed
    batch, *free = equation.free
    inner, outputs = equation.count(summed) or 1, equation.count(units) or 1
    source = Source("kernel", permutation=_places(equation.weights, [*shared, *summed, *units]))
    weights = site.weights("kernel", (equation.count(shared), inner, outputs), source)
    before, behind = [batch, *shared, *free, *summed], [batch, *shared, *free, *units]
    rows = (equation.sizes[batch], equation.count(shared), equation.count(free), inner)
    result = (*rows[:-1], outputs)
    return [
        *_moved(site, "ordered", equation.input, before),
        *_shaped(site, "rows", equation.shape(before), rows),
        ("product", lambda tensor, slot: batch_matmul(site, tensor, weights, slot)),
        *_shaped(site, "units", result, equation.shape(behind)),
        *_moved(site, "reordered", "".join(behind), list(equation.output)),
    ]


def _multiplied(site: Site, equation: Equation) -> list[tuple[str, Step]]:
    read = [letter for letter in equation.output if letter in equation.input]
    order = [letter for letter in equation.output if letter in equation.weights]
    source = Source("kernel", permutation=_places(equation.weights, order))
    weights = site.weights("kernel", _spread(equation, equation.weights), source)
    return [
        *_moved(site, "ordered", equation.input, read),
        *_shaped(site, "spread", equation.shape(read), _spread(equation, equation.input)),
        ("product", lambda tensor, slot: binary(site, "MUL", tensor, weights, slot)),
    ]


def _spread(equation: Equation, letters: str) -> Shape:
    """The shape along the output, 1 where an axis is none of *letters*."""
    return tuple(equation.sizes[letter] if letter in letters else 1 for letter in equation.output)


def _bias_added(site: Site, equation: Equation, bias: str) -> Step:
    constant = site.inner_constant("bias", equation.bias_shape(bias), source=Source("bias"))
    return lambda tensor, slot: binary(site, "ADD", tensor, constant, slot)


def _places(letters: str, wanted: Sequence[str]) -> tuple[int, ...]:
    return tuple(letters.index(letter) for letter in wanted)


def _moved(site: Site, name: str, letters: str, wanted: Sequence[str]) -> list[tuple[str, Step]]:
    order = _places(letters, wanted)
    if order == tuple(range(len(order))):
        return []
    return [(name, lambda tensor, slot: transpose(site, tensor, order, slot))]


def _shaped(site: Site, name: str, shape: Shape, wanted: Shape) -> list[tuple[str, Step]]:
    if tuple(shape) == tuple(wanted):
        return []
    return [(name, lambda tensor, slot: reshape(site, tensor, wanted, slot))]
