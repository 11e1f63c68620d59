"""From layers to ops: the float flatbuffer that a model becomes, predicted from its layer graph alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from qspec.diagnostics import Diagnostic, Place
from qspec.diagnostics.catalogue import UNKNOWN_SHAPE, UNREADABLE_MODEL, UNSUPPORTED_LAYER
from qspec.graph.document import Malformed, Node, described
from qspec.graph.layers import Call, LayerGraph, Shape, Value
from qspec.graph.ops import OPAQUE, Composition, OpGraph, Slot
from qspec.lowering import fusion
from qspec.lowering.builder import Draft, DraftOp
from qspec.lowering.site import Lowering, Site, UnknownShape, Unsupported
from qspec.lowering.table import REGISTERED, lowering_of


def lower(
    graph: LayerGraph,
    batch: int | None = 1,
    batch_norm: Literal["fold", "track", "keep"] = "fold",
    classes: Mapping[str, str] | None = None,
    unrolled: frozenset[str] = frozenset(),
) -> tuple[OpGraph, tuple[Diagnostic, ...]]:
    """The op graph of *graph* and what could not be lowered, one diagnostic per layer.

    *batch* replaces the first dimension of every input (None: dynamic). Under `keep` no batch normalization is folded.
    *classes* tells of classes that are not Keras' own which of Keras' they compute as. *unrolled* are the paths of LSTM
    layers that are written out step by step although one op could stand for them.

    The prediction holds for a model that is lowered layer by layer: between two tensors that `OpGraph.slots` names
    stand the ops that their layers give, and no rewriting reaches across such a tensor. The converter alone would, on
    a whole model, fold constants forward and join reshapes.
    """
    return _Run(graph, batch, classes or {}, unrolled).lower(batch_norm)


# Variables of the two others are float32 as well, and so is all that a file computes in float.
_POLICIES = ("float32", "mixed_float16", "mixed_bfloat16")
_INPUT_TYPES = ("float32", "int8", "uint8", "int16", "int32", "int64", "bool")


class _Run:
    def __init__(
        self, graph: LayerGraph, batch: int | None, classes: Mapping[str, str], unrolled: frozenset[str]
    ) -> None:
        self.graph = graph
        self.classes = classes
        self.batch = batch
        self.draft = Draft(unrolled=unrolled)
        self.values: dict[Value, int] = {}
        self.shapes: dict[int, tuple[Shape | None, ...]] = {}
        self.compositions: dict[int, Composition] = {}
        self.diagnostics: dict[str, Diagnostic] = {}
        self.outputs: dict[int, int] = {}  # the last output of each call that somebody reads
        for value in [*graph.outputs, *(value for call in graph.calls for value in call.inputs)]:
            self.outputs[value.call] = max(value.output, self.outputs.get(value.call, 0))
        self.readers = graph.consumers()

    def lower(self, batch_norm: str) -> tuple[OpGraph, tuple[Diagnostic, ...]]:
        for call in self.graph.calls:
            tensors = self._call(call)
            if tensors is None:
                tensors = self._opaque(call)
            for output, tensor in enumerate(tensors):
                self.values[Value(call.index, output)] = tensor
            self.shapes[call.index] = self._output_shapes(call)
        self.draft.inputs = [self.values[value] for value in self.graph.inputs]
        self.draft.outputs = [self.values[value] for value in self.graph.outputs]
        self._join(fold=batch_norm != "keep")
        for op in self.draft.absorbed.values():
            into = op.calls[0]
            self.compositions[into] = self.draft.activated(self.compositions[into], op)
        paths = [call.layer.path for call in self.graph.calls]
        return self.draft.finish(paths, self.shapes, self.compositions), tuple(self.diagnostics.values())

    def _opaque(self, call: Call) -> tuple[int, ...]:
        """Go on behind a layer whose ops are not known: one op stands for them, its results shaped as recorded."""
        outputs = []
        for output in range(self.outputs.get(call.index, 0) + 1):
            shape = self._recorded(call, output)
            outputs.append(self.draft.tensor(shape, Slot(call.index, "output", output)))
        inputs = [self.values[value] for value in call.inputs]
        self.draft.ops.append(DraftOp(OPAQUE, inputs, outputs, {}, [call.index]))
        return tuple(outputs)

    def _recorded(self, call: Call, output: int) -> Shape | None:
        """The shape that the model tells of a value: beside it, or as what a layer behind was built for."""
        value = Value(call.index, output)
        shape = self.graph.recorded.get(value)
        if shape is not None:
            return self._batched(shape)
        for reader in self.readers.get(value, ()):
            built = reader.layer.build_shapes
            if reader.inputs == (value,) and isinstance(built, dict) and isinstance(built.get("input_shape"), list):
                return self._batched(tuple(built["input_shape"]))
        return None

    def _output_shapes(self, call: Call) -> tuple[Shape | None, ...]:
        tensors = [self.values.get(Value(call.index, output)) for output in range(self.outputs.get(call.index, 0) + 1)]
        return tuple(None if tensor is None else self.draft.tensors[tensor].shape for tensor in tensors)

    def _join(self, fold: bool) -> None:
        layers = {call.index: call.layer for call in self.graph.calls}
        passes: list[fusion.Pass] = [fusion.drop_dead_ops, fusion.join_equal_ops, fusion.fuse_paddings]
        if fold:
            passes.append(fusion.fold_normalizations(layers, self._new_bias))
        for step in (*passes, fusion.fuse_activations):
            step(self.draft)

    def _new_bias(self, draft: Draft, op: DraftOp) -> int:
        """The bias that folding gives to an op without one."""
        weights = draft.tensors[op.inputs[1]]
        assert weights.shape is not None
        layer = self.graph.calls[op.calls[0]].layer
        return draft.variable((weights.shape[0],), Slot(op.calls[0], "bias", "bias"), (layer.path, "bias", "bias"))

    def _call(self, call: Call) -> tuple[int, ...] | None:
        made = len(self.draft.ops), len(self.draft.tensors)
        try:
            if call.layer.class_name == "InputLayer" and call.layer.built_in:
                self._check_outputs(call, 1)
                return (self._input(call),)
            if not call.inputs and not call.layer.operation:
                raise Malformed("inbound_nodes", "it is called without a tensor")
            site = Site(call, self.draft, [self.values[value] for value in call.inputs])
            result = self._lowering(call)(site)
            tensors = (result,) if isinstance(result, int) else result
            self._check_outputs(call, len(tensors))
            if not call.layer.built_in:
                self._check_constants(site)
            if site.ops or call.layer.operation:
                self.compositions[call.index] = self.draft.composition(site.ops, site.inputs, tensors, call.layer.path)
            return tensors
        except Unsupported as error:
            self._report_unsupported(call, str(error))
        except UnknownShape as error:
            if str(error):
                message = f"`{call.layer.path}`: {error}"
                self._report(call, UNKNOWN_SHAPE.at(Place(self.graph.path), message, layer=call.layer.path))
        except Malformed as error:
            if not call.layer.built_in:
                reason = f"its config does not tell what is needed: {error.location}: {error.message}"
                self._report_unsupported(call, reason)
                self.draft.forget(*made)
                return None
            message = f"config.json: layer `{call.layer.path}`, {error.location}: {error.message}"
            self._report(call, UNREADABLE_MODEL.at(Place(self.graph.path), message, layer=call.layer.path))
        self.draft.forget(*made)
        return None

    def _check_outputs(self, call: Call, count: int) -> None:
        """How many outputs a layer has, only its class knows: the config may name one that is not there."""
        last = self.outputs.get(call.index, 0)
        if last >= count:
            raise Malformed("outputs", f"its output {last} is read, and it has {count}")

    def _lowering(self, call: Call) -> Lowering:
        layer = call.layer
        name = layer.class_name
        if not layer.built_in and not layer.operation:
            if name in REGISTERED:
                return REGISTERED[name]
            if name not in self.classes:
                untraced = layer.untraced or "a file does not hold its code, which `qspec.check` sees of a live model"
                raise Unsupported(f"it is not one of Keras' own layers, and was not looked into: {untraced}")
            name = self.classes[name]
        return _of_keras(call, name)

    def _check_constants(self, site: Site) -> None:
        """A layer of the user's own is computed by its ops, so it must be clear where their constants come from."""
        for op in site.ops:
            for tensor in (self.draft.tensors[number] for number in op.inputs if number >= 0):
                unknown = tensor.constant and tensor.source is None and tensor.value is None
                if unknown and tensor.slot is not None and tensor.slot.kind != "bias":
                    raise Unsupported(
                        f"what its {op.kind} computes with comes from variables of Keras' own layer alone"
                    )

    def _input(self, call: Call) -> int:
        config = Node(call.layer.config, "config")
        shape = config["batch_shape"].shape()
        dtype = config.get("dtype")
        type_ = "float32" if dtype.is_none else dtype.value
        if type_ not in _INPUT_TYPES:
            known = ", ".join(_INPUT_TYPES)
            self._report_unsupported(call, f"its dtype is {described(dtype.value)}, not one of {known}")
            type_ = "float32"
        if config.get("sparse").value or config.get("ragged").value:
            self._report_unsupported(call, "it takes sparse or ragged tensors")
        return self.draft.tensor(self._batched(shape), Slot(call.index, "output", 0), type=str(type_))

    def _batched(self, shape: Shape) -> Shape:
        """A shape of the file with the batch that is asked for."""
        return (self.batch, *shape[1:]) if shape else shape

    def _report_unsupported(self, call: Call, reason: str) -> None:
        layer = call.layer
        kind = f"the operation `{layer.class_name}`" if layer.operation else f"`{layer.class_name}`"
        self._report(
            call,
            UNSUPPORTED_LAYER.at(
                Place(self.graph.path),
                f"{kind} at `{layer.path}` is not supported: {reason}",
                help=f"leave it in float: `rule … match {_pattern(call)} {{ all = float }}`",
                layer=layer.path,
            ),
        )

    def _report(self, call: Call, diagnostic: Diagnostic) -> None:
        self.diagnostics.setdefault(call.layer.path, diagnostic)


def _of_keras(call: Call, name: str) -> Lowering:
    """The lowering of Keras' class *name* for a call."""
    layer = call.layer
    if layer.operation:
        from qspec.lowering.operations import OPERATIONS  # many modules, which most models have no need of

        if name not in OPERATIONS:
            raise Unsupported("there is no entry for this operation in the lowering table")
        return OPERATIONS[name]
    lowering = lowering_of(name)
    if lowering is None:
        raise Unsupported("there is no entry for this class in the lowering table")
    policy = Node(layer.config, "config").get("dtype")
    if not policy.is_none and _policy_name(policy) not in _POLICIES:
        raise Unsupported(f"it computes in `{_policy_name(policy)}`, not float32")
    return lowering


def _pattern(call: Call) -> str:
    """The pattern that matches the layer, and those of its class."""
    return f'Operation("{call.layer.class_name}")' if call.layer.operation else call.layer.class_name


def _policy_name(policy: Node) -> str:
    return policy.text() if isinstance(policy.value, str) else policy["config"]["name"].text()
