"""Why a model's code could not run on symbolic tensors, in our words."""

from __future__ import annotations

import traceback
from pathlib import Path

_BATCH = "it computes with the size of the batch, which is not known"
_REASONS = (
    (
        "as a boolean",
        "its Python code decides by the value of a tensor",
        "use `keras.ops.where`, which takes both ways",
    ),
    ("as a Python `bool`", "its Python code decides by the value of a tensor", "use `keras.ops.where`"),
    ("TensorFlow function", "it calls TensorFlow where `keras.ops` would do", ""),
    ("NumPy array", "it makes a NumPy array of a tensor", "use `keras.ops` in place of NumPy"),
    ("numpy array", "it makes a NumPy array of a tensor", "use `keras.ops` in place of NumPy"),
    ("terating over", "it iterates over a tensor", "take it apart with `keras.ops.unstack`"),
    ("no attribute 'assign", "it changes a variable", "let what it computes be a result"),
    ("outputs must be tensors", "it gives something else than tensors that depend on its inputs", ""),
    ("interpreted as an integer", _BATCH, "use -1 in `reshape`, `zeros_like`, or `broadcast_to`, which take any batch"),
    ("NoneType", _BATCH, "use -1 in `reshape`, `zeros_like`, or `broadcast_to`, which take any batch"),
)
"""What is in the text of an exception, what that means, and what to do about it."""

_LIBRARIES = ("keras", "tensorflow", "qspec", "optree", "numpy")
_ADVICE = "write its `call` with layers and `keras.ops`, or build it with `keras.Model(inputs, outputs)`"


def reason_of(error: Exception) -> str:
    """What went wrong, and where: the last line of the code that is not a library's."""
    found = next((reason for part, reason, _ in _REASONS if part in str(error)), "")
    return f"{found or f'its code raises a {type(error).__name__}'}{_where(error)}"


def advice_for(error: Exception) -> str:
    """What to do about it."""
    return next((advice for part, _, advice in _REASONS if part in str(error) and advice), _ADVICE)


def _where(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_of_a_library(frame.filename)]
    if not frames or not frames[-1].line:
        return ""
    return f", at line {frames[-1].lineno} of `{Path(frames[-1].filename).name}`: `{frames[-1].line.strip()[:80]}`"


def _is_of_a_library(filename: str) -> bool:
    parts = Path(filename).parts
    installed = "site-packages" in parts or "dist-packages" in parts
    standard = Path(traceback.__file__).parent in Path(filename).parents and not installed
    return "<" in filename or standard or any(name in parts and (installed or name == "qspec") for name in _LIBRARIES)
