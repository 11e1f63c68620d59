"""Small Keras models: attention, products over any axes, embeddings and normalizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lowering.zoo_activations import FEATURES, IMAGE, SEQUENCE, Models, chain

CUBE = (2, 3, 4, 5)


def models() -> Models:
    """By name, what makes the model."""
    return {**_attention(), **_heads(), **_normalizations(), **_einsums(), **_embeddings()}


def _normalizations() -> Models:
    from keras import layers as L

    image: dict[str, Callable[[], Any]] = {
        "layer": lambda: L.LayerNormalization(),
        "layer_bare": lambda: L.LayerNormalization(scale=False, center=False),
        "layer_scale": lambda: L.LayerNormalization(center=False),
        "layer_center": lambda: L.LayerNormalization(scale=False, epsilon=1e-5),
        "layer_height": lambda: L.LayerNormalization(axis=1),
        "layer_image": lambda: L.LayerNormalization(axis=[1, 2]),
        "layer_sample": lambda: L.LayerNormalization(axis=[-1, 1, 2]),
        "layer_outer": lambda: L.LayerNormalization(axis=(1, 3)),
        "layer_rms": lambda: L.LayerNormalization(rms_scaling=True),
        "layer_rms_image": lambda: L.LayerNormalization(axis=[1, 2], rms_scaling=True),
        "rms": lambda: L.RMSNormalization(),
        "rms_epsilon": lambda: L.RMSNormalization(epsilon=1e-2),
        "rms_last_two": lambda: L.RMSNormalization(axis=[2, 3]),
        "rms_sample": lambda: L.RMSNormalization(axis=[1, 2, 3]),
        "group": lambda: L.GroupNormalization(groups=2),
        "group_instance": lambda: L.GroupNormalization(groups=-1),
        "group_one": lambda: L.GroupNormalization(groups=1),
        "group_channels": lambda: L.GroupNormalization(groups=4, scale=False),
        "group_bare": lambda: L.GroupNormalization(groups=2, scale=False, center=False),
        "group_height": lambda: L.GroupNormalization(groups=3, axis=1),
        "group_width": lambda: L.GroupNormalization(groups=5, axis=-2),
        "unit": lambda: L.UnitNormalization(),
        "unit_height": lambda: L.UnitNormalization(axis=1),
        "unit_sample": lambda: L.UnitNormalization(axis=[1, 2, 3]),
        "batch": lambda: L.BatchNormalization(),
        "batch_height": lambda: L.BatchNormalization(axis=1),
        "batch_bare": lambda: L.BatchNormalization(scale=False, center=False, epsilon=1e-2),
    }
    found: Models = {f"normalization_{name}": lambda make=make: chain(IMAGE, make()) for name, make in image.items()}
    for name, make in {
        "layer": lambda: L.LayerNormalization(),
        "rms": lambda: L.RMSNormalization(),
        "group": lambda: L.GroupNormalization(groups=3),
        "unit": lambda: L.UnitNormalization(),
        "batch": lambda: L.BatchNormalization(),
    }.items():
        found[f"normalization_{name}_vector"] = lambda make=make: chain(FEATURES, make())
        found[f"normalization_{name}_sequence"] = lambda make=make: chain(SEQUENCE, make())
    for name, kind in (("layer", L.LayerNormalization), ("rms", L.RMSNormalization), ("unit", L.UnitNormalization)):
        found[f"normalization_{name}_of_one"] = lambda kind=kind: chain((5, 1), kind())
        found[f"normalization_{name}_of_one_row"] = lambda kind=kind: chain((1, 6), kind(axis=1))
        found[f"normalization_{name}_of_one_pixel"] = lambda kind=kind: chain((1, 1, 4), kind(axis=(1, 2)))
    found["normalization_layer_rms_of_one"] = lambda: chain((1,), L.LayerNormalization(rms_scaling=True))
    found["normalization_layer_of_one_and_more"] = lambda: chain((1, 3, 4), L.LayerNormalization(axis=(1, 2)))
    found["normalization_instance_of_one"] = lambda: chain((1, 1, 4), L.GroupNormalization(groups=-1))
    found["normalization_group_of_one"] = lambda: chain(FEATURES, L.GroupNormalization(groups=6))
    found["normalization_layer_any_length"] = lambda: chain((None, 6), L.LayerNormalization())
    found["normalization_rms_any_length"] = lambda: chain((None, 6), L.RMSNormalization())
    found["normalization_layer_cube"] = lambda: chain(CUBE, L.LayerNormalization(axis=[2, 4]))
    found["normalization_group_cube"] = lambda: chain(CUBE, L.GroupNormalization(groups=2, axis=3))
    found["normalization_unit_cube"] = lambda: chain(CUBE, L.UnitNormalization())
    found["normalization_batch_cube"] = lambda: chain(CUBE, L.BatchNormalization(axis=2))
    found["normalization_layer_as_made"] = lambda: untouched(SEQUENCE, L.LayerNormalization())
    found["normalization_group_as_made"] = lambda: untouched(IMAGE, L.GroupNormalization(groups=2))
    wrapped: dict[str, Callable[[], Any]] = {
        "conv": lambda: L.Conv2D(4, 3, activation="relu"),
        "conv_bare": lambda: L.Conv2D(4, 3, use_bias=False, activation="softplus"),
        "depthwise": lambda: L.DepthwiseConv2D(3),
        "dense": lambda: L.Dense(4),
        "einsum": lambda: L.EinsumDense("abcd,de->abce", (None, None, 3)),
    }
    for name, make in wrapped.items():
        found[f"spectral_{name}"] = lambda make=make: chain(IMAGE, L.SpectralNormalization(make()))
    return found


def untouched(shape: tuple[int, ...], layer: Any) -> Any:
    """A model whose variables stay as Keras makes them: ones and zeros, which must not make ops vanish."""
    return chain(shape, layer)


def _einsums() -> Models:
    from keras import layers as L

    cases: dict[str, tuple[tuple[int | None, ...], str, Any, str | None, str | None]] = {
        "dense": (FEATURES, "ab,bc->ac", 4, "c", None),
        "dense_relu": (FEATURES, "ab,bc->ac", 4, "c", "relu"),
        "dense_bare": (FEATURES, "ab,bc->ac", 4, None, "silu"),
        "sequence": (SEQUENCE, "abc,cd->abd", (5, 4), "d", None),
        "sequence_unknown": (SEQUENCE, "abc,cd->abd", (None, 4), "d", "relu"),
        "sequence_bias_of_time": (SEQUENCE, "abc,cd->abd", (5, 4), "b", None),
        "sequence_bias_of_both": (SEQUENCE, "abc,cd->abd", (5, 4), "bd", "relu"),
        "heads": (SEQUENCE, "abc,cde->abde", (None, 2, 3), "de", None),
        "heads_bare": (SEQUENCE, "abc,cde->abde", (None, 2, 3), None, None),
        "heads_one_bias": (SEQUENCE, "abc,cde->abde", (None, 2, 3), "e", None),
        "heads_first_bias": (SEQUENCE, "abc,cde->abde", (None, 2, 3), "d", "relu"),
        "heads_turned": (SEQUENCE, "abc,ced->abde", (None, 2, 3), "de", None),
        "heads_in_front": (SEQUENCE, "abc,cde->adbe", (2, None, 3), "de", None),
        "merge": (IMAGE, "abcd,cde->abe", (6, 4), "e", None),
        "merge_outer": (IMAGE, "abcd,bde->ace", (5, 4), "e", None),
        "merge_all": (IMAGE, "abcd,bcde->ae", 4, "e", "tanh"),
        "across_time": (SEQUENCE, "abc,bd->adc", (4, 6), None, None),
        "across_time_bias": (SEQUENCE, "abc,bd->adc", (4, 6), "d", None),
        "across_time_bias_last": (SEQUENCE, "abc,bd->acd", (6, 4), "d", None),
        "shared": (SEQUENCE, "abc,bcd->abd", (5, 4), "bd", None),
        "shared_bare": (SEQUENCE, "abc,bcd->abd", (5, 4), None, "relu"),
        "shared_last": (SEQUENCE, "abc,bcd->adb", (4, 5), "d", None),
        "shared_heads": (IMAGE, "abcd,cde->abce", (6, 5, 3), "ce", None),
        "shared_units": (IMAGE, "abcd,cdef->abefc", (6, 3, 2, 5), None, None),
        "shared_dot": (SEQUENCE, "abc,bc->ab", 5, None, None),
        "elementwise": (SEQUENCE, "abc,bc->abc", (5, 6), "c", None),
        "elementwise_last": (SEQUENCE, "abc,c->abc", (None, 6), None, "relu"),
        "elementwise_turned": (SEQUENCE, "abc,cb->acb", (6, 5), "b", None),
        "outer": (FEATURES, "ab,c->abc", (6, 3), None, None),
        "outer_shared": (FEATURES, "ab,bc->abc", (6, 3), "c", None),
        "summed": (SEQUENCE, "abc,cd->ad", 4, "d", None),
        "left": (SEQUENCE, "...x,xy->...y", 4, "y", None),
        "left_image": (IMAGE, "...x,xy->...y", 4, "y", "relu"),
        "left_heads": (IMAGE, "...x,xyz->...yz", (3, 2), "yz", None),
        "left_merged": (IMAGE, "...xy,xyz->...z", 4, "z", None),
        "left_none": (FEATURES, "...bx,xy->...by", 4, None, None),
        "right": (SEQUENCE, "ab...,bc->ac...", 4, "c", None),
        "right_image": (IMAGE, "ab...,bc->ac...", 4, None, None),
    }
    found: Models = {}
    for name, (shape, equation, output, bias, activation) in cases.items():
        found[f"einsum_{name}"] = lambda shape=shape, config=(equation, output, activation, bias): chain(
            shape, L.EinsumDense(*config)
        )
    found["einsum_low_rank"] = lambda: chain(SEQUENCE, L.EinsumDense("abc,cde->abde", (None, 2, 3), lora_rank=2))
    return found


def _embeddings() -> Models:
    import keras
    from keras import layers as L

    found: Models = {
        "embedding": lambda: chain((5,), L.Embedding(7, 4), dtype="int32"),
        "embedding_floats": lambda: chain((5,), L.Embedding(7, 4)),
        "embedding_long": lambda: chain((5,), L.Embedding(7, 4), dtype="int64"),
        "embedding_bytes": lambda: chain((5,), L.Embedding(7, 4), dtype="uint8"),
        "embedding_grid": lambda: chain((3, 2), L.Embedding(7, 4), dtype="int32"),
        "embedding_one": lambda: chain((), L.Embedding(7, 4), dtype="int32"),
        "embedding_then_dense": lambda: chain((5,), L.Embedding(7, 4), L.Flatten(), L.Dense(3), dtype="int32"),
        "embedding_reversible": lambda: chain((5,), L.ReversibleEmbedding(7, 4), dtype="int32"),
    }

    def reversed_(dtype: str = "float32", **config: Any) -> Any:
        layer = L.ReversibleEmbedding(7, 6, **config)
        indices, features = keras.Input((5,), dtype="int32", name="indices"), keras.Input(SEQUENCE, name="features")
        return keras.Model([indices, features], [layer(indices), layer(features, reverse=True)])

    found["embedding_low_rank"] = lambda: chain((5,), L.Embedding(7, 4, lora_rank=2), dtype="int32")
    found["embedding_tied"] = lambda: reversed_()
    found["embedding_untied"] = lambda: reversed_(tie_weights=False)
    found["embedding_capped"] = lambda: reversed_(logit_soft_cap=0.7)
    found["embedding_untied_capped"] = lambda: reversed_(tie_weights=False, logit_soft_cap=2.0)
    return found


def attention_model(layer: Any, shapes: list[tuple[int | None, ...]], masks: Any = (), **call: Any) -> Any:
    """A layer called on a query, a value and perhaps a key, with masks that are inputs of the model (by argument)."""
    import keras

    inputs = [keras.Input(shape, name=f"tensor_{place}") for place, shape in enumerate(shapes)]
    shown = {name: keras.Input(shape, dtype="bool", name=name) for name, shape in dict(masks).items()}
    listed = isinstance(layer, keras.layers.Attention)
    arguments = [inputs] if listed else inputs
    if listed and shown:
        call["mask"] = [shown.get("query_mask"), shown.get("value_mask")]
    else:
        call |= shown
    return keras.Model([*inputs, *shown.values()], layer(*arguments, **call))


def self_attention(layer: Any, shape: tuple[int | None, ...], **call: Any) -> Any:
    """A layer whose query is its value, too."""
    import keras

    tensor = keras.Input(shape)
    listed = isinstance(layer, keras.layers.Attention)
    return keras.Model(tensor, layer([tensor, tensor], **call) if listed else layer(tensor, tensor, **call))


def _attention() -> Models:
    from keras import layers as L

    found: Models = {}
    cross = [(5, 6), (4, 6)]
    apart = [(5, 6), (4, 3), (4, 6)]
    layers: dict[str, Callable[[], Any]] = {
        "dot": lambda: L.Attention(),
        "dot_scaled": lambda: L.Attention(use_scale=True, dropout=0.2),
        "concat": lambda: L.Attention(score_mode="concat"),
        "concat_scaled": lambda: L.Attention(score_mode="concat", use_scale=True),
        "additive": lambda: L.AdditiveAttention(),
        "additive_bare": lambda: L.AdditiveAttention(use_scale=False),
    }
    for name, make in layers.items():
        found[f"attention_{name}"] = lambda make=make: attention_model(make(), cross)
        found[f"attention_{name}_self"] = lambda make=make: self_attention(make(), SEQUENCE)
        found[f"attention_{name}_key"] = lambda make=make: attention_model(make(), apart)
        found[f"attention_{name}_causal"] = lambda make=make: attention_model(make(), cross, use_causal_mask=True)
        found[f"attention_{name}_scores"] = lambda make=make: attention_model(
            make(), cross, return_attention_scores=True
        )
    values = {"value_mask": (4,)}
    both = {"query_mask": (5,), **values}
    found["attention_masked"] = lambda: attention_model(L.Attention(), cross, both)
    found["attention_masked_causal"] = lambda: attention_model(L.Attention(), cross, both, use_causal_mask=True)
    found["attention_value_masked"] = lambda: attention_model(L.Attention(use_scale=True), cross, values)
    found["attention_query_masked"] = lambda: attention_model(L.AdditiveAttention(), cross, {"query_mask": (5,)})
    return found


def _heads() -> Models:
    from keras import layers as L

    MHA, GQA = L.MultiHeadAttention, L.GroupQueryAttention
    found: Models = {}
    cross = [(5, 6), (4, 7)]
    multi: dict[str, dict[str, Any]] = {
        "multi": {},
        "multi_bare": {"use_bias": False},
        "multi_value": {"value_dim": 5},
        "multi_output": {"output_shape": 5},
        "multi_output_several": {"output_shape": (2, 3)},
        "multi_gate": {"use_gate": True, "value_dim": 2},
        "multi_window": {"sliding_window": 2},
        "multi_dropout": {"dropout": 0.3},
        "multi_one": {"num_heads": 1},
        "multi_all": {"value_dim": 5, "output_shape": 4, "use_bias": False, "use_gate": True, "sliding_window": 3},
    }
    for name, config in multi.items():
        config = {"num_heads": 2, "key_dim": 3, **config}
        found[name] = lambda config=config: self_attention(MHA(**config), SEQUENCE)
        found[f"{name}_cross"] = lambda config=config: attention_model(MHA(**config), cross)
    for name in ("multi", "multi_dropout", "multi_window", "multi_one"):
        config = {"num_heads": 2, "key_dim": 3, **multi[name]}
        found[f"{name}_causal"] = lambda config=config: self_attention(MHA(**config), SEQUENCE, use_causal_mask=True)
        found[f"{name}_scores"] = lambda config=config: self_attention(
            MHA(**config), SEQUENCE, return_attention_scores=True
        )
        found[f"{name}_masked"] = lambda config=config: attention_model(
            MHA(**config), cross, {"attention_mask": (5, 4)}
        )
    found["multi_key"] = lambda: attention_model(MHA(2, 3), [(5, 6), (4, 7), (4, 3)])
    found["multi_masked_heads"] = lambda: attention_model(MHA(2, 3), cross, {"attention_mask": (2, 5, 4)})
    found["multi_masked_values"] = lambda: attention_model(MHA(2, 3), cross, {"value_mask": (4,)})
    found["multi_masked_all"] = lambda: attention_model(
        MHA(2, 3, sliding_window=3), cross, {"attention_mask": (5, 4), "key_mask": (4,), "value_mask": (4,)},
        use_causal_mask=True,
    )  # fmt: skip
    found["multi_masked_scores"] = lambda: attention_model(
        MHA(2, 3), cross, {"attention_mask": (5, 4)}, return_attention_scores=True, use_causal_mask=True
    )
    image: dict[str, Any] = {
        "all": None, "height": 1, "width": (2,), "last": -2, "both": (1, 2), "turned": (2, 1),
    }  # fmt: skip
    for name, axes in image.items():
        found[f"multi_image_{name}"] = lambda axes=axes: self_attention(MHA(2, 3, attention_axes=axes), (3, 4, 6))
    found["multi_image_value"] = lambda: self_attention(MHA(2, 3, 5, attention_axes=2), (3, 4, 6))
    found["multi_image_output"] = lambda: self_attention(MHA(2, 3, output_shape=(2, 2)), (3, 4, 6))
    found["multi_image_scores"] = lambda: self_attention(
        MHA(2, 3, attention_axes=2), (3, 4, 6), return_attention_scores=True
    )
    found["multi_cube"] = lambda: self_attention(MHA(2, 3, attention_axes=(1, 3)), (2, 3, 4, 6))

    grouped: dict[str, dict[str, Any]] = {
        "grouped": {},
        "grouped_bare": {"use_bias": False},
        "grouped_each": {"num_key_value_heads": 4},
        "grouped_one": {"num_key_value_heads": 1},
        "grouped_gate": {"use_gate": True},
        "grouped_window": {"sliding_window": 2},
        "grouped_dropout": {"dropout": 0.1},
    }
    for name, config in grouped.items():
        config = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, **config}
        found[name] = lambda config=config: self_attention(GQA(**config), SEQUENCE)
        found[f"{name}_cross"] = lambda config=config: attention_model(GQA(**config), [(5, 6), (4, 6)])
        found[f"{name}_causal"] = lambda config=config: self_attention(GQA(**config), SEQUENCE, use_causal_mask=True)
    found["grouped_scores"] = lambda: self_attention(GQA(3, 4, 2), SEQUENCE, return_attention_scores=True)
    found["grouped_masked"] = lambda: attention_model(
        GQA(3, 4, 2), [(5, 6), (4, 6)], {"query_mask": (5,), "value_mask": (4,), "attention_mask": (5, 4)}
    )
    return found
