"""What recorded code computes from variables alone: constants of an inference that training goes on changing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from qspec.keras.reading.recording import Record, repeats_for_samples, symbols


class Expression:
    """The value of a symbolic tensor that depends on no input of the model."""

    def __init__(self, symbol: Any, writers: Mapping[int, Record], leaves: Mapping[int, tuple[Any, Any]]) -> None:
        self.symbol, self.writers, self.leaves = symbol, writers, leaves

    @property
    def value(self) -> Any:
        """Computed anew from the variables, so that gradients reach them."""
        return self._value(self.symbol, {})

    @property
    def is_fixed(self) -> bool:
        """Whether no variable takes part."""
        pending, seen = [self.symbol], set()
        while pending:
            symbol = pending.pop()
            if id(symbol) in self.leaves:
                if isinstance(self.leaves[id(symbol)][1], keras.Variable):
                    return False
            elif id(symbol) not in seen:
                seen.add(id(symbol))
                record = self.writers[id(symbol)]
                if isinstance(record.operation, keras.layers.Layer) and record.operation.variables:
                    return False
                pending += symbols((record.arguments, record.keywords))
        return True

    def _value(self, symbol: Any, known: dict[int, Any]) -> Any:
        if id(symbol) in self.leaves:
            return keras.ops.convert_to_tensor(self.leaves[id(symbol)][1])
        if id(symbol) not in known:
            record = self.writers[id(symbol)]
            arguments, keywords = keras.tree.map_structure(
                lambda leaf: self._value(leaf, known) if isinstance(leaf, keras.KerasTensor) else leaf,
                (record.arguments, {key: value for key, value in record.keywords.items() if key != "training"}),
            )
            results = keras.tree.flatten(_for_one(record.operation)(*arguments, **keywords))
            known |= {id(each): value for each, value in zip(record.results, results, strict=True)}
        return known[id(symbol)]


def _for_one(operation: Any) -> Any:
    """The operation, or what it does for a batch of one, where it repeats a value for every sample."""
    sizes = repeats_for_samples(operation)
    if sizes is None:
        return operation
    function = keras.ops.broadcast_to if type(operation).__name__ == "BroadcastTo" else keras.ops.tile
    return lambda value: function(value, (1, *sizes))


class RecordedOperation:
    """A raw operation in a model's code, with the expressions that it reads."""

    def __init__(self, operation: Any, parameters: Sequence[Expression]) -> None:
        self.operation, self.parameters = operation, parameters
        self.name = operation.name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.operation(*arguments, **keywords)

    def call(self, *arguments: Any, **keywords: Any) -> Any:
        """The same."""
        return self.operation.call(*arguments, **keywords)
