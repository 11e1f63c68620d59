"""The predicted ops of a model held against what the converter makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import keras

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import LOWERING_DIFFERS
from qspec.keras.faithful import unfaithful_outputs
from qspec.keras.lower import lower
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.keras.random_samples import random_samples
from qspec.litert.alignment import differences
from qspec.schema.spec import Spec


def lowering_differences(spec: Spec, model: keras.Model) -> Iterator[Diagnostic]:
    """An error for whatever the converter, asked to lower *model*, makes otherwise than `check` predicts."""
    try:
        quantized = QuantizedModel(model, spec)
        file = lower(quantized)
    except SpecError as error:
        yield from error.diagnostics
        return
    layers = quantized.plan.layers
    yield from unfaithful_outputs(quantized, file, random_samples(quantized.plan, {}))
    for difference in differences(file, quantized.plan.predicted):
        where = f"`{difference.layer}`: " if difference.layer else ""
        yield LOWERING_DIFFERS.at(
            Place(layers.path),
            f"{where}{difference.message}",
            help="this is a defect of qspec's lowering table: please report it with the layer's config",
            layer=difference.layer,
        )
