"""QS509"""

from __future__ import annotations

from collections.abc import Iterator

from qspec.diagnostics import Diagnostic
from qspec.diagnostics.catalogue import MISSING_PARAMETERS
from qspec.graph.ops import Op
from qspec.graph.tflite_file import Subgraph
from qspec.lint.files.facts import FileFacts, and_more, op_words, tensor_words

# Ops whose integer kernels calculate with the scales of what they read and write. Movement takes any integers, and
# 16-bit arithmetic without scales is plain integer arithmetic.
_NAMES = """
    ADD SUB MUL DIV SQUARED_DIFFERENCE CONV_2D DEPTHWISE_CONV_2D TRANSPOSE_CONV FULLY_CONNECTED BATCH_MATMUL CONV_3D
    SOFTMAX LOG_SOFTMAX LOGISTIC TANH ELU HARD_SWISH LEAKY_RELU PRELU GELU EXP LOG SQRT RSQRT L2_NORMALIZATION MEAN SUM
    QUANTIZE DEQUANTIZE SVDF UNIDIRECTIONAL_SEQUENCE_LSTM
"""
_CALCULATING = frozenset(_NAMES.split())
_TYPES = frozenset({"int8", "uint8", "int4", "int2"})


def missing_parameters(facts: FileFacts) -> Iterator[Diagnostic]:
    """An op calculates on integers for which the file has no scale."""
    found: dict[int, str] = {}
    for body in facts.file.subgraphs:
        for op in body.graph.ops:
            for tensor, words in _bare(body, op):
                found.setdefault(tensor, words)
    if found:
        first, *others = found.values()
        yield MISSING_PARAMETERS.at(facts.place, first + and_more(len(others), "like this"))


def _bare(body: Subgraph, op: Op) -> Iterator[tuple[int, str]]:
    if op.kind not in _CALCULATING:
        return
    for verb, tensors in (("reads", op.inputs), ("writes", op.outputs)):
        for index in tensors:
            tensor = body.graph.tensors[index] if index >= 0 else None
            if tensor is not None and tensor.type in _TYPES and index not in body.quantization:
                yield index, f"{op_words(op)} {verb} {tensor_words(tensor)}, which is {tensor.type} and has no scale"
