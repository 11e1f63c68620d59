"""What Keras does in training and the simulation leaves out, inside layers that are computed by their ops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import keras

from qspec.keras.execution.steps import Step
from qspec.keras.quantized_model.attention_dropout import drops_probabilities
from qspec.keras.reading.recording import all_layers

_RATES = ("dropout", "recurrent_dropout")


def left_out_of_training(steps: Iterable[Step], *, follows_batch: bool) -> list[str]:
    """In words, each layer's part that does something else in training than at inference, and does not here. Batch
    normalizations inside other layers count where *follows_batch*, since those of the model's own follow the batch."""
    found = dict.fromkeys(
        f"the {part} of `{step.call.layer.path}`"
        for step in steps
        if step.composition is not None and not step.passes
        for part in _parts(step.layer, follows_batch)
    )
    return list(found)


def _parts(layer: Any, follows_batch: bool) -> Iterator[str]:
    if isinstance(layer, keras.layers.SpectralNormalization):
        yield "power iteration"
    if drops_probabilities(layer):
        return
    for each in all_layers(layer):
        rates = [getattr(each, name, None) for name in _RATES]
        if "Dropout" in type(each).__name__:
            rates.append(each.rate)
        if any(isinstance(rate, float) and rate > 0 for rate in rates):
            yield "dropout"
        inside = each is not layer and isinstance(each, keras.layers.BatchNormalization)
        if inside and follows_batch and each.trainable:
            yield "batch statistics"
