"""The raw operation of attention."""

from __future__ import annotations

from math import sqrt

from qspec.lowering.arguments import Arguments, Operand, constant, real, shape_of
from qspec.lowering.attention import conjunction, hidden, mask_tensor, positions
from qspec.lowering.literals import Literal
from qspec.lowering.operations_products import batch_matmul, constant_weights
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.writing import binary, transpose, unary


def dot_product_attention(site: Site) -> int:
    """`dot_product_attention` of [batch, positions, heads, size]: the heads stand before the positions,
    `inner["query_heads"]` and its like, in two BATCH_MATMUL around the SOFTMAX of `inner["scores"]`"""
    arguments = Arguments(site)
    operands = {name: arguments.operand(position, name) for position, name in enumerate(("query", "key", "value"))}
    query, key, value = (shape_of(site, operand) for operand in operands.values())
    if not len(query) == len(key) == len(value) == 4:
        raise Unsupported("its inputs have not four dimensions")
    if query[2] != key[2]:
        raise Unsupported("several of its heads of queries share one of keys")
    size = query[-1]
    given = arguments.optional(5, "scale")
    if size is None or (given is not None and not isinstance(given, Literal)):
        raise UnknownShape("the size of its heads is unknown, or its scale a tensor")
    factor = 1 / sqrt(size) if given is None else float(given.value)
    # What is scaled must not be a constant: the converter would compute the product beforehand.
    scaled = "key" if isinstance(operands["query"], Literal) else "query"
    if isinstance(operands[scaled], Literal):
        raise Unsupported("its queries and keys are constants")
    scale, tensor = site.inner_constant("scale", (), factor), real(site, operands[scaled], scaled)
    operands[scaled] = binary(site, "MUL", tensor, scale, site.inner(f"scaled_{scaled}"))
    heads = [_heads(site, operand, name) for name, operand in operands.items()]
    scores = batch_matmul(site, heads[0], heads[1], site.inner("scores"), transposed=True)
    bias = arguments.optional(3, "bias")
    if bias is not None:
        addend = constant(site, bias, "float32", "bias") if isinstance(bias, Literal) else real(site, bias, "bias")
        scores = binary(site, "ADD", scores, addend, site.inner("biased_scores"))
    masked = hidden(site, scores, conjunction(site, _masks(site, scores)))
    probabilities = unary(site, "SOFTMAX", masked, site.inner("probabilities"), beta=1.0)
    context = batch_matmul(site, probabilities, heads[2], site.inner("context"))
    return transpose(site, context, (0, 2, 1, 3), site.output)


def _heads(site: Site, operand: Operand, name: str) -> int:
    """The operand as [batch, heads, positions, size]."""
    if isinstance(operand, Literal):
        return constant_weights(site, f"{name}_heads", operand.transposed((0, 2, 1, 3)))
    return transpose(site, real(site, operand, name), (0, 2, 1, 3), site.inner(f"{name}_heads"))


def _masks(site: Site, scores: int) -> list[int]:
    found = [mask_tensor(site, Arguments(site).raw(4, "mask"))]
    if site.config.get("is_causal").value:
        _, _, queries, keys = site.shape(scores)
        found.append(positions(site, queries, keys, causal=True))
    return [mask for mask in found if mask is not None]


ATTENTION: dict[str, Lowering] = {"DotProductAttention": dot_product_attention}
"""By the class of the operation."""
