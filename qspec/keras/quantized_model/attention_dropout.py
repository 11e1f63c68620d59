"""The dropout of attention layers, which training applies between the softmax and the product with the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from qspec.graph.ops import Op, Tensor

_WITH_HEADS = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention)
# What the product with the values reads: the softmax, moved where heads share keys, or returned with the result.
_PROBABILITIES = (("inner", "probabilities"), ("inner", "folded"), ("output", 1))


def drops_probabilities(layer: Any) -> bool:
    """Whether *layer* is one whose probabilities are dropped in training, as Keras does it."""
    return isinstance(layer, (*_WITH_HEADS, keras.layers.Attention)) and layer.dropout > 0


def with_dropout(layer: Any, op: Op, tensors: Mapping[int, Tensor], operands: Sequence[Any]) -> Sequence[Any]:
    """The operands of an op of *layer*, the probabilities among them after dropout. Its random numbers are those of
    the layer, whose state checkpoints hold."""
    slot = tensors[op.inputs[0]].slot
    if op.kind != "BATCH_MATMUL" or slot is None or (slot.kind, slot.key) not in _PROBABILITIES:
        return operands
    seeds = (layer._dropout_layer if isinstance(layer, _WITH_HEADS) else layer).seed_generator
    probabilities, *others = operands
    return [keras.random.dropout(probabilities, layer.dropout, seed=seeds), *others]
