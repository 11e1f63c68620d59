"""The files that the commands on pages read, by name."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from tests.graph.keras_configs import small_model
from tests.graph.litert_files import code, operator, packed, perceptron, tensor


def _changed(change: Callable[[Any], object]) -> Callable[[], bytes]:
    """The perceptron's file with *change* made to its model."""

    def make() -> bytes:
        made = perceptron()
        change(made)
        return packed(made)

    return make


def _swap_ops(made: Any) -> None:
    made.subgraphs[0].operators.reverse()


def _zero_scale(made: Any) -> None:
    made.subgraphs[0].tensors[3].quantization.scale = [0.0]


def _no_scale(made: Any) -> None:
    made.subgraphs[0].tensors[3].quantization = None


def _merged_biases(made: Any) -> None:
    made.subgraphs[0].tensors[2].quantization.scale = [0.125, 0.25, 0.07]


def _island(made: Any) -> None:
    """Behind SOFTMAX a DEQUANTIZE, an EXP and a QUANTIZE."""
    graph = made.subgraphs[0]
    made.operatorCodes += [code("DEQUANTIZE", 2), code("EXP"), code("QUANTIZE")]
    graph.tensors += [tensor(name, (1, 3), "FLOAT32") for name in ("real", "exponential")]
    graph.tensors.append(tensor("again", (1, 3), scales=[0.1], zero_points=[0]))
    graph.operators += [
        operator(2, [4], [5], schema.DequantizeOptionsT()),
        operator(3, [5], [6], schema.ExpOptionsT()),
        operator(4, [6], [7], schema.QuantizeOptionsT()),
    ]
    graph.outputs = [7]


def _open_batch(made: Any) -> None:
    for index in (0, 3, 4):
        tensors = made.subgraphs[0].tensors
        tensors[index].shapeSignature = [-1, *tensors[index].shape[1:]]


def _requantized(made: Any) -> None:
    """Between the two ops a QUANTIZE."""
    graph = made.subgraphs[0]
    made.operatorCodes.append(code("QUANTIZE"))
    graph.tensors.append(tensor("other", (1, 3), scales=[0.5], zero_points=[-128]))
    graph.operators.insert(1, operator(2, [3], [5], schema.QuantizeOptionsT()))
    graph.operators[2].inputs = [5]


def _archive() -> bytes:
    """A `.keras` file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("config.json", json.dumps(small_model()))
        file.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(1000))
    return content.getvalue()


PAGE_FILES: dict[str, Callable[[], bytes]] = {
    "float.keras": _archive,
    "damaged.keras": lambda: _archive()[:-100],
    "old.h5": lambda: b"\x89HDF\r\n\x1a\n" + bytes(1000),
    "plain.tflite": _changed(lambda made: None),
    "reordered.tflite": _changed(_swap_ops),
    "zero_scale.tflite": _changed(_zero_scale),
    "stripped.tflite": _changed(_no_scale),
    "merged.tflite": _changed(_merged_biases),
    "island.tflite": _changed(_island),
    "open_batch.tflite": _changed(_open_batch),
    "requantized.tflite": _changed(_requantized),
}
