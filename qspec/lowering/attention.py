"""Attention: the scores of queries against keys, a softmax of them, and the values weighted with it.

Every layer has `inner["scores"]`, `inner["masked_scores"]` where there is a mask, and `inner["probabilities"]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from qspec.graph.ops import Slot, Source
from qspec.lowering.arguments import Arguments, Operand
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import batch_matmul
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import HIDDEN, binary, reduce, reshape, select, type_of, unary

Result = int | tuple[int, ...]


def attention(site: Site) -> Result:
    """`Attention`: the scores are dot products, or sums of tanh(query + key), each times variables of the layer."""
    tensors = _tensors(site)
    query, key = tensors[0], tensors[-1]
    scaled = _true(site, "use_scale", default=False)
    mode = site.config.get("score_mode")
    if mode.is_none or mode.text() == "dot":
        scores = batch_matmul(site, query, key, site.inner("products" if scaled else "scores"), transposed=True)
        if scaled:
            scores = _times_variable(site, scores, "scale", site.inner("scores"))
        return _weighted(site, scores, tensors[1])
    pairs = _pairs(site, query, key)
    if scaled:
        pairs = _times_variable(site, pairs, "scale", site.inner("scaled"))
    summed = _summed(site, unary(site, "TANH", pairs, site.inner("tanh")), "summed")
    return _weighted(site, _times_variable(site, summed, "concat_score_weight", site.inner("scores")), tensors[1])


def additive_attention(site: Site) -> Result:
    """`AdditiveAttention`: the scores are sums of scale · tanh(query + key)."""
    tensors = _tensors(site)
    values = unary(site, "TANH", _pairs(site, tensors[0], tensors[-1]), site.inner("tanh"))
    if _true(site, "use_scale"):
        size = site.shape(values)[-1]
        if size is None:
            raise UnknownShape("the number of its features is unknown")
        values = _times_variable(site, values, "scale", site.inner("scaled"), (size,))
    return _weighted(site, _summed(site, values, "scores"), tensors[1])


def _tensors(site: Site) -> list[int]:
    """Query, value and, if it is not the value, key."""
    operands = Arguments(site).several(0, "inputs")
    if not 2 <= len(operands) <= 3:
        raise Unsupported(f"it is called with {len(operands)} tensors")
    return [real_tensor(site, operand) for operand in operands]


def real_tensor(site: Site, operand: Operand) -> int:
    """The operand, which must be a tensor of real numbers."""
    if isinstance(operand, Literal):
        raise Unsupported("it is called with a constant")
    if type_of(site, operand) != "float32":
        raise Unsupported(f"it reads a tensor of {type_of(site, operand)}, and float32 is what is known of it")
    return operand


def _pairs(site: Site, query: int, key: int) -> int:
    """query + key for each pair of both, […, queries, keys, features]."""
    *before, queries, features = site.shape(query)
    query = reshape(site, query, (*before, queries, 1, features), site.inner("query"))
    *before, keys, features = site.shape(key)
    key = reshape(site, key, (*before, 1, keys, features), site.inner("key"))
    return binary(site, "ADD", query, key, site.inner("pairs"))


def _times_variable(site: Site, tensor: int, variable: str, slot: Slot, shape: tuple[int, ...] = ()) -> int:
    return binary(site, "MUL", tensor, site.inner_constant(variable, shape, source=Source(variable)), slot)


def _summed(site: Site, tensor: int, name: str) -> int:
    return reduce(site, "SUM", tensor, [len(site.shape(tensor)) - 1], site.inner(name), keep=False)


def _weighted(site: Site, scores: int, value: int) -> Result:
    """The softmax of the scores, and the sum of the values weighted with it. A query that is masked gives 0."""
    arguments = Arguments(site)
    causal = arguments.raw(4, "use_causal_mask") is True
    returned = arguments.raw(3, "return_attention_scores") is True
    masks = arguments.raw(1, "mask") or (None, None)
    query_mask, value_mask = (mask_tensor(site, mask) for mask in masks[:2])
    seen = [] if value_mask is None else [with_axis(site, value_mask, -2)]
    if causal:
        seen.append(positions(site, *site.shape(scores)[-2:], causal=True))
    masked = hidden(site, scores, conjunction(site, seen))
    slot = site.output_at(1) if returned else site.inner("probabilities")
    probabilities = unary(site, "SOFTMAX", masked, slot, beta=1.0)
    result = batch_matmul(site, probabilities, value, site.output if query_mask is None else site.inner("context"))
    if query_mask is not None:
        nothing = site.inner_constant("nothing", (), 0.0)
        result = select(site, with_axis(site, query_mask, -1), result, nothing, site.output)
    return (result, probabilities) if returned else result


# ---- masks


def mask_tensor(site: Site, value: object) -> int | None:
    """A mask among the arguments of a call."""
    if value is None:
        return None
    operand = Arguments(site).resolved(value, "mask")
    if isinstance(operand, Literal):
        return site.draft.constant(operand.mapped(bool).value, operand.shape, "bool")
    if type_of(site, operand) != "bool":
        raise Unsupported(f"its mask is of {type_of(site, operand)}, not bool")
    return operand


def with_axis(site: Site, mask: int, axis: int) -> int:
    """A mask with an axis of 1 that, counted from the end, stands at *axis*."""
    shape = list(site.shape(mask))
    shape.insert(len(shape) + 1 + axis, 1)
    return reshape(site, mask, tuple(shape), None)


def positions(
    site: Site, queries: int | None, keys: int | None, *, causal: bool = False, window: int | None = None
) -> int:
    """The constant [queries, keys] that is true where a query sees a key: none behind its own position if it is
    *causal*, none as far as *window* away."""
    if queries is None or keys is None:
        raise UnknownShape("the number of its queries or keys is unknown")
    return site.draft.constant(_seen(queries, keys, causal, window), (queries, keys), "bool")


def _seen(queries: int, keys: int, causal: bool, window: int | None) -> tuple[tuple[bool, ...], ...]:
    return tuple(
        tuple((not causal or key <= query) and (window is None or abs(query - key) < window) for key in range(keys))
        for query in range(queries)
    )


def sees_nothing(site: Site, mask: int) -> bool:
    """Whether there is a query that a constant mask hides all keys from."""
    return not all(any(row) for row in site.draft.tensors[mask].value)


def conjunction(site: Site, masks: Sequence[int]) -> int | None:
    """All masks together."""
    if not masks:
        return None
    result = masks[0]
    for mask in masks[1:]:
        result = binary(site, "LOGICAL_AND", result, mask, None, "bool")
    return result


def hidden(site: Site, scores: int, mask: int | None) -> int:
    """The scores, and `HIDDEN` where a mask hides them."""
    if mask is None:
        return scores
    return select(site, mask, scores, site.inner_constant("hidden", (), HIDDEN), site.inner("masked_scores"))


def _true(site: Site, key: str, *, default: bool = True) -> bool:
    value = site.config.get(key)
    return default if value.is_none else value.boolean()


def product_of(sizes: Sequence[int | None]) -> int:
    """The product of sizes that must be known."""
    if None in sizes:
        raise UnknownShape("its input has unknown sizes")
    return prod(size or 0 for size in sizes)
