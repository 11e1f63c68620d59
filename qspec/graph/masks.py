"""The masks that Keras hands from layer to layer beside the tensors.

Most layers that read one have it among the arguments that a model's config holds. Those of attention do not: Keras
gives it to them when the model runs (`Layer.__call__` of `keras/src/layers/layer.py`). Here such masks become arguments
too, made by raw operations as Keras itself has them.

MultiHeadAttention takes the masks away from the tensors that it reads. Where other layers read those tensors beside it,
who still sees a mask depends on the order in which Keras runs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qspec.graph.keras_format import leaves, mapped
from qspec.graph.layers import Call, Layer, LayerGraph, Value

TENSORS_BY_NAME = {"MultiHeadAttention": ("query", "value", "key"), "GroupQueryAttention": ("query", "value", "key")}
"""Layers that read several tensors, each with a mask of its own, by the names of the arguments in their order."""

_BY_LIST = ("Attention", "AdditiveAttention")
"""Layers that read a list of masks for their list of tensors."""

_PASSING = (
    "Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dense", "Dropout", "ELU",
    "GaussianDropout", "GaussianNoise", "GroupNormalization", "GroupQueryAttention", "Identity", "LayerNormalization",
    "LeakyReLU", "MultiHeadAttention", "Normalization", "PReLU", "ReLU", "Rescaling", "Softmax", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "TimeDistributed", "UnitNormalization",
)  # fmt: skip
"""Layers whose result has the mask of the first tensor that they read."""

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional")
"""Layers that hand a mask on only with a result for every step."""

_MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
"""Layers whose result is masked where all of their tensors are."""


Place = tuple[int, ...]
"""It sorts what Keras runs into the order in which it does."""


def with_masks(graph: LayerGraph, places: Sequence[Place], masked: Sequence[tuple[Place, list[Value]]]) -> LayerGraph:
    """*graph* with the masks that attention reads as arguments of its calls, the calls being at *places*. Where nested
    models are called with the masks of their tensors, these get them back: the places and tensors of *masked*."""
    if not any(_built_in(call, (*TENSORS_BY_NAME, *_BY_LIST)) for call in graph.calls):
        return graph
    return _Masks(graph, _without_masks(graph, places, masked)).graph()


def _without_masks(
    graph: LayerGraph, places: Sequence[Place], masked: Sequence[tuple[Place, list[Value]]]
) -> dict[int, frozenset[Value]]:
    """Of what each call reads, what a MultiHeadAttention that ran before it has read."""
    taken: set[Value] = set()
    found: dict[int, frozenset[Value]] = {}
    back = sorted(masked, key=lambda each: each[0], reverse=True)
    for call in sorted(graph.calls, key=lambda call: places[call.index]):
        while back and back[-1][0] <= places[call.index]:
            taken.difference_update(back.pop()[1])
        found[call.index] = frozenset(taken.intersection(call.inputs))
        if _built_in(call, ("MultiHeadAttention",)):
            taken.update(_read(call.arguments, call.keywords))
    return found


def _read(arguments: Any, keywords: Mapping[str, Any]) -> list[Value]:
    """The tensors among a call's arguments that are no masks, the query first."""
    tensors = {key: value for key, value in keywords.items() if not key.endswith("mask")}
    return [*leaves(tensors.pop("query", ()), Value), *leaves((arguments, tensors), Value)]


def _built_in(call: Call, class_names: Sequence[str]) -> bool:
    return call.layer.built_in and not call.layer.operation and call.layer.class_name in class_names


@dataclass
class _Masks:
    before: LayerGraph
    without: Mapping[int, frozenset[Value]]  # by call, the values of the graph before whose masks are gone then
    calls: list[Call] = field(default_factory=list)
    moved: dict[int, int] = field(default_factory=dict)
    masks: dict[Value, Value] = field(default_factory=dict)  # by the values of the new graph
    added: dict[Any, Value] = field(default_factory=dict)

    def graph(self) -> LayerGraph:
        for call in self.before.calls:
            self._call(call)
        return replace(
            self.before,
            calls=tuple(self.calls),
            inputs=tuple(map(self._value, self.before.inputs)),
            outputs=tuple(map(self._value, self.before.outputs)),
            recorded={self._value(value): shape for value, shape in self.before.recorded.items()},
        )

    def _value(self, value: Value) -> Value:
        return replace(value, call=self.moved[value.call])

    def _call(self, call: Call) -> None:
        arguments, keywords = mapped((call.arguments, dict(call.keywords)), Value, self._value)
        gone = [self._value(value) for value in self.without[call.index]]
        hidden = {value: self.masks.pop(value) for value in gone if value in self.masks}
        if _built_in(call, tuple(TENSORS_BY_NAME)):
            keywords = self._named(call, arguments, keywords)
        elif _built_in(call, _BY_LIST):
            keywords = self._listed(arguments, keywords)
        inputs = tuple(leaves((arguments, keywords), Value))
        read = _read(arguments, keywords)
        self.moved[call.index] = len(self.calls)
        made = Value(len(self.calls))
        self.calls.append(replace(call, index=made.call, inputs=inputs, arguments=arguments, keywords=keywords))
        mask = self._mask_of(call.layer, read, keywords) if call.layer.built_in and not call.layer.operation else None
        if mask is not None:
            self.masks[made] = mask
        self.masks |= hidden

    def _named(self, call: Call, arguments: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        for place, name in enumerate(TENSORS_BY_NAME[call.layer.class_name]):
            tensor = arguments[place] if place < len(arguments) else keywords.get(name)
            mask = self.masks.get(tensor) if isinstance(tensor, Value) else None
            if call.layer.class_name == "MultiHeadAttention" and name == "query":
                keywords.pop("query_mask", None)  # It reads the one of the tensor, whatever it is given.
            if mask is not None and keywords.get(f"{name}_mask") is None:
                keywords[f"{name}_mask"] = mask
        return keywords

    def _listed(self, arguments: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        tensors = arguments[0] if arguments else keywords.get("inputs")
        given = len(arguments) > 1 or keywords.get("mask") is not None
        if given or not isinstance(tensors, list | tuple):
            return keywords
        masks = [self.masks.get(tensor) if isinstance(tensor, Value) else None for tensor in tensors]
        return keywords | {"mask": masks} if any(masks) else keywords

    def _mask_of(self, layer: Layer, read: Sequence[Value], keywords: Mapping[str, Any]) -> Value | None:
        """The mask of a layer's result, as its `compute_mask` has it."""
        config, name = layer.config, layer.class_name
        if not read:
            return None
        if name in ("Embedding", "ReversibleEmbedding"):
            wanted = config.get("mask_zero") and keywords.get("reverse") is not True
            return self._operation("NotEqual", layer, read[0], 0) if wanted else None
        if name == "Masking":
            different = self._operation("NotEqual", layer, read[0], config.get("mask_value", 0.0))
            return self._operation("Any", layer, different, axis=-1, keepdims=False)
        if name in _MERGING:
            masks = [self.masks.get(value) for value in read]
            known = [mask for mask in masks if mask is not None]
            return self._any_of(layer, known) if len(known) == len(masks) else None
        if name in _BY_LIST:
            first = (keywords.get("mask") or [None])[0]
            return first if isinstance(first, Value) else None
        if name in _PASSING or (name in _RECURRENT and _gives_sequences(config)):
            given = keywords.get("mask")
            return given if isinstance(given, Value) else self.masks.get(read[0])
        return None

    def _any_of(self, layer: Layer, masks: Sequence[Value]) -> Value:
        result = masks[0]
        for mask in masks[1:]:
            result = self._operation("LogicalOr", layer, result, mask)
        return result

    def _operation(self, kind: str, layer: Layer, *arguments: Any, **config: Any) -> Value:
        """The result of a raw operation behind the layer's call, the same for the same arguments."""
        key = (kind, arguments)
        if key not in self.added:
            number = len(self.calls)
            path = f"{layer.path}_mask_{number}"
            made = Layer(path, kind, "keras.src.ops.numpy", {"name": path.rsplit("/", 1)[-1], **config}, operation=True)
            self.calls.append(Call(number, made, tuple(leaves(arguments, Value)), arguments))
            self.added[key] = Value(number)
        return self.added[key]


def _gives_sequences(config: Mapping[str, Any]) -> bool:
    """What the config of a recurrent layer says, or that of the one inside."""
    inside = config.get("layer")
    if isinstance(inside, Mapping) and isinstance(inside.get("config"), Mapping):
        config = inside["config"]
    return config.get("return_sequences") is True
