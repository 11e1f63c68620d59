"""Attention, embeddings, normalizations and activations in int8: the file computes what the simulation does."""

from typing import Any

import pytest

pytest.importorskip("tensorflow")

import numpy as np

import qspec
from tests.lowering import zoo_activations, zoo_attention, zoo_masks, zoo_preprocessing
from tests.lowering.own_lowering import SEED, randomize

MASKED = {f"masks_{name}": make for name, make in zoo_masks.models().items() if name != "multi_twice"}
MODELS = {**zoo_attention.models(), **MASKED, **zoo_activations.models(), **zoo_preprocessing.models()}

SPEC = """qspec 1
import "std/int8.qspec"
input { type = int8, batch = 1 }
output { type = int8 }
default { weights = w8, output = a8 }
"""

CI = (
    "multi_causal", "grouped_masked", "attention_masked", "embedding_then_dense", "einsum_shared",
    "normalization_layer", "normalization_group", "layer_relu_all", "activation_soft_shrink", "activation_mish",
    "dense_with_prelu",
    "layer_softmax_masked", "known_rescaling_of_int32", "known_normalization_inverse", "categories_count_three_int32",
    "spectrogram_log", "masks_block",
)  # fmt: skip

IN_FLOAT = ("sparsemax", "discretization", "embedding_floats", "spectrogram_angle")
"""CUMSUM, BUCKETIZE, CAST and ATAN2 take no integers that stand for reals; `categories_…_float32` neither."""

JUMPS = ("activation_hard_shrink", "conv_hard_shrink", "dense_hard_shrink")
"""Functions that jump, so that a value at the threshold, rounded to the other side of it, is off by the whole jump."""


def integer_models() -> list[Any]:
    """Every model of the zoos that int8 is for; most are slow."""
    names = [name for name in MODELS if not any(word in name for word in IN_FLOAT)]
    names = [name for name in names if not (name.startswith("categories") and name.endswith("float32"))]
    return [pytest.param(name, marks=() if name in CI else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", integer_models())
def test_no_tensor_is_off_by_more_than_one_step(name: str, tmp_path: Any):
    model = MODELS[name]()
    randomize(model)
    spec = tmp_path / "int8.qspec"
    spec.write_text(SPEC)
    data = [_samples(tensor) for tensor in model.inputs]

    result = qspec.quantize(spec, model, data if len(data) > 1 else data[0], tmp_path / "model.tflite")

    off = {tensor.tensor: tensor.equal for tensor in result.parity.tensors if tensor.largest > 1}
    assert off == {} or (name in JUMPS and min(off.values()) > 0.95)


def _samples(tensor: Any) -> np.ndarray:
    generator = np.random.default_rng(SEED)
    shape = (64, *(size or 5 for size in tensor.shape[1:]))
    if tensor.dtype == "float32":
        return generator.uniform(-1, 1, shape).astype("float32")
    return generator.integers(0, 2 if tensor.dtype == "bool" else 4, shape).astype(tensor.dtype)
