"""The LiteRT interpreter, with the kernels named by what they are for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from qspec.diagnostics import Place, SpecError
from qspec.diagnostics.catalogue import UNREADABLE_FILE, UNUSABLE_DATA
from qspec.litert.flatbuffer import litert_missing

Kernels = Literal["fast", "built_in", "reference"]


def processors() -> int:
    """How many there are: the threads that an interpreter has unless told otherwise."""
    return os.cpu_count() or 1


def make_interpreter(content: bytes, kernels: Kernels, *, keep_tensors: bool = False, threads: int = 0) -> Any:
    """An interpreter with its tensors allocated.

    `fast` is what applications get (XNNPACK where it applies), `built_in` LiteRT's own optimized kernels, `reference`
    its reference kernels. `keep_tensors` lets inner tensors be read after a run; XNNPACK hides them all the same. 0
    *threads* are as many as there are processors.

    Raises:
        SpecError: LiteRT is not installed, or refuses the file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise litert_missing() from None
    resolver = {
        "fast": OpResolverType.AUTO,
        "built_in": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        "reference": OpResolverType.BUILTIN_REF,
    }[kernels]
    try:
        interpreter = Interpreter(
            model_content=content,
            num_threads=threads or processors(),
            experimental_op_resolver_type=resolver,
            experimental_preserve_all_tensors=keep_tensors,
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:  # LiteRT's own words stay the cause
        message = f"LiteRT cannot prepare this file to run with its {kernels.replace('_', '-')} kernels"
        raise SpecError([UNREADABLE_FILE.at(Place("LiteRT"), message)]) from error
    return interpreter


def run(interpreter: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs for one batch, resized to it where the batch is dynamic.

    Raises:
        SpecError: a kernel refuses the data.
    """
    pairs = list(zip(interpreter.get_input_details(), inputs, strict=True))
    if any(tuple(detail["shape"]) != array.shape for detail, array in pairs):
        for detail, array in pairs:
            interpreter.resize_tensor_input(detail["index"], array.shape)
        interpreter.allocate_tensors()
    for detail, array in pairs:
        interpreter.set_tensor(detail["index"], np.ascontiguousarray(array))
    interpreter.reset_all_variables()  # the states of recurrent ops, which the run before has left
    try:
        interpreter.invoke()
    except RuntimeError as error:  # LiteRT's own words stay the cause
        message = "LiteRT stops while it runs the file on this data"
        advice = "an index beyond the end of a table does this, as of a word that an Embedding does not have"
        raise SpecError([UNUSABLE_DATA.at(Place("data"), message, help=advice)]) from error
    return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
