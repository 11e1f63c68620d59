"""What `qspec explain` says against what stands in the written file: the types of tensors and of the file's ends, and
every op that changes a type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import qspec
from qspec.graph.ops import OpGraph
from qspec.graph.tflite_file import read_tflite_file
from qspec.plan.ends import ends
from qspec.plan.explain import CallExplanation, Explainer
from qspec.plan.plan import Plan
from tests.keras import graph_models, models
from tests.keras.test_file_size import attention, recurrent

IMPORTS = 'qspec 1\nimport "std/int8.qspec"\nimport "std/int16x8.qspec"\n'
INT8 = "output { type = uint8 }\ndefault { weights = w8, output = a8 }\n"
WIDE = """
input { type = int8, range = fixed(-4, 4) }
output { type = float16 }
default { weights = w8, output = a16 }
rule dense match Dense { output = a8 }
rule pools match GlobalAveragePooling2D | GlobalAveragePooling1D { all = float }
"""
MIXED = """
output { type = uint8, range = fixed(-4, 4) }
default { weights = w8, output = a8 }
rule dense match Dense { output = a16 }
rule attention match MultiHeadAttention { output = a16, inner["scores"] = a8 }
rule sums match Add { input[1] = a8(range = fixed(-2, 2)) }
rule norms match LayerNormalization { output = a8, inner["centred"] = a16 }
"""
CASTS = ("QUANTIZE", "DEQUANTIZE", "CAST")


def twice_read() -> keras.Model:
    """An attention whose query, key and value come from one tensor."""
    words = keras.Input((6, 8), name="words")
    return keras.Model(words, layers.MultiHeadAttention(2, 4, name="heads")(words, words), name="twice_read")


QUERY = """
default { weights = w8, output = a8 }
rule one match MultiHeadAttention { inner["query"] = a16 }
"""
CASES = [
    (models.convolutional, INT8),
    (models.convolutional, WIDE),
    (models.branches, MIXED),
    (models.shared, MIXED),
    (models.sequences, WIDE),
    (attention, INT8),
    (attention, MIXED),
    (recurrent, INT8),
    (graph_models.one_output_twice, WIDE),
    (graph_models.one_output_twice, MIXED),
    (twice_read, QUERY),
]


def file_of(make: Callable[[], keras.Model], text: str, path: Path) -> tuple[Plan, OpGraph]:
    """What `qspec check` plans for a model, and the file that `qspec quantize` writes."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model, spec = make(), qspec.loads(IMPORTS + text)
    generator = np.random.default_rng(3)
    arrays = [generator.normal(size=(8, *given.shape[1:])).astype("float32") for given in model.inputs]
    report = qspec.check(spec, model)
    result = qspec.quantize(spec, model, arrays if len(arrays) > 1 else arrays[0], path)
    assert report.plan is not None
    return report.plan, read_tflite_file(result.path).main.graph


def casts_in_the_file(plan: Plan, file: OpGraph) -> Iterator[tuple[Any, ...]]:
    """Each call that reads a cast, with the cast's result; each end of the file that a cast stands before or behind."""
    calls = {plan.ops.tensors[tensor].name: slot.call for slot, tensor in plan.ops.slots.items()}
    made = {op.outputs[0] for op in file.ops if op.kind in CASTS and file.tensors[op.outputs[0]].name not in calls}
    for op in file.ops:
        if op.kind not in CASTS:
            for read in made.intersection(op.inputs):
                yield calls[file.tensors[op.outputs[0]].name], read
    yield from ((tensor, position) for position, tensor in enumerate(file.outputs) if tensor in made)
    yield from (("input", tensor) for tensor in file.inputs if file.tensors[tensor].name not in calls)


def casts_told(calls: Mapping[int, CallExplanation]) -> list[str]:
    sentences = [
        sentence
        for call in calls.values()
        for slot in call.slots
        for sentence in (*slot.changes, *slot.casts, *slot.notes)
    ]
    return [sentence for sentence in sentences if sentence.startswith(tuple(f"a {kind} " for kind in CASTS))]


@pytest.mark.parametrize(("make", "text"), CASES)
def test_what_is_explained_stands_in_the_file(make, text, tmp_path):
    plan, file = file_of(make, text, tmp_path / "m.tflite")
    calls = {call.call: call for call in Explainer(plan).all()}
    types = {tensor.name: tensor.type for tensor in file.tensors}
    tensors = {(slot.call, str(slot)): plan.ops.tensors[tensor].name for slot, tensor in plan.ops.slots.items()}

    assert len(types) == len(file.tensors)
    told = {
        tensors[number, slot.slot]: "float32" if slot.quantizer is None else slot.quantizer.type
        for number, call in calls.items()
        for slot in call.slots
        if (number, slot.slot) in tensors
    }
    assert set(told) == set(tensors.values())
    assert {name: types[name] for name in told} == told
    assert [file.tensors[tensor].type for tensor in (*file.inputs, *file.outputs)] == [end.type for end in ends(plan)]
    assert len(set(casts_in_the_file(plan, file))) == len(casts_told(calls))
