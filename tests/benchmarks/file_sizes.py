"""Of what the bytes of integer files are: what the format must hold, and the rest.

    python tests/benchmarks/file_sizes.py FILE.tflite …

What it must hold: the integers of weights, four bytes for each bias, four for each scale and eight for each zero point
(the runtime wants as many zero points as scales, and XNNPACK wants the biases' too), and constants such as shapes. The
rest are names, ops, and the tables between. A file whose equal rows of zero points stand once is smaller than that.
Prints a line of JSON for every file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema


def main() -> None:
    for path in map(Path, sys.argv[1:]):
        print(json.dumps({"file": path.name, **sizes(path.read_bytes())}))


def sizes(content: bytes) -> dict[str, Any]:
    """Bytes of each part."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    held = {"weights": 0, "biases": 0, "other constants": 0}
    for number in {tensor.buffer for tensor in tensors}:
        users = [tensor for tensor in tensors if tensor.buffer == number]
        kind = "other constants"
        if any(tensor.quantization is not None and _count(tensor.quantization.scale) for tensor in users):
            kind = "biases" if users[0].type in (schema.TensorType.INT32, schema.TensorType.INT64) else "weights"
        held[kind] += _count(model.buffers[number].data)
    quantized = [tensor.quantization for tensor in tensors if tensor.quantization is not None]
    held["scales"] = 4 * sum(_count(each.scale) for each in quantized)
    held["zero points"] = 8 * sum(_count(each.zeroPoint) for each in quantized)
    needed = sum(held.values())
    return {**held, "needed": needed, "bytes": len(content), "more than needed": len(content) / needed - 1}


def _count(values: Any) -> int:
    return 0 if values is None else int(np.asarray(values).size)


if __name__ == "__main__":
    main()
