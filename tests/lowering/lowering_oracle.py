"""What TensorFlow Lite's converter makes of a Keras model, in a form that can be held against the prediction.

Two conversions: `convert_plain` of the whole model at once, and `convert_cut`, where every tensor that the prediction
gives a slot is an output of the traced function and whoever reads it reads a fresh input instead.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Mapping
from operator import add
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np

from qspec.graph.layers import LayerGraph, Value
from qspec.graph.ops import OpGraph, Slot

SEED = 20261123
_IGNORED_ATTRIBUTES = {"quantized_bias_type", "pot_scale_int16", "quant_spec", "new_shape", "weights_scale_data_type"}


def randomize(model: Any) -> None:
    """Weights that are neither 0 nor 1, so that nothing vanishes for its value."""
    print("seed", SEED)
    generator = np.random.default_rng(SEED)
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(generator.uniform(0.5, 1.5, variable.shape).astype("float32"))


def convert_plain(model: Any, batch: int | None = 1) -> Any:
    """The flatbuffer of the whole model."""
    import keras

    specs = _input_specs(model, batch)

    def function(*tensors: Any) -> Any:
        arguments = keras.tree.pack_sequence_as(model.input, list(tensors)) if len(tensors) > 1 else tensors[0]
        return keras.tree.flatten(model(arguments, training=False))

    return _converted(function, specs)


def convert_cut(
    model: Any, layers: LayerGraph, ops: OpGraph, batch: int | None = 1
) -> tuple[Any, dict[int, int], list[int]]:
    """The flatbuffer of the cut model; which of its tensors each placeholder stands for; the model's own outputs."""
    import tensorflow as tf

    own = {layers.calls[value.call].index for value in layers.inputs}
    slots = [
        slot
        for slot in sorted(ops.slots, key=str)
        if slot.call not in own and not ops.tensors[ops.slots[slot]].constant
    ]
    slots = [slot for slot in slots if slot.kind == "output" or slot.key == "pre_activation"]
    shapes = [ops.tensors[ops.slots[slot]].shape for slot in slots]
    specs = _input_specs(model, batch) + [
        tf.TensorSpec(shape, tf.float32, name=f"cut_{index}") for index, shape in enumerate(shapes)
    ]
    count = len(layers.inputs)

    def function(*tensors: Any) -> Any:
        given = dict(zip(slots, tensors[count:], strict=True))
        return _trace(model, layers, list(tensors[:count]), given, slots)

    file = _converted(function, specs)
    graph = file.subgraphs[0]
    names = {graph.tensors[index].name.decode(): index for index in graph.inputs}
    cuts = {names[f"cut_{index}"]: int(graph.outputs[index]) for index in range(len(slots)) if f"cut_{index}" in names}
    outputs = []
    for output in ops.outputs:
        slot = next(slot for slot, tensor in ops.slots.items() if tensor == output)
        outputs.append(int(graph.outputs[slots.index(slot)]) if slot in slots else -1)
    return file, cuts, outputs


def _trace(model: Any, layers: LayerGraph, inputs: list[Any], given: dict[Slot, Any], slots: list[Slot]) -> list[Any]:
    """Call layer by layer; a call reads the placeholder of a tensor that has a slot, else the tensor itself."""
    import keras

    values: dict[Value, Any] = dict(zip(layers.inputs, inputs, strict=True))
    results: dict[Slot, Any] = {}

    def argument(structure: Any) -> Any:
        if isinstance(structure, Value):
            return given.get(Slot(structure.call, "output", structure.output), values[structure])
        if isinstance(structure, list | tuple):
            return type(structure)(argument(item) for item in structure)
        return structure

    for call in layers.calls:
        if Value(call.index) in values:
            continue
        layer = _layer(model, call.layer.path)
        arguments = argument(call.arguments)
        inner = Slot(call.index, "inner", "pre_activation")
        if inner in given:
            function = layer.activation
            layer.activation = keras.activations.linear
            results[inner] = layer(*arguments)
            layer.activation = function
            values[Value(call.index)] = function(given[inner])
        elif isinstance(layer, keras.layers.Add):
            # Keras' own addition takes a second operand that is a vector for a bias, and reshapes it; qspec's does not.
            values[Value(call.index)] = functools.reduce(add, arguments[0])
        elif isinstance(layer, (keras.layers.Flatten, keras.layers.Reshape)) and arguments[0].shape[0] is None:
            # Keras' own, in most versions, reads the batch from the tensor; in qspec's it is -1.
            values[Value(call.index)] = _reshaped(arguments[0], layer.compute_output_shape(tuple(arguments[0].shape)))
        else:
            keywords = {"training": False} if layer._call_has_training_arg else {}
            values[Value(call.index)] = layer(*arguments, **keywords)
        results[Slot(call.index, "output", 0)] = values[Value(call.index)]
    return [results[slot] for slot in slots]


def _reshaped(tensor: Any, shape: Any) -> Any:
    import tensorflow as tf

    if tuple(tensor.shape) == tuple(shape):
        return tensor
    return tf.reshape(tensor, [-1 if size is None else size for size in shape])


def _layer(model: Any, path: str) -> Any:
    for name in path.split("/"):
        model = model.get_layer(name)
    return model


def _input_specs(model: Any, batch: int | None) -> list[Any]:
    import tensorflow as tf

    return [
        tf.TensorSpec((batch, *tensor.shape[1:]), tensor.dtype, name=f"model_input_{index}")
        for index, tensor in enumerate(model.inputs)
    ]


def _converted(function: Any, specs: list[Any]) -> Any:
    import tensorflow as tf
    from ai_edge_litert import schema_py_generated as schema
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
    frozen = convert_variables_to_constants_v2(concrete)
    content = tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    return schema.ModelT.InitFromPackedBuf(content, 0)


def _enum(name: str) -> dict[int, str]:
    from ai_edge_litert import schema_py_generated as schema

    return {value: key for key, value in vars(getattr(schema, name)).items() if isinstance(value, int)}


def kind_of(file: Any, operator: Any) -> str:
    """An operator's name."""
    code = file.operatorCodes[operator.opcodeIndex]
    return _enum("BuiltinOperator")[max(code.builtinCode, code.deprecatedBuiltinCode)]


def attributes_of(operator: Any) -> dict[str, Any]:
    """An operator's attributes in the flatbuffer's spelling, enum values by name."""
    enums = {
        "fused_activation_function": "ActivationFunctionType",
        "padding": "Padding",
        "weights_format": "FullyConnectedOptionsWeightsFormat",
        "out_type": "TensorType",
    }
    found = {}
    for key, value in vars(operator.builtinOptions).items() if operator.builtinOptions is not None else ():
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
        if name not in _IGNORED_ATTRIBUTES:
            found[name] = _enum(enums[name])[value] if name in enums else _plain(value)
    return found


def _plain(value: Any) -> Any:
    return float(np.float32(value)) if isinstance(value, float) else value


def _attributes(found: Mapping[str, Any], rank: int) -> tuple[tuple[str, Any], ...]:
    """Attributes in order, an axis counted from the front."""
    plain = {key: _plain(value) for key, value in found.items()}
    if "axis" in plain:
        plain["axis"] %= rank
    return tuple(sorted(plain.items()))


class Signatures:
    """Numbers for ops: two ops have the same one if everything from the model's inputs up to them is the same."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}
        self.texts: dict[int, str] = {}

    def number(self, *key: Any) -> int:
        """The number of a signature, a new one if it was not seen before."""
        found = self.numbers.setdefault(key, len(self.numbers))
        self.texts[found] = repr(key)
        return found

    def of_prediction(self, ops: OpGraph) -> tuple[Counter[int], list[int]]:
        """The signatures of all ops, and of the model's outputs."""
        known = {tensor: self.number("input", index) for index, tensor in enumerate(ops.inputs)}
        counted: Counter[int] = Counter()
        for op in ops.ops:
            operands = tuple(
                self._constant(ops.tensors[tensor])
                if tensor >= 0 and ops.tensors[tensor].constant
                else known.get(tensor, -1)
                for tensor in op.inputs
            )
            attributes = _attributes(op.attributes, len(ops.tensors[op.outputs[0]].shape or ()))
            shape = tuple(-1 if size is None else size for size in ops.tensors[op.outputs[0]].shape or ())
            known[op.outputs[0]] = self.number(op.kind, attributes, shape, operands)
            counted[known[op.outputs[0]]] += 1
        return counted, [known[tensor] for tensor in ops.outputs]

    def _constant(self, tensor: Any) -> int:
        known = tensor.value is not None and tensor.slot is None
        values = tuple(np.array(tensor.value).reshape(-1).tolist()) if known else None
        return self.number("constant", _without_leading_ones(tensor.shape), values)

    def of_file(self, file: Any, cuts: dict[int, int], outputs: list[int]) -> tuple[Counter[int], list[int]]:
        """As `of_prediction`, placeholders replaced by what they stand for."""
        graph = file.subgraphs[0]
        known: dict[int, int] = {}
        for index in graph.inputs:
            name = graph.tensors[index].name.decode()
            if name.startswith("model_input_"):
                known[int(index)] = self.number("input", int(name.removeprefix("model_input_").split(":")[0]))
        waiting = list(graph.operators)
        counted: Counter[int] = Counter()
        while waiting:
            remaining = []
            for operator in waiting:
                operands = [self._operand(file, cuts.get(int(index), int(index)), known) for index in operator.inputs]
                if None in operands:
                    remaining.append(operator)
                    continue
                output = int(operator.outputs[0])
                shape = _shape(graph.tensors[output])
                attributes = _attributes(attributes_of(operator), len(shape))
                key = (kind_of(file, operator), attributes, shape, tuple(operands))
                known[output] = self.number(*key)
                counted[known[output]] += 1
            assert len(remaining) < len(waiting), "the stitched graph has a cycle"
            waiting = remaining
        return counted, [known[cuts.get(index, index)] for index in outputs if index >= 0]

    def _operand(self, file: Any, index: int, known: dict[int, int]) -> int | None:
        if index < 0:
            return -1
        if index in known:
            return known[index]
        tensor = file.subgraphs[0].tensors[index]
        data = file.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            return None
        values = tuple(np.frombuffer(bytes(data), np.int32).tolist()) if tensor.type == 2 else None
        return self.number("constant", _without_leading_ones(_shape(tensor)), values)

    def explain(self, number: int) -> str:
        """A signature in words."""
        return self.texts[number]


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    # A normalization's constants are (1, 1, 1, C) or (C,), as Keras happens to trace it: the same to a broadcast.
    first = next((index for index, size in enumerate(shape) if size != 1), len(shape))
    return tuple(shape[first:])


def _shape(tensor: Any) -> tuple[int, ...]:
    shape = tensor.shapeSignature if tensor.shapeSignature is not None and len(tensor.shapeSignature) else tensor.shape
    return () if shape is None else tuple(int(size) for size in shape)
