"""`apply`, `export` and `quantize`: a spec and a Keras model in, fake quantization or an integer file out."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from qspec.diagnostics import Place, SpecError, SpecWarning
from qspec.diagnostics.catalogue import FILE_DIFFERS_FROM_PLAN, RANGE_NEVER_OBSERVED, UNREADABLE_MODEL
from qspec.keras.data import Samples, read_samples
from qspec.keras.data_doubts import data_doubts
from qspec.keras.faithful import unfaithful_outputs
from qspec.keras.float_file import float_file
from qspec.keras.kernels.constant_quantization import QuantizedConstant
from qspec.keras.quantized_model.bias_correction import InputMeans, correct_biases
from qspec.keras.quantized_model.hooks import BuiltInHooks, TrainingHooks
from qspec.keras.quantized_model.learned_weights import start_learning
from qspec.keras.quantized_model.model import QuantizedModel
from qspec.keras.quantized_model.ranges import KnownParameters
from qspec.keras.quantized_model.weight_ranges import search_weight_ranges
from qspec.keras.random_samples import FEW, random_samples
from qspec.keras.reading.copying import copied
from qspec.keras.reading.signatures import Signature, first_batch, signature_of, sized
from qspec.keras.refusals import refusals
from qspec.keras.requirements import Measurement
from qspec.keras.result import Result
from qspec.lint import check
from qspec.litert.calibration import Progress, calibrate, fixed_batches
from qspec.litert.flatbuffer import read_file, write_file
from qspec.litert.float_file import FloatFile
from qspec.litert.structure import verify_structure
from qspec.litert.verify import Replace, parity_problems, verify_parity
from qspec.litert.writer import write
from qspec.lowering.one_batch import holds_for_one_batch
from qspec.numerics import Parameters, exact_parameters
from qspec.plan.make import make_plan
from qspec.plan.plan import Decision, Plan
from qspec.schema import load, valid
from qspec.schema.spec import Spec


def apply(
    spec: Spec | str | os.PathLike[str], model: keras.Model, calibration: Any, *, progress: Progress | None = None
) -> QuantizedModel:
    """A Keras model with fake quantization where *spec* (loaded, or a path) asks for it. *model* is not changed.

    *calibration* is data for the ranges: a numpy array, a list of arrays (several inputs, in the model's order), a dict
    by input name, a `tf.data.Dataset`, or an iterable of batches of any of these; samples first. Doubts
    about the data are told in a `SpecWarning` each (QS607, QS608).

    Raises:
        SpecError: the spec does not fit the model, a layer cannot be handled, or the data is unusable.
    """
    signature = _signature(_unquantized(model), calibration)
    quantized, (_, samples) = _apply(_loaded(spec), copied(model, signature), calibration, progress, signature)
    for doubt in data_doubts(quantized.plan, None, samples):
        warnings.warn(SpecWarning(doubt), stacklevel=2)
    return quantized


def _signature(model: keras.Model, data: Any) -> Signature | None:
    """What a model takes; the data tells sizes that are not known, and all of a model that was not called."""
    if not isinstance(model, keras.Model):
        return None
    batch = first_batch(data)
    signature = signature_of(model, batch)
    return signature if signature is None or batch is None else sized(signature, batch)


def _unquantized(model: keras.Model) -> keras.Model:
    if isinstance(model, QuantizedModel):
        message, advice = "this model is quantized already", "`qspec.export(model, path)` writes its file"
        raise SpecError([UNREADABLE_MODEL.at(Place(model.name), message, help=advice)])
    return model


def _loaded(spec: Spec | str | os.PathLike[str]) -> Spec:
    if not isinstance(spec, (Spec, str, os.PathLike)):
        raise TypeError(f"the spec comes first, loaded or as a path; found a `{type(spec).__name__}` in its place")
    return spec if isinstance(spec, Spec) else valid(load(spec))


def export(model: QuantizedModel, path: str | os.PathLike[str], samples: Any = None) -> Result:
    """Write the integer file of a quantized model and verify it; *samples* (as `calibration` of `apply`) judge parity,
    random ones inside the input's range where none are given.

    Raises:
        SpecError: a range was never observed, or the converter cannot lower the model.
    """
    if not isinstance(model, QuantizedModel):
        message = f"expected a model that `qspec.apply` gave, found `{type(model).__name__}`"
        advice = "`qspec.quantize(spec, model, data, path)` takes a float model"
        raise SpecError([UNREADABLE_MODEL.at(Place("model"), message, help=advice)])
    started = time.perf_counter()
    file = float_file(model)
    data = _given(model, samples) if samples is not None else None
    return _export(model, file, path, data, {"lower": time.perf_counter() - started})


def quantize(
    spec: Spec | str | os.PathLike[str],
    model: keras.Model,
    data: Any,
    path: str | os.PathLike[str],
    *,
    samples: Any = None,
    progress: Progress | None = None,
) -> Result:
    """Post-training quantization in one go: calibrate on *data*, write the integer file to *path*, verify it.

    Both *data* and *samples* take the forms that `apply` names; without *samples* some of *data* judge parity, and all
    of it accuracy, where it has labels.

    Raises:
        SpecError: the spec does not fit the model, a layer cannot be handled, or the data is unusable.
    """
    started = time.perf_counter()
    quantized, (file, calibration) = _apply(_loaded(spec), _unquantized(model), data, progress)
    seconds = {"lower and calibrate": time.perf_counter() - started}
    if samples is not None:
        judges = measured = _given(quantized, samples)
    else:
        judges = calibration.take(slice(0, FEW))
        measured = judges if calibration.labels is None else calibration
    return _export(quantized, file, path, judges, seconds, calibration, measured)


def verify(
    path: str | os.PathLike[str],
    spec: Spec | str | os.PathLike[str],
    model: keras.Model,
    data: Any,
    calibration: Any = None,
) -> Result:
    """Hold an integer file against a spec and a model; the file is not changed.

    *model* is a trained quantized model, which carries its ranges, or the float one: then *calibration* (else *data*)
    calibrates it as `quantize` did. *data* judges parity.

    Raises:
        SpecError: the file is not what the spec asks for, or something cannot be read.
    """
    spec = _loaded(spec)
    advice = ""
    if isinstance(model, QuantizedModel):
        _hold_to(spec, model)
    else:
        advice = _CALIBRATE if calibration is None else ""
        model, _ = _apply(spec, model, data if calibration is None else calibration, None)
    content = read_file(path)
    return _judge(model, spec, content, Path(path), parameters(model), _given(model, data), {}, advice=advice)


_CALIBRATE = (
    "the float model was calibrated with the data that judge: name the samples that `quantize` calibrated with, "
    "`--calibration DATA` or `calibration=data`"
)


def _hold_to(spec: Spec, model: QuantizedModel) -> None:
    """Raise SpecError where *spec* decides otherwise than the spec that the trained model carries."""
    wanted = make_plan(spec, model.plan.layers).decisions
    for tensor, decision in model.plan.decisions.items():
        other = wanted.get(tensor)
        if other is None or _spelled_out(decision) != _spelled_out(other):
            name = model.plan.ops.tensors[tensor].name
            message = f"the trained model was quantized by another spec: they differ at `{name}`"
            place = (other.origin.span if other is not None else None) or Place(spec.path)
            raise SpecError([FILE_DIFFERS_FROM_PLAN.at(place, message)])


def _spelled_out(decision: Decision) -> Any:
    quantizer = decision.quantizer
    return None if quantizer is None else replace(quantizer, name="", span=None)


class ShownHooks(BuiltInHooks):
    """The simulation as LiteRT's built-in kernels round, every planned tensor passing through *show*."""

    def __init__(self, model: QuantizedModel, show: Replace) -> None:
        super().__init__(model)
        self.show = show

    def tensor(self, tensor: int, value: Any) -> Any:
        """What *show* makes of the simulated value."""
        return keras.ops.convert_to_tensor(self.show(tensor, np.asarray(super().tensor(tensor, value))))


def simulate(model: QuantizedModel, inputs: Sequence[np.ndarray], show: Replace | None = None) -> list[np.ndarray]:
    """The simulated outputs for *inputs*: as the model itself gives them, or, with *show*, as `ShownHooks` has them."""

    hooks = TrainingHooks(model) if show is None else ShownHooks(model, show)
    flat = model.flat_inputs([keras.ops.convert_to_tensor(array) for array in inputs])
    return [np.asarray(value) for value in model.simulation.run_apart(flat, hooks)]


def parameters(model: QuantizedModel) -> dict[int, Parameters]:
    """Scale and zero point of every quantized tensor but the biases, by the plan's tensor ids.

    Raises:
        SpecError: an activation's range was never observed.
    """
    found: dict[int, Parameters] = {}
    known = KnownParameters(model.ranges, model.least_scales)
    for tensor, decision in model.plan.decisions.items():
        if decision.range is None or decision.quantizer is None:
            continue
        tracker = model.ranges[decision.range]
        if tracker.fixed is None and not float(tracker.observed):
            raise _never_observed(model.plan, tensor)
        scale, zero_point = (np.asarray(value) for value in known[decision.range])
        # A uint8 tensor at the model's edge has the range of its int8 twin inside, with codes that are 128 higher.
        shift = 128 if (decision.quantizer.type, tracker.type) == ("uint8", "int8") else 0
        lowest, highest = (code + shift for code in tracker.codes)
        found[tensor] = exact_parameters(scale, zero_point + shift, lowest=lowest, highest=highest)
    for step in model.simulation.steps:
        for (kind, _), constant in model.quantized_constants(step, known).items():
            if constant.scale is None or constant.tensor is None or kind == "bias":
                continue
            found[constant.tensor] = _constant_parameters(model.plan.decisions[constant.tensor], constant)
    return found


def _constant_parameters(decision: Decision, constant: QuantizedConstant) -> Parameters:
    quantizer, axis = decision.quantizer, decision.axis
    assert quantizer is not None
    lowest, highest = quantizer.code_range
    scale, zero_point = (np.asarray(part) for part in (constant.scale, constant.zero_point))
    if quantizer.block_size is None:
        shape = (-1,) if axis is not None else ()
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    return exact_parameters(
        scale,
        zero_point,
        lowest=lowest,
        highest=highest,
        axis=axis,
        block=quantizer.block_size,
        rounding="half_even" if quantizer.rounding == "half_even" else "half_away",
    )


def biases(model: QuantizedModel) -> dict[int, np.ndarray]:
    """The biases to be quantized (float32, corrected), by the plan's tensor ids."""
    steps = {
        model.bias_of[step.call.index]: step for step in model.simulation.steps if step.call.index in model.bias_of
    }
    return {bias: np.asarray(model.corrected_constants(step)["bias", "bias"]) for bias, step in steps.items()}


def _never_observed(plan: Plan, tensor: int) -> SpecError:
    name = plan.ops.tensors[tensor].name
    message = f"the range of `{name}` was never observed"
    advice = "calibrate with `qspec.apply(…, calibration=data)`, or train at least one step"
    return SpecError([RANGE_NEVER_OBSERVED.at(Place(plan.layers.path), message, help=advice)])


def _apply(
    spec: Spec, model: keras.Model, data: Any, progress: Progress | None, signature: Signature | None = None
) -> tuple[QuantizedModel, tuple[FloatFile, Samples]]:
    quantized = QuantizedModel(model, spec, signature or _signature(model, data))
    calibration = _sampled(data, quantized)
    file = float_file(quantized)
    problems = list(unfaithful_outputs(quantized, file, calibration.inputs))
    if problems:
        raise SpecError(problems)
    means = InputMeans(quantized)
    for index, observed in calibrate(file, quantized.plan, calibration.inputs, progress, means.update).items():
        extremes = observed.smallest, observed.largest
        quantized.ranges[index].start(observed.minimum, observed.maximum, extremes)
    search_weight_ranges(quantized)
    start_learning(quantized)
    correct_biases(quantized, means)
    return quantized, (file, calibration)


def _sampled(data: Any, model: QuantizedModel) -> Samples:
    """As many as the spec's `calibrate` block says, drawn with its seed; of batches that come by and by, the first."""
    wanted, seed = model.spec.calibrate.samples, model.spec.calibrate.seed
    in_memory = hasattr(data, "__array__") or isinstance(data, (Mapping, list, tuple))
    samples = _read(data, model.plan, None if in_memory else wanted)
    if wanted is None or wanted >= len(samples):
        return samples
    return samples.take(np.random.default_rng(seed).permutation(len(samples))[:wanted])


def _given(model: QuantizedModel, samples: Any) -> Samples:
    return _read(samples, model.plan)


def _read(data: Any, plan: Plan, limit: int | None = None) -> Samples:
    inputs = [plan.predicted.tensors[tensor] for tensor in plan.predicted.inputs]
    shapes = [tensor.shape or () for tensor in inputs]
    return read_samples(data, plan.layers, shapes, limit, [tensor.type for tensor in inputs])


def _export(
    model: QuantizedModel,
    file: FloatFile,
    path: str | os.PathLike[str],
    samples: Samples | None,
    seconds: dict[str, float],
    calibration: Samples | None = None,
    measured: Samples | None = None,
) -> Result:
    started = time.perf_counter()
    known = parameters(model)
    content = write(file, model.plan, known, biases(model))
    seconds["write"] = time.perf_counter() - started
    result = _judge(model, model.spec, content, Path(path), known, samples, seconds, calibration, measured)
    write_file(path, content)
    return result


def _judge(
    model: QuantizedModel,
    spec: Spec,
    content: bytes,
    path: Path,
    known: dict[int, Parameters],
    samples: Samples | None,
    seconds: dict[str, float],
    calibration: Samples | None = None,
    measured: Samples | None = None,
    advice: str = "",
) -> Result:
    """Verify the bytes that are, or are to be, the file at *path*. *calibration* is all data that are held against
    fixed ranges and *measured* those by which requirements are judged, if not the *samples*; *advice* is given where
    scales differ everywhere."""
    started = time.perf_counter()
    inputs = random_samples(model.plan, known) if samples is None else list(samples.inputs)
    indices, problems = verify_structure(content, str(path), model.plan, known, advice)
    if problems := problems or refusals(content, str(path)):
        raise SpecError(problems)

    def run(part: Sequence[np.ndarray], replace: Replace | None) -> Sequence[np.ndarray]:
        return simulate(model, part, replace)

    how: dict[str, Any] = {"random": samples is None}
    if model.plan.batch is not None and holds_for_one_batch(model.plan.layers):
        how["at_once"] = model.plan.batch
        inputs = [np.concatenate(parts) for parts in zip(*fixed_batches(inputs, model.plan.batch), strict=True)]
    parity = verify_parity(content, str(path), model.plan, known, indices, run, inputs, **how)
    seconds["verify"] = time.perf_counter() - started
    measurement = Measurement(model, spec, content, parity, known, indices, samples if measured is None else measured)
    doubts = data_doubts(model.plan, measurement.samples, calibration)
    found = (*doubts, *parity_problems(parity, str(path)), *measurement.problems())
    return Result(path, len(content), parity, check(spec, model.plan.layers), found, seconds, measurement)
