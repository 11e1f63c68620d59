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

    @cached_property
    def only_consumers(self) -> Mapping[int, Call]:
        """The one call that reads each call, by its index, where there is just one and no output is one of the
        model's."""
        results = self._results
        return {
            index: readers[0] for index, readers in self._readers.items() if len(readers) == 1 and index not in results
        }

    def only_consumer(self, call: Call) -> Call | None:
        """The one call that reads *call*, as in `only_consumers`; None if there is none."""
        return self.only_consumers.get(call.index)

    def why_not_one_consumer(self, call: Call) -> str:
        """The reason why there is no such call."""
        consumers = self.consumers(call)
        if not consumers:
            return f"nothing follows `{call.layer.path}`"
        if len(consumers) > 1:
            names = ", ".join(f"`{consumer.layer.path}`" for consumer in consumers[:3])
            return f"`{call.layer.path}` has {len(consumers)} consumers ({names}{', …' if len(consumers) > 3 else ''})"
        return f"the output of `{call.layer.path}` is also an output of the model"
