"""Layers around a layer or a whole model, whose ops are those of what is inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from qspec.graph.document import Node
from qspec.graph.keras_config import read_model
from qspec.graph.keras_format import entry_name, is_functional, is_model
from qspec.graph.layers import Call, Value
from qspec.lowering.arguments import Arguments
from qspec.lowering.site import Lowering, Site, Unsupported
from qspec.lowering.writing import reshape


def _ignores_masks(layer: Node) -> bool:
    """Whether a layer inside computes the same with a mask."""
    name = layer["class_name"].text()
    return name in ("Dense", "EinsumDense", "Activation", "Dropout", "Flatten", "Reshape") or name.startswith("Conv")


def unknown_code(site: Site) -> int:
    """`Lambda`"""
    raise Unsupported("it runs Python code that the model brings along, which is never read or run to lower it")


class Wrappers:
    """The lowerings of wrappers, which need those of all other classes and operations."""

    def __init__(self, layers: Mapping[str, Lowering], operations: Mapping[str, Lowering]) -> None:
        self.layers, self.operations = layers, operations

    def time_distributed(self, site: Site) -> int:
        """`TimeDistributed`: its layer on all steps at once, as samples: `inner["rows"]` and `inner["rows_result"]`"""
        if Arguments(site).raw(2, "mask") is not None and not _ignores_masks(site.config["layer"]):
            raise Unsupported("it is called with a mask, which its layer may read")
        tensor = site.input(types=("float32", "int32", "int64"))
        batch, steps, *item = site.shape(tensor)
        rows = None if batch is None or steps is None else batch * steps
        flat = reshape(site, tensor, (rows, *item), site.inner("rows"))
        result = self.inside(site.inside("rows_result").named("layer/"), site.config["layer"], "layer", [flat])
        return reshape(site, result, (batch, steps, *site.shape(result)[1:]), site.output)

    def inside(self, site: Site, config: Node, attribute: str, inputs: Sequence[int]) -> int:
        """The result of a layer inside, which the layer has as *attribute*: a layer, or a model of layers."""
        if is_model(config):
            return self._model(site, config, attribute, inputs)
        within = site.layer_inside(config, attribute)
        values = tuple(Value(-1, position) for position in range(len(inputs)))
        return self._layer(
            replace(within, call=replace(within.call, inputs=values, arguments=values, keywords={})), inputs
        )

    def _layer(self, site: Site, inputs: Sequence[int]) -> int:
        layer = site.call.layer
        table = self.operations if layer.operation else self.layers
        if not layer.built_in or layer.class_name not in table:
            raise Unsupported(f"`{layer.class_name}` inside of it has no entry in the lowering table for that place")
        result = table[layer.class_name](replace(site, inputs=list(inputs)))
        tensors = (result,) if isinstance(result, int) else result
        if len(tensors) != 1:
            raise Unsupported(f"`{layer.class_name}` inside of it gives {len(tensors)} results")
        return tensors[0]

    def _model(self, site: Site, config: Node, attribute: str, inputs: Sequence[int]) -> int:
        graph = read_model(config, site.call.layer.path)
        if len(graph.inputs) != len(inputs) or len(graph.outputs) != 1:
            raise Unsupported("the model inside of it has several inputs or outputs")
        values = dict(zip(graph.inputs, inputs, strict=True))
        for call in graph.calls:
            if Value(call.index) in values:
                continue
            at = f"{site.within}{attribute}.{_attribute(config, call.layer.path)}."
            place = replace(
                site, call=replace(call, index=site.call.index), within=at, result=site.inner(call.layer.path)
            )
            values[Value(call.index)] = self._layer(
                place.named(f"{call.layer.path}/"), [values[value] for value in _read(call)]
            )
        return values[graph.outputs[0]]


def _read(call: Call) -> tuple[Value, ...]:
    if any(value.output for value in call.inputs):
        raise Unsupported("a layer inside of it gives several results")
    return call.inputs


def _attribute(config: Node, path: str) -> str:
    """The way from a live model to one of its layers: by its place among those in the config, nested models too."""
    name, _, rest = path.partition("/")
    layers = config["config"]["layers"].items()
    place = next(number for number, entry in enumerate(layers) if entry_name(entry) == name)
    found = f"{'operations' if is_functional(config) else '_layers'}.{place}"
    return f"{found}.{_attribute(layers[place], rest)}" if rest else found
