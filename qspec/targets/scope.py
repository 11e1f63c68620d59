"""The names that an expression in a capability table can use, and their values for one op.

* the target's options;
* the op's attributes in the flatbuffer's spelling (`stride_w`, `fused_activation_function`, `keep_num_dims`, …); one
  that is absent has the flatbuffer schema's default; enum values are texts (`"NONE"`, `"RELU"`, `"SAME"`);
* operands by `qspec.graph.operands` (`input`, `weights`, `bias`, `axes`, …) and `output`: `.type`, `.scale`,
  `.zero_point`, `.shape`, `.rank`, `.constant`; `input[1].shape` asks the second operand of that name; a bare name is
  the value of a constant one (`axes`, `paddings`, `permutation`, `begin`, `size`, …), `paddings[0]` a part of it;
* `rank`, the largest rank among the op's operands that are not such integer constants; `outer`, the largest product of
  all dimensions but the three innermost among its activations; `batch`, the first dimension of its first input;
  `inputs` and `outputs`, how many of each it has; `has_bias`; `groups` of a convolution; `padded_h` and `padded_w`, how
  many rows and columns `padding = SAME` adds to the input of a convolution or a pooling on both sides together;
* `kind`, the op's own name, for what a target says of many ops; `version`, its version in the file; `version_unknown`,
  whether neither the op nor its version has a row;
* `same_scale(a, b, …)`, whether all operands of these names share scale and zero point; `known(a.scale, …)`, whether
  all of these values are known, for limits that what is not known yet (a scale before calibration) must not fail.

`axis` and `axes` count from the front: a negative one has the rank added. A dynamic dimension is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from qspec.graph.operands import operand_name, operand_names
from qspec.graph.ops import Op, OpGraph, Tensor
from qspec.schema.evaluate import (
    UNKNOWN,
    Mistake,
    Unknown,
    Value,
    all_of,
    condition_holds,
    known,
    step_into,
    unknown_function,
)
from qspec.schema.names import listed
from qspec.schema.rows import FUNCTIONS
from qspec.schema.target import Operand
from qspec.syntax import tree
from qspec.targets.verdict import Representation

SameScale = Callable[[int, int], "bool | None"]

# Attributes and what LiteRT's schema.fbs says of them when they are absent.
_DEFAULTS: Mapping[str, Value] = {
    "stride_w": 0,
    "stride_h": 0,
    "filter_width": 0,
    "filter_height": 0,
    "depth_multiplier": 0,
    "dilation_w_factor": 1,
    "dilation_h_factor": 1,
    "padding": "SAME",
    "fused_activation_function": "NONE",
    "weights_format": "DEFAULT",
    "keep_num_dims": False,
    "asymmetric_quantize_inputs": False,
    "align_corners": False,
    "half_pixel_centers": False,
    "keep_dims": False,
    "adj_x": False,
    "adj_y": False,
    "approximate": False,
    "begin_mask": 0,
    "end_mask": 0,
    "ellipsis_mask": 0,
    "new_axis_mask": 0,
    "shrink_axis_mask": 0,
    "offset": False,
    "squeeze_dims": (),
    "axis": 0,
    "alpha": 0.0,
    "beta": 0.0,
    "block_size": 0,
    "batch_dims": 0,
    "quantized_bias_type": "FLOAT32",
}

PROPERTIES = ("type", "scale", "zero_point", "shape", "rank", "constant")
"""What can be asked of an operand."""


@dataclass
class OpScope:
    """One op's names. `asked` has what the last condition asked for and what it was told."""

    op: Op
    graph: OpGraph
    representation: Callable[[int], Representation]
    options: Mapping[str, Value]
    version: int | Unknown = UNKNOWN
    version_unknown: bool | Unknown = UNKNOWN
    same_scale: SameScale | None = None
    asked: list[tuple[tree.Expression, Value]] = field(default_factory=list)

    def holds(self, condition: tree.Expression) -> bool | Unknown:
        """Whether *condition* is true of the op; raises `Mistake` if it has no meaning."""
        self.asked.clear()
        return condition_holds(condition, self.lookup, self.call)

    def lookup(self, path: tree.Path) -> Value:
        """The value of a path; see the top of this module."""
        value = self._value(path)
        self.asked.append((path, value))
        return value

    def _value(self, path: tree.Path) -> Value:
        name = path.head.text
        if name in self.options:
            return step_into(self.options[name], path.trailers, self.lookup)
        if name in self.operands:
            return self._operand_value(path)
        if name in COMPUTED:
            return step_into(COMPUTED[name](self), path.trailers, self.lookup)
        value = self.op.attributes.get(name, _DEFAULTS.get(name, UNKNOWN))
        if name == "axis":
            value = self._from_the_front(value)
        return step_into(value, path.trailers, self.lookup)

    @cached_property
    def operands(self) -> dict[str, tuple[Tensor, ...]]:
        """The tensors behind each operand name, in order; absent ones left out."""
        found: dict[str, list[Tensor]] = {}
        for position, tensor in enumerate(self.op.inputs):
            if tensor >= 0:
                found.setdefault(operand_name(self.op.kind, position), []).append(self.graph.tensors[tensor])
        found["output"] = [self.graph.tensors[tensor] for tensor in self.op.outputs]
        return {name: tuple(tensors) for name, tensors in found.items() if tensors}

    def tensors_of(self, operand: Operand) -> tuple[Tensor, ...]:
        """The op's tensors that an operand line speaks of; none if the op lacks it."""
        tensors = self.operands.get(operand.name, ())
        return tensors if operand.key is None else tensors[operand.key : operand.key + 1]

    def _operand_value(self, path: tree.Path) -> Value:
        tensors, trailers = self.operands[path.head.text], path.trailers
        listed = len(tensors) == 1 and tensors[0].value is not None
        if trailers and isinstance(trailers[0], tree.Index) and not listed:
            tensor = step_into(tuple(range(len(tensors))), trailers[:1], self.lookup)
            if tensor is UNKNOWN:
                return UNKNOWN
            tensors, trailers = (tensors[tensor],), trailers[1:]
        prop = trailers[0] if trailers else None
        if not isinstance(prop, tree.Name):
            value = UNKNOWN if tensors[0].value is None else tensors[0].value
            counted = self._from_the_front(value) if path.head.text in ("axis", "axes") else value
            return step_into(counted, trailers, self.lookup)
        return step_into(self._property(tensors[0], prop), trailers[1:], self.lookup)

    def _property(self, tensor: Tensor, prop: tree.Name) -> Value:
        stored = self.representation(tensor.id)
        match prop.text:
            case "type":
                return stored.type
            case "scale":
                return UNKNOWN if stored.scale is None else stored.scale
            case "zero_point":
                return UNKNOWN if stored.zero_point is None else stored.zero_point
            case "shape":
                return shape_of(tensor)
            case "rank":
                return UNKNOWN if tensor.shape is None else len(tensor.shape)
            case "constant":
                return tensor.constant
        raise Mistake(
            prop.span,
            f"an operand has no `{prop.text}`",
            f"there is {listed(PROPERTIES)}",
        )

    def _from_the_front(self, value: Value) -> Value:
        if isinstance(value, tuple):
            return tuple(self._from_the_front(item) for item in value)
        if not isinstance(value, int) or value >= 0:
            return value
        # PACK counts its axis in the output, which has one dimension more than the inputs.
        name = "output" if self.op.kind == "PACK" else "input"
        tensors = self.operands.get(name, ())
        shape = tensors[0].shape if tensors else None
        return UNKNOWN if shape is None else value + len(shape)

    def call(self, node: tree.Call) -> bool | Unknown:
        """`same_scale(a, b, …)` or `known(a.scale, …)`."""
        name = node.function.head.text
        if node.function.trailers or name not in FUNCTIONS:
            raise unknown_function(node, FUNCTIONS)
        if name == "known":
            paths = [argument.value for argument in node.arguments]
            return all(known(self.lookup(path)) for path in paths if isinstance(path, tree.Path))
        # Plain integers and floats have no scale to share.
        tensors = [tensor for tensor in self.named_tensors(node) if self.representation(tensor).is_quantized]
        answer = all_of([self._share_scale(one, other) for one, other in pairwise(tensors)])
        if answer is UNKNOWN:
            self.asked.append((node, UNKNOWN))
        return answer

    def named_tensors(self, node: tree.Call) -> tuple[int, ...]:
        """The tensor ids that the arguments of `same_scale(…)` name, in order; absent operands left out."""
        found: list[int] = []
        for argument in node.arguments:
            if not isinstance(argument.value, tree.Path):
                raise Mistake(
                    argument.span, "`same_scale` takes names of operands", "write `same_scale(input, output)`"
                )
            tensors = self.operands.get(argument.value.head.text, ())
            if argument.value.trailers:
                kept = step_into(tuple(range(len(tensors))), argument.value.trailers, self.lookup)
                tensors = () if kept is UNKNOWN else (tensors[kept],)
            found += [tensor.id for tensor in tensors]
        return tuple(dict.fromkeys(found))

    def _share_scale(self, one: int, other: int) -> bool | Unknown:
        if self.same_scale is not None:
            answer = self.same_scale(one, other)
            return UNKNOWN if answer is None else answer
        first, second = self.representation(one), self.representation(other)
        if None in (first.scale, second.scale, first.zero_point, second.zero_point):
            return UNKNOWN
        return first.scale == second.scale and first.zero_point == second.zero_point


def shape_of(tensor: Tensor) -> Value:
    """A tensor's shape as a value: dynamic dimensions are unknown."""
    if tensor.shape is None:
        return UNKNOWN
    return tuple(UNKNOWN if size is None else size for size in tensor.shape)


def spelled(node: tree.Expression) -> str:
    """An expression as it stands in its file, on one line."""
    return " ".join(node.span.source.text[node.span.start : node.span.end].split())


def _rank(scope: OpScope) -> Value:
    tensors = [tensor for group in scope.operands.values() for tensor in group if tensor.value is None]
    ranks = [None if tensor.shape is None else len(tensor.shape) for tensor in tensors]
    known = [rank for rank in ranks if rank is not None]
    return max(known) if known and len(known) == len(ranks) else UNKNOWN


def _outer(scope: OpScope) -> Value:
    tensors = [tensor for group in scope.operands.values() for tensor in group if not tensor.constant]
    if any(tensor.shape is None or None in tensor.shape[:-3] for tensor in tensors):
        return UNKNOWN
    return max((math.prod(size or 0 for size in (tensor.shape or ())[:-3]) for tensor in tensors), default=1)


def _batch(scope: OpScope) -> Value:
    tensors = scope.operands.get("input", ())
    shape = tensors[0].shape if tensors else None
    return shape[0] if shape and shape[0] is not None else UNKNOWN


def _groups(scope: OpScope) -> Value:
    source, weights = scope.operands.get("input"), scope.operands.get("weights")
    if not source or not weights or not source[0].shape or not weights[0].shape:
        return UNKNOWN
    channels, per_group = source[0].shape[-1], weights[0].shape[-1]
    return UNKNOWN if channels is None or not per_group else channels // per_group


def _padded(scope: OpScope, dimension: int, side: Literal["h", "w"], filter_attribute: str) -> Value:
    """`ComputeOutSize` and `ComputePaddingWithOffset` of LiteRT's `tflite/kernels/padding.h`, turned around."""
    attributes: Mapping[str, Any] = {**_DEFAULTS, **scope.op.attributes}
    if attributes["padding"] == "VALID":
        return 0
    weights = scope.operands.get("weights")
    window = (weights[0].shape or ()) if weights else (attributes[filter_attribute],) * (dimension + 1)
    kernel = window[dimension] if len(window) > dimension else None
    shapes = [tensors[0].shape for name in ("input", "output") if (tensors := scope.operands.get(name))]
    sizes = [shape[dimension] for shape in shapes if shape is not None and len(shape) > dimension]
    if not kernel or len(sizes) != 2 or sizes[0] is None or sizes[1] is None:
        return UNKNOWN
    reach = (kernel - 1) * attributes[f"dilation_{side}_factor"] + 1
    return max((sizes[1] - 1) * attributes[f"stride_{side}"] + reach - sizes[0], 0)


def _factor(scope: OpScope, dimension: int) -> Value:
    """Output by input; with aligned corners, the steps between the pixels of each."""
    shapes = [tensors[0].shape for name in ("input", "output") if (tensors := scope.operands.get(name))]
    sizes = [shape[dimension] for shape in shapes if shape is not None and len(shape) == 4]
    if len(sizes) != 2 or sizes[0] is None or sizes[1] is None:
        return UNKNOWN
    steps = 1 if scope.op.attributes.get("align_corners") and sizes != [1, 1] else 0
    return UNKNOWN if sizes[0] == steps else (sizes[1] - steps) / (sizes[0] - steps)


def _reduced(scope: OpScope) -> Value:
    axes, source = scope.operands.get("axes"), scope.operands.get("input")
    if not axes or not source or axes[0].value is None or source[0].shape is None:
        return UNKNOWN
    shape = source[0].shape
    listed = axes[0].value if isinstance(axes[0].value, tuple) else (axes[0].value,)
    if not all(isinstance(axis, int) for axis in listed):
        return UNKNOWN
    sizes = [shape[axis] for axis in dict.fromkeys(axis % len(shape) for axis in listed)] if shape else []
    return UNKNOWN if None in sizes else math.prod(size or 0 for size in sizes)


COMPUTED: Mapping[str, Callable[[OpScope], Value]] = {
    "rank": _rank,
    "outer": _outer,
    "batch": _batch,
    "groups": _groups,
    "padded_h": lambda scope: _padded(scope, 1, "h", "filter_height"),
    "padded_w": lambda scope: _padded(scope, 2, "w", "filter_width"),
    "factor_h": lambda scope: _factor(scope, 1),
    "factor_w": lambda scope: _factor(scope, 2),
    "reduced": _reduced,
    "has_bias": lambda scope: "bias" in scope.operands,
    "inputs": lambda scope: sum(len(group) for name, group in scope.operands.items() if name == "input"),
    "outputs": lambda scope: len(scope.op.outputs),
    "kind": lambda scope: scope.op.kind,
    "version": lambda scope: scope.version,
    "version_unknown": lambda scope: scope.version_unknown,
}


def known_names(kind: str) -> frozenset[str]:
    """Every name that an expression about an op of *kind* can use, besides the target's options."""
    return frozenset((*operand_names(kind), "output", *COMPUTED, *_DEFAULTS))
