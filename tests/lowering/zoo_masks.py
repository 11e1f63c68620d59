"""Small Keras models whose attention reads masks that Keras hands on beside the tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lowering.zoo_activations import Models


def models() -> Models:
    """By name, what makes the model."""
    import keras
    from keras import layers as L

    words = Callable[[Any], Any]

    def of_words(*bodies: words, several: bool = False) -> Any:
        inputs = [keras.Input((5,), dtype="int32", name=f"words_{place}") for place in range(2 if several else 1)]
        embedded = [L.Embedding(7, 4, mask_zero=True)(tensor) for tensor in inputs]
        tensor: Any = embedded if several else embedded[0]
        return keras.Model(inputs, [body(tensor) for body in bodies])

    def of_steps(body: words) -> Any:
        steps = keras.Input((5, 4))
        return keras.Model(steps, body(L.Masking(0.5)(L.Rescaling(0.5, 0.5)(L.ReLU(max_value=0.0)(steps)))))

    def head(**config: Any) -> Any:
        return L.MultiHeadAttention(2, 3, **config)

    def grouped() -> Any:
        return L.GroupQueryAttention(3, 4, 2)

    def block(x: Any) -> Any:
        attended = head()(x, x)
        normal = L.LayerNormalization()(L.Add()([L.Dropout(0.1)(attended), L.Dense(4)(x)]))
        return grouped()(normal, normal)

    return {
        "pooled": lambda: of_words(lambda x: L.GlobalAveragePooling1D()(x)),
        "pooled_kept": lambda: of_words(lambda x: L.GlobalAveragePooling1D(keepdims=True)(L.Dense(3)(x))),
        "multi": lambda: of_words(lambda x: head()(x, x)),
        "multi_dropout": lambda: of_words(lambda x: head(dropout=0.1)(x, x)),
        "multi_causal": lambda: of_words(lambda x: head()(x, x, use_causal_mask=True)),
        "multi_scores": lambda: of_words(lambda x: head()(x, x, return_attention_scores=True)[1]),
        "multi_cross": lambda: of_words(lambda x: head()(x[0], x[1]), several=True),
        "multi_key": lambda: of_words(lambda x: head()(x[0], x[1], key=x[0]), several=True),
        "multi_named": lambda: of_words(lambda x: head()(query=x[0], value=x[1]), several=True),
        "multi_twice": lambda: of_words(lambda x: head()(x, x), lambda x: head()(x, x)),
        "multi_after_grouped": lambda: of_words(lambda x: grouped()(x, x), lambda x: head()(x, x)),
        "multi_before_grouped": lambda: of_words(lambda x: head()(x, x), lambda x: grouped()(x, x)),
        "multi_chain": lambda: of_words(lambda x: head()(*[L.LayerNormalization()(head()(x, x))] * 2)),
        "grouped": lambda: of_words(lambda x: grouped()(x, x)),
        "grouped_cross": lambda: of_words(lambda x: grouped()(x[0], x[1]), several=True),
        "dot": lambda: of_words(lambda x: L.Attention()([x, x])),
        "dot_cross": lambda: of_words(lambda x: L.Attention()([x[0], x[1]]), several=True),
        "dot_chain": lambda: of_words(lambda x: L.Attention()([L.Attention()([x, x]), x])),
        "additive": lambda: of_words(lambda x: L.AdditiveAttention()([x, x])),
        "additive_causal": lambda: of_words(lambda x: L.AdditiveAttention()([x, x], use_causal_mask=True)),
        "through_recurrent": lambda: of_words(lambda x: grouped()(*[L.GRU(4, return_sequences=True)(x)] * 2)),
        "through_dense": lambda: of_words(lambda x: head()(*[L.Dropout(0.1)(L.Dense(4, activation="relu")(x))] * 2)),
        "through_sum": lambda: of_words(lambda x: grouped()(*[L.Add()(x)] * 2), several=True),
        "not_through_operation": lambda: of_words(lambda x: head()(*[x[0] + x[1]] * 2), several=True),
        "block": lambda: of_words(block),
        "masking": lambda: of_steps(lambda x: head()(x, x)),
        "masking_grouped": lambda: of_steps(lambda x: grouped()(x, x)),
        "masking_dot": lambda: of_steps(lambda x: L.Attention()([x, x])),
    }
