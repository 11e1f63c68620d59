"""MultiHeadAttention and GroupQueryAttention: projections to heads, the attention of each, and a projection back.

The projections are FULLY_CONNECTED: `inner["query"]`, `inner["key"]`, `inner["value"]`, each [batch, …, heads · size].
The queries are scaled, which are fewer numbers than the scores. The heads stand in the batch of two BATCH_MATMUL:
`inner["query_heads"]` and `inner["value_heads"]` are [batch, heads, positions, size], and `inner["key_heads"]` [batch,
heads, size, positions]. Where the batch is dynamic, the projections work on rows of all positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.graph.ops import Source
from qspec.lowering.arguments import Arguments
from qspec.lowering.attention import (
    Result,
    conjunction,
    hidden,
    mask_tensor,
    positions,
    product_of,
    real_tensor,
    sees_nothing,
)
from qspec.lowering.operations_products import batch_matmul
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, axis_in, binary, fully_connected, reshape, select, transpose, unary


@dataclass(frozen=True)
class _Heads:
    """How many heads there are, and their sizes. A head of keys and values serves `shared` heads of queries."""

    queries: int
    keys: int
    size: int
    value_size: int

    @property
    def shared(self) -> int:
        return self.queries // self.keys


@dataclass(frozen=True)
class _Axes:
    """The axes between batch and features: those that attention goes over, and the others, which are like the batch."""

    over: tuple[int, ...]
    other: tuple[int, ...]

    @property
    def joined(self) -> bool:
        """Whether attention goes over all of them, so that they can be taken for one."""
        return not self.other and list(self.over) == sorted(self.over)


def multi_head_attention(site: Site) -> Result:
    """`MultiHeadAttention`"""
    config = site.config
    heads, size = config["num_heads"].integer(1), config["key_dim"].integer(1)
    value_size = config["value_dim"].integer(1) if config.has("value_dim") else size
    output = config.get("output_shape")
    sizes = () if output.is_none else (output.integer(1),) if isinstance(output.value, int) else output.shape()
    attention = _Attention(site, _Heads(heads, heads, size, value_size), config.get("attention_axes"))
    return attention.write(sizes)


def group_query_attention(site: Site) -> Result:
    """`GroupQueryAttention`. The heads of queries that share keys stand behind one another, as more queries of one."""
    names = ("num_query_heads", "num_key_value_heads", "head_dim")
    queries, keys, size = (site.config[name].integer(1) for name in names)
    if queries % keys:
        raise Unsupported(f"{queries} heads of queries do not share {keys} heads of keys")
    attention = _Attention(site, _Heads(queries, keys, size, size), Node(None, ""))
    return attention.write(())


class _Attention:
    def __init__(self, site: Site, heads: _Heads, axes: Node) -> None:
        self.site, self.heads = site, heads
        self.arguments = Arguments(site)
        self.query, self.value = (self._tensor(place, name) for place, name in enumerate(("query", "value")))
        self.key = self.value if self.arguments.raw(2, "key") is None else self._tensor(2, "key")
        shapes = [site.shape(tensor) for tensor in (self.query, self.value, self.key)]
        self.rank = len(shapes[0])
        if self.rank < 3 or any(len(shape) != self.rank for shape in shapes):
            raise Unsupported("its query, key and value differ in rank, or have no positions")
        self.axes = self._axes(axes)
        self.returns_scores = self.arguments.raw(7, "return_attention_scores") is True
        use_bias = site.config.get("use_bias")
        self.use_bias = use_bias.is_none or use_bias.boolean()

    def _tensor(self, place: int, name: str) -> int:
        return real_tensor(self.site, self.arguments.operand(place, name))

    def _axes(self, node: Node) -> _Axes:
        between = tuple(range(1, self.rank - 1))
        if node.is_none:
            return _Axes(between, ())
        items = [node] if isinstance(node.value, int) else node.items()
        over = tuple(axis_in(item.integer(-self.rank), self.rank) for item in items)
        if not set(over) <= set(between) or not over:
            raise Unsupported("its `attention_axes` are not between the batch and the features")
        return _Axes(over, tuple(axis for axis in between if axis not in over))

    def write(self, output: Shape) -> Result:
        """All ops; *output* is the config's `output_shape`, empty for that of the query."""
        site, heads = self.site, self.heads
        scale = site.inner_constant("scale", (), 1 / sqrt(heads.size))
        projected = self._projected(self.query, "query", heads.queries * heads.size)
        scaled = binary(site, "MUL", projected, scale, site.inner("scaled_query"))
        queries = self._by_head(scaled, "query", self.query, (heads.queries, heads.size))
        keys = self._projected(self.key, "key", heads.keys * heads.size)
        keys = self._by_head(keys, "key", self.key, (heads.keys, heads.size), sizes_first=True)
        values = self._projected(self.value, "value", heads.keys * heads.value_size)
        values = self._by_head(values, "value", self.value, (heads.keys, heads.value_size))
        scores = batch_matmul(site, queries, keys, site.inner("scores"))
        probabilities, returned = self._probabilities(scores)
        context = self._together(batch_matmul(site, probabilities, values, site.inner("context_heads")))
        if site.config.has("use_gate") and site.config["use_gate"].boolean():
            gate = self._projected(self.query, "gate", heads.queries * heads.value_size)
            gate = unary(site, "LOGISTIC", gate, site.inner("sigmoid"))
            context = binary(site, "MUL", context, gate, site.inner("gated"))
        result = self._output(context, output or site.shape(self.query)[-1:])
        return (result, returned) if self.returns_scores else result

    # ---- projections

    def _projected(self, tensor: int, name: str, units: int) -> int:
        """The product with a kernel [features, heads, size]."""
        site = self.site
        features = site.shape(tensor)[-1]
        if features is None:
            raise UnknownShape("the number of its features is unknown")
        source = Source(f"_{name}_dense.kernel", permutation=(1, 2, 0))
        weights = site.weights(f"{name}_kernel", (units, features), source)
        bias = site.bias(units, f"{name}_bias", Source(f"_{name}_dense.bias")) if self.use_bias else -1
        if self._dynamic(tensor):
            tensor = reshape(site, tensor, (None, features), site.inner(f"{name}_rows"))
        return fully_connected(site, tensor, weights, site.inner(name), bias)

    def _dynamic(self, tensor: int) -> bool:
        return None in self.site.shape(tensor)

    def _output(self, context: int, sizes: Shape) -> int:
        """The product with a kernel [heads, size, …]."""
        site, heads = self.site, self.heads
        units, features = product_of(sizes), heads.queries * heads.value_size
        order = (*range(2, 2 + len(sizes)), 0, 1)
        weights = site.weights("output_kernel", (units, features), Source("_output_dense.kernel", permutation=order))
        bias = site.bias(units, "output_bias", Source("_output_dense.bias")) if self.use_bias else -1
        shape = (*site.shape(self.query)[:-1], *sizes)
        if len(sizes) == 1 and not self._dynamic(self.query):
            return fully_connected(site, context, weights, site.output, bias)
        result = fully_connected(site, context, weights, site.inner("result"), bias)
        return reshape(site, result, shape, site.output)

    # ---- heads

    def _between(self, tensor: int) -> Shape:
        """The sizes of the axes between batch and features; one if they can be taken for one."""
        sizes = self.site.shape(tensor)[1:-1]
        return (product_of(sizes),) if self.axes.joined else sizes

    def _order(self) -> tuple[int, ...]:
        """Batch, other axes, heads, axes that attention goes over, sizes."""
        if self.axes.joined:
            return (0, 2, 1, 3)
        return (0, *self.axes.other, self.rank - 1, *self.axes.over, self.rank)

    def _by_head(self, tensor: int, name: str, given: int, heads: tuple[int, int], *, sizes_first: bool = False) -> int:
        """A projection of the tensor *given* as [batch, heads, positions, size], or with the size before."""
        site, between, order = self.site, self._between(given), self._order()
        batch, (count, size) = site.shape(given)[0], heads
        if sizes_first:
            over = 1 if self.axes.joined else len(self.axes.over)
            order = (*order[: -over - 1], order[-1], *order[-over - 1 : -1])
        apart = (batch, *between, count, size)
        others = product_of([apart[axis] for axis in self.axes.other])
        length = product_of(between) // others
        shared = count // self.heads.keys
        result = (batch, others * self.heads.keys, *((size, length) if sizes_first else (shared * length, size)))
        steps: list[tuple[str, Step]] = [
            ("apart", lambda value, slot: reshape(site, value, apart, slot)),
            ("ordered", lambda value, slot: transpose(site, value, order, slot)),
        ]
        if result != tuple(apart[axis] for axis in order):
            steps.append(("heads", lambda value, slot: reshape(site, value, result, slot)))
        for key, step in steps[:-1]:
            tensor = step(tensor, site.inner(f"{name}_{key}"))
        return steps[-1][1](tensor, site.inner(f"{name}_heads"))

    def _together(self, context: int) -> int:
        """[batch, heads, positions, size] as the projection back reads it."""
        site, order = self.site, self._order()
        shape, between = site.shape(self.query), self._between(self.query)
        apart = (shape[0], *between, self.heads.queries, self.heads.value_size)
        ordered = tuple(apart[axis] for axis in order)
        if site.shape(context) != ordered:
            context = reshape(site, context, ordered, site.inner("context_apart"))
        back = sorted(range(len(order)), key=order.__getitem__)
        moved = transpose(site, context, back, site.inner("context_ordered"))
        features = self.heads.queries * self.heads.value_size
        joined = (None, features) if self._dynamic(self.query) else (*shape[:-1], features)
        return reshape(site, moved, joined, site.inner("context"))

    # ---- scores

    def _probabilities(self, scores: int) -> tuple[int, int]:
        """The softmax of the scores, as the values are weighted with it and as the layer returns it."""
        site = self.site
        folded, shape = site.shape(scores), self._scores_shape()
        masks, empty = self._masks()
        mask = conjunction(site, masks)
        if mask is not None and folded != shape:
            scores = reshape(site, scores, shape, site.inner("scores_by_head"))
        dropout = site.config.has("dropout") and site.config["dropout"].number() > 0
        # Keras' softmax with a mask also hides what is behind it; its fused attention does not.
        zeroed = mask is not None and empty and (dropout or self.returns_scores or self.rank != 3)
        returned = self.returns_scores and site.shape(scores) == shape
        slot = site.output_at(1) if returned else site.inner("probabilities")
        soft = site.inner("unmasked") if zeroed else slot
        probabilities = unary(site, "SOFTMAX", hidden(site, scores, mask), soft, beta=1.0)
        if zeroed and mask is not None:
            probabilities = select(site, mask, probabilities, site.inner_constant("nothing", (), 0.0), slot)
        result = probabilities
        if self.returns_scores and not returned:
            result = reshape(site, probabilities, shape, site.output_at(1))
        if site.shape(probabilities) != folded:
            probabilities = reshape(site, probabilities, folded, site.inner("folded"))
        return probabilities, result

    def _scores_shape(self) -> Shape:
        """[batch, other axes, heads, queries, keys]"""
        query, key = (self.site.shape(tensor) for tensor in (self.query, self.key))
        others = [query[axis] for axis in self.axes.other]
        lengths = [shape[axis] for shape in (query, key) for axis in self.axes.over]
        return (query[0], *others, self.heads.queries, *lengths)

    def _masks(self) -> tuple[list[int], bool]:
        """The masks [batch, heads, queries, keys], and whether they may hide all keys from a query."""
        site, arguments = self.site, self.arguments
        masks = []
        for place, name, axes in ((3, "query_mask", (1, 3)), (4, "value_mask", (1, 2)), (5, "key_mask", (1, 2))):
            masks.append(self._headed(mask_tensor(site, arguments.raw(place, name)), axes))
        given = mask_tensor(site, arguments.raw(6, "attention_mask"))
        masks.append(self._headed(given, (1,)) if given is not None and len(site.shape(given)) == 3 else given)
        causal = arguments.raw(9, "use_causal_mask") is True
        window = site.config["sliding_window"].integer(1) if site.config.has("sliding_window") else None
        found = [mask for mask in masks if mask is not None]
        empty = bool(found)
        if causal or window is not None:
            query, key = (site.shape(tensor)[1] for tensor in (self.query, self.value))
            found.append(positions(site, query, key, causal=causal, window=window))
            empty = empty or sees_nothing(site, found[-1])
        if found and self.rank != 3:
            raise Unsupported("it has a mask over several axes")
        return found, empty

    def _headed(self, mask: int | None, axes: Sequence[int]) -> int | None:
        """A mask with axes of 1 at these places."""
        if mask is None:
            return None
        shape = list(self.site.shape(mask))
        for axis in axes:
            shape.insert(axis, 1)
        return reshape(self.site, mask, tuple(shape), None)
