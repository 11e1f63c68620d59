"""The variables of attention, products over any axes, embeddings, normalizations and spectrograms.

A variable of a layer inside a layer is called by the inner layer's name and its own: `query/kernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qspec.graph.document import Node
from qspec.graph.layers import Shape
from qspec.lowering.normalization import given_axes, kept_axes

Variables = dict[str, Shape]
OfSeveral = Callable[[Node, Sequence[Shape | None]], Variables]
"""From the config and the shapes of all inputs."""


def _of_one(function: Callable[[Node, Shape], Variables]) -> OfSeveral:
    return lambda config, shapes: {} if shapes[0] is None else function(config, shapes[0])


def _layer_normalization(config: Node, shape: Shape) -> Variables:
    size = tuple(shape[axis] for axis in sorted(given_axes(config)))
    root_mean_square = config.has("rms_scaling") and config["rms_scaling"].boolean()
    scales, centers = root_mean_square or _true(config, "scale"), not root_mean_square and _true(config, "center")
    return {name: size for name, has in (("gamma", scales), ("beta", centers)) if has}


def _group_normalization(config: Node, shape: Shape) -> Variables:
    size = (shape[config["axis"].integer(-len(shape), len(shape) - 1)],)
    return {name: size for name, key in (("gamma", "scale"), ("beta", "center")) if _true(config, key)}


def _rms_normalization(config: Node, shape: Shape) -> Variables:
    return {"scale": tuple(shape[axis] for axis in sorted(given_axes(config)))}


def _normalization(config: Node, shape: Shape) -> Variables:
    if config.has("mean"):
        return {}
    size = tuple(shape[axis] for axis in kept_axes(config, len(shape)))
    return {"mean": size, "variance": size, "count": ()}


def _einsum_dense(config: Node, shape: Shape) -> Variables:
    from qspec.lowering.einsum import layer_equation  # many modules, which most models have no need of

    equation = layer_equation(config, shape)
    kernel = equation.shape(equation.weights)
    axes = config.get("bias_axes")
    bias = {} if axes.is_none else {"bias": equation.bias_shape(axes.text())}
    return {"kernel": kernel, **bias, **_low_rank(config, "lora_kernel", kernel)}


def _embedding(config: Node, shape: Shape) -> Variables:
    table = (config["input_dim"].integer(1), config["output_dim"].integer(1))
    return {"embeddings": table, **_low_rank(config, "lora_embeddings", table)}


def _low_rank(config: Node, name: str, shape: Shape) -> Variables:
    """The two factors of what is added to a weight."""
    if not config.has("lora_rank"):
        return {}
    rank = config["lora_rank"].integer(1)
    return {f"{name}_a": (*shape[:-1], rank), f"{name}_b": (rank, shape[-1])}


def _reversible_embedding(config: Node, shape: Shape) -> Variables:
    found = _embedding(config, shape)
    return found if _true(config, "tie_weights") else {**found, "reverse_embeddings": found["embeddings"][::-1]}


def _attention(config: Node, shape: Shape) -> Variables:
    names = {"scale": _false(config, "use_scale"), "concat_score_weight": config.get("score_mode").value == "concat"}
    return {name: () for name, has in names.items() if has}


def _additive_attention(config: Node, shape: Shape) -> Variables:
    return {"scale": shape[-1:]} if _true(config, "use_scale") else {}


def _multi_head_attention(config: Node, shapes: Sequence[Shape | None]) -> Variables:
    heads, size = config["num_heads"].integer(1), config["key_dim"].integer(1)
    value = config["value_dim"].integer(1) if config.has("value_dim") else size
    query = shapes[0]
    if query is None:
        return {}
    output = config.get("output_shape")
    result = query[-1:] if output.is_none else (output.integer(1),) if isinstance(output.value, int) else output.shape()
    sizes = {"query": (heads, size), "key": (heads, size), "gate": (heads, value), "value": (heads, value)}
    return _projections(config, shapes, sizes, result)


def _group_query_attention(config: Node, shapes: Sequence[Shape | None]) -> Variables:
    queries, keys, size = (config[key].integer(1) for key in ("num_query_heads", "num_key_value_heads", "head_dim"))
    query = shapes[0]
    if query is None:
        return {}
    sizes = {"query": (queries, size), "key": (keys, size), "gate": (queries, size), "value": (keys, size)}
    return _projections(config, shapes, sizes, query[-1:])


def _projections(config: Node, shapes: Sequence[Shape | None], sizes: Mapping[str, Shape], result: Shape) -> Variables:
    """Kernels and biases of the projections of query, value and key, of which some may be one tensor, and back."""
    query, value = shapes[0], shapes[1] if len(shapes) > 1 else shapes[0]
    key = shapes[2] if len(shapes) > 2 else value
    if query is None or value is None or key is None:
        return {}
    read = {"query": query, "key": key, "gate": query, "value": value}
    kernels = {name: (read[name][-1], *size) for name, size in sizes.items()}
    kernels["attention_output"] = (*sizes["gate"], *result)
    biases = {**sizes, "attention_output": result}
    if not _false(config, "use_gate"):
        del kernels["gate"], biases["gate"]
    found = {f"{name}/kernel": shape for name, shape in kernels.items()}
    return (
        {**found, **{f"{name}/bias": shape for name, shape in biases.items()}} if _true(config, "use_bias") else found
    )


def _stft_spectrogram(config: Node, shape: Shape) -> Variables:
    from qspec.lowering.spectrogram import frequencies  # as above

    kernel = (config["frame_length"].integer(1), 1, frequencies(config))
    mode = config["mode"].text()
    return {f"{part}_kernel": kernel for part, other in (("real", "imag"), ("imag", "real")) if mode != other}


def _true(config: Node, key: str) -> bool:
    return not config.has(key) or config[key].boolean()


def _false(config: Node, key: str) -> bool:
    return config.has(key) and config[key].boolean()


VARIABLES: dict[str, OfSeveral] = {
    "LayerNormalization": _of_one(_layer_normalization),
    "GroupNormalization": _of_one(_group_normalization),
    "RMSNormalization": _of_one(_rms_normalization),
    "Normalization": _of_one(_normalization),
    "EinsumDense": _of_one(_einsum_dense),
    "Embedding": _of_one(_embedding),
    "ReversibleEmbedding": _of_one(_reversible_embedding),
    "Attention": _of_one(_attention),
    "AdditiveAttention": _of_one(_additive_attention),
    "MultiHeadAttention": _multi_head_attention,
    "GroupQueryAttention": _group_query_attention,
    "STFTSpectrogram": _of_one(_stft_spectrogram),
}
"""By class name."""
