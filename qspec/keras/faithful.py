"""Does the float file compute what the Keras model does? Everything behind it only compares with that file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import LOWERING_DIFFERS, UNREADABLE_MODEL
from qspec.keras.execution.mixed_precision import computes_in_half, in_float32
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.litert.calibration import fixed_batches
from qspec.litert.float_file import FloatFile
from qspec.litert.verify import sqnr

# In dB. Sums in another order, and folded normalizations, leave 90 and more; quantization to 8 bits is at 20 to 50.
_LEAST = 60.0
# Where Keras computes in half precision, which has 11 bits, or 8.
_LEAST_IN_HALF = 15.0


def _of_the_model(model: QuantizedModel, given: Any) -> Any:
    """What the float model gives; a SpecError if Keras fails to run it."""
    try:
        with keras.StatelessScope(collect_losses=True):  # its losses are those of training alone
            return model.float_model(given, training=False)
    except Exception as error:  # whatever a kernel or a layer raises; it stays the cause
        message = f"Keras itself fails to run this model: it raises a {type(error).__name__}"
        advice = "call it on a batch of your data, which tells more"
        raise SpecError([UNREADABLE_MODEL.at(Place(model.plan.layers.path), message, help=advice)]) from error


def unfaithful_outputs(model: QuantizedModel, file: FloatFile, inputs: Sequence[np.ndarray]) -> Iterator[Diagnostic]:
    """An error for each output of reals that *file* gives otherwise than the float model, on one batch of *inputs*."""
    plan = model.plan
    batch = next(fixed_batches([array[: plan.batch or 1] for array in inputs], plan.batch))
    found = next(file.run([batch]))
    given = [keras.ops.convert_to_tensor(array) for array in batch]
    called = model.simulation.live.given(given)
    wanted = keras.tree.flatten(_of_the_model(model, called))
    in_half = any(map(computes_in_half, model.simulation.live.layers.values()))
    for name, tensor, value in zip(model.output_names, plan.predicted.outputs, wanted, strict=True):
        expected = np.asarray(in_float32(value))
        if expected.dtype.kind != "f" or not np.isfinite(expected).all():
            continue
        ratio = sqnr(expected, found[tensor]) if expected.shape == found[tensor].shape else float("-inf")
        if np.any(expected) and ratio < (_LEAST_IN_HALF if in_half else _LEAST):
            yield LOWERING_DIFFERS.at(
                Place(plan.layers.path),
                f"the lowered float model gives other numbers than the Keras model at its output `{name}`: "
                f"signal to noise is {ratio:.1f} dB",
                help="this is a defect of qspec's lowering table: please report it with the model's config",
            )
