"""QS510"""

from __future__ import annotations

import math
from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import WRONG_BIAS_SCALE
from qspec.graph.operands import operand_name
from qspec.graph.tflite_file import Subgraph
from qspec.lint.files.facts import FileFacts, and_more, op_words

# The product of two float32 numbers, rounded once or twice more on the way.
_TOLERANCE = 1e-5
_BIAS_TYPES = frozenset({"int32", "int64"})


def wrong_bias_scale(facts: FileFacts) -> Iterator[Diagnostic]:
    """A bias whose scale is not the input's times the weights'."""
    found = [wrong for body in facts.file.subgraphs for wrong in wrong_biases(body).values()]
    if found:
        yield WRONG_BIAS_SCALE.at(facts.place, found[0] + and_more(len(found) - 1, "like this"))


def wrong_biases(body: Subgraph) -> dict[int, str]:
    """By the tensor's id, what is wrong with each bias."""
    found = {}
    for op in body.graph.ops:
        operands = {operand_name(op.kind, at): tensor for at, tensor in enumerate(op.inputs) if tensor >= 0}
        bias = operands.get("bias")
        if bias is None or bias in body.zeros or not {"input", "weights"} <= operands.keys():
            continue
        if body.graph.tensors[bias].type in _BIAS_TYPES and (wrong := _difference(body, operands)):
            found[bias] = f"the bias of {op_words(op)} {wrong}"
    return found


def _difference(body: Subgraph, operands: dict[str, int]) -> str:
    input_, weights, bias = (_scales(body, operands[name]) for name in ("input", "weights", "bias"))
    valid = all(math.isfinite(scale) and scale > 0 for scale in (*input_, *weights, *bias))
    if len(input_) != 1 or not weights or not bias or not valid:
        return ""  # what is missing or no scale is said elsewhere; a bias without a scale is taken for a right one
    products = [input_[0] * scale for scale in weights]
    if len(bias) != len(products):
        if len(set(products)) > 1 or len(bias) > 1:
            return f"has {len(bias)} scale{'s'[: len(bias) > 1]}, and the weights have {len(products)}"
        products = products[:1]
    for channel, (scale, product) in enumerate(zip(bias, products, strict=True)):
        if not math.isclose(scale, product, rel_tol=_TOLERANCE):
            where = f" in channel {channel}" if len(products) > 1 else ""
            return f"has scale {scale:g}{where}, and input * weights is {product:g}"
    return ""


def _scales(body: Subgraph, tensor: int) -> tuple[float, ...]:
    found = body.quantization.get(tensor)
    return found.scales if found is not None else ()
