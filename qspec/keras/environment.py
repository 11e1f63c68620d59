"""The one place that looks at the installed Keras and TensorFlow before anything uses them."""

from __future__ import annotations

import os
from functools import cache

from qspec.diagnostics import Diagnostic, Place, SpecError
from qspec.diagnostics.catalogue import MISSING_EXTRA, NOT_KERAS_3

_LOWEST_KERAS = (3, 10)
_LOWEST_TENSORFLOW = (2, 19)
_OTHER_BACKENDS = ("jax", "torch", "openvino")


@cache
def require_keras() -> None:
    """Make sure that Keras 3 with the TensorFlow backend is what `import keras` gives.

    Raises:
        SpecError: Keras or TensorFlow is missing, too old, Keras 2, or runs on another backend.
    """
    here = Place("environment")
    install = "pip install 'qspec[tensorflow]'"
    if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
        message = "`TF_USE_LEGACY_KERAS` is set, so TensorFlow would use Keras 2"
        raise SpecError([NOT_KERAS_3.at(here, message, help="unset it: qspec works with Keras 3 only")])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import keras
        import tensorflow
    except ImportError as error:
        if error.name in _OTHER_BACKENDS:
            raise SpecError([_other_backend(error.name)]) from None
        message = f"this needs Keras and TensorFlow, and `{error.name}` is not installed"
        raise SpecError([MISSING_EXTRA.at(here, message, help=install)]) from None
    if _version(keras.__version__) < _LOWEST_KERAS:
        message = f"Keras {keras.__version__} is installed, and qspec needs 3.10 or newer"
        raise SpecError([NOT_KERAS_3.at(here, message, help=install)])
    if _version(tensorflow.__version__) < _LOWEST_TENSORFLOW:
        message = f"TensorFlow {tensorflow.__version__} is installed, and qspec needs 2.19 or newer"
        raise SpecError([NOT_KERAS_3.at(here, message, help=install)])
    if keras.backend.backend() != "tensorflow":
        raise SpecError([_other_backend(keras.backend.backend())])


def _other_backend(name: str) -> Diagnostic:
    advice = "set the environment variable KERAS_BACKEND to tensorflow"
    return NOT_KERAS_3.at(
        Place("environment"), f"Keras runs on the {name} backend, and qspec on TensorFlow", help=advice
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])
