"""A layer graph with its questions answered once: who made a value, who reads it, which calls are of a class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from qspec.graph.layers import Call, LayerGraph, Value


class LayerIndex:
    """Look-ups over a `LayerGraph`; each is built on first use and then free."""

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph

    @cached_property
    def by_index(self) -> Mapping[int, Call]:
        """The calls by `Call.index`."""
        return {call.index: call for call in self.graph.calls}

    @cached_property
    def by_class(self) -> Mapping[tuple[str, bool], tuple[Call, ...]]:
        """The calls by class name and whether it is a raw operation, in execution order."""
        found: dict[tuple[str, bool], list[Call]] = {}
        for call in self.graph.calls:
            found.setdefault((call.layer.class_name, call.layer.operation), []).append(call)
        return {key: tuple(calls) for key, calls in found.items()}

    @cached_property
    def _readers(self) -> Mapping[int, tuple[Call, ...]]:
        found: dict[int, dict[int, Call]] = {}
        for call in self.graph.calls:
            for value in call.inputs:
                found.setdefault(value.call, {})[call.index] = call
        return {index: tuple(readers.values()) for index, readers in found.items()}

    @cached_property
    def _results(self) -> frozenset[int]:
        return frozenset(value.call for value in self.graph.outputs)

    def producer(self, value: Value) -> Call:
        """The call that gives *value*."""
        return self.by_index[value.call]

    def consumers(self, call: Call) -> tuple[Call, ...]:
        """The calls that read any output of *call*, in execution order."""
        return self._readers.get(call.index, ())

    def is_result(self, call: Call) -> bool:
        """Whether an output of *call* is an output of the model."""
        return call.index in self._results

    def only_consumer(self, call: Call) -> Call | str:
        """The one call that reads *call*, or the reason why there is no such call."""
        consumers = self.consumers(call)
        if not consumers:
            return f"nothing follows `{call.layer.path}`"
        if len(consumers) > 1:
            names = ", ".join(f"`{consumer.layer.path}`" for consumer in consumers[:3])
            return f"`{call.layer.path}` has {len(consumers)} consumers ({names}{', …' if len(consumers) > 3 else ''})"
        if self.is_result(call):
            return f"the output of `{call.layer.path}` is also an output of the model"
        return consumers[0]
