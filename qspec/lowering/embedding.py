"""Embedding and ReversibleEmbedding: rows of a table, and products with it.

Keras lets negative indices count from the end, at the price of three more ops; here they are not.
"""

from __future__ import annotations

from qspec.graph.ops import Source
from qspec.lowering.arguments import Arguments
from qspec.lowering.normalization import INTEGERS, cast
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, binary, chain, fully_connected, reshape, unary


def embedding(site: Site) -> int:
    """`Embedding`: GATHER from `weights["embeddings"]`; indices that are not int32 or int64 are CAST before."""
    if site.config.has("quantization_config"):
        raise Unsupported("it has quantized weights of Keras' own")
    indices = site.single_input(("float32", *INTEGERS))
    if site.draft.tensors[indices].type not in ("int32", "int64"):
        indices = cast(site, indices, "int32", None)
    rows, size = (site.config[key].integer(1) for key in ("input_dim", "output_dim"))
    table = site.weights("embeddings", (rows, size), Source("embeddings"))
    shape = (*site.shape(indices), size)
    return site.write("GATHER", [table, indices], shape, site.output, axis=0, batch_dims=0)


def reversible_embedding(site: Site) -> int:
    """`ReversibleEmbedding`: as `Embedding`, or with `reverse` the products with all rows, FULLY_CONNECTED, held below
    the `logit_soft_cap` by a TANH."""
    if Arguments(site).raw(1, "reverse") is not True:
        return embedding(site)
    if site.config.has("reverse_dtype") and site.config["reverse_dtype"].value != "float32":
        raise Unsupported("its `reverse_dtype` is not float32")
    tensor = site.single_input()
    shape = site.shape(tensor)
    rows, size = (site.config[key].integer(1) for key in ("input_dim", "output_dim"))
    if shape[-1] != size:
        raise UnknownShape(f"its input has {shape[-1]} features, and its table {size}")
    tied = not site.config.has("tie_weights") or site.config["tie_weights"].boolean()
    if tied:
        table = site.weights("embeddings", (rows, size), Source("embeddings"))
    else:
        source = Source("reverse_embeddings", permutation=(1, 0))
        table = site.weights("reverse_embeddings", (rows, size), source)
    steps: list[tuple[str, Step]] = [("logits", lambda value, slot: fully_connected(site, value, table, slot))]
    if len(shape) > 2 and None in shape:
        steps.insert(0, ("rows", lambda value, slot: reshape(site, value, (None, size), slot)))
        steps.append(("unrows", lambda value, slot: reshape(site, value, (*shape[:-1], rows), slot)))
    if site.config.has("logit_soft_cap"):
        steps += _capped(site, site.config["logit_soft_cap"].number())
    return chain(site, tensor, steps)


def _capped(site: Site, cap: float) -> list[tuple[str, Step]]:
    """cap · tanh(x / cap)"""
    return [
        ("divided", lambda value, slot: binary(site, "MUL", value, site.inner_constant("divisor", (), 1 / cap), slot)),
        ("tanh", lambda value, slot: unary(site, "TANH", value, slot)),
        ("capped", lambda value, slot: binary(site, "MUL", value, site.inner_constant("multiplier", (), cap), slot)),
    ]
