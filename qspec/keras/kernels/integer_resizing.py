"""RESIZE_BILINEAR as LiteRT's built-in integer kernel computes it: with positions in 1/1024 of a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

_STEPS = 1024  # of a pixel


def resize_in_integers(value: Any, size: Any, attributes: Mapping[str, Any]) -> Any:
    """*value* (float32, [batch, height, width, channels]) at another *size* (height, width), not rounded yet.

    As google-ai-edge/LiteRT f674577, tflite/kernels/internal/reference/resize_bilinear.h, `ResizeBilinearInteger`.
    """
    height, width = (int(each) for each in np.reshape(size, -1))
    down = _weights(value.shape[1], height, attributes)
    across = _weights(value.shape[2], width, attributes)
    return tf.einsum("hi,nijc,wj->nhwc", down, value, across)


def _weights(given: int, wanted: int, attributes: Mapping[str, Any]) -> np.ndarray:
    """How much each pixel of a row counts in each of the new ones, float32, [wanted, given]."""
    if attributes.get("align_corners") and wanted > 1:
        scale = (_STEPS * (given - 1) + (wanted - 1) // 2) // (wanted - 1)
    else:
        scale = (_STEPS * given + wanted // 2) // wanted
    places = np.arange(wanted) * scale
    if attributes.get("half_pixel_centers"):
        places = places + scale // 2 - _STEPS // 2
    low = np.maximum(np.trunc(places / _STEPS).astype(int), 0)
    high = np.minimum(np.trunc((places + _STEPS - 1) / _STEPS).astype(int), given - 1)
    found = np.zeros((wanted, given), np.float32)
    share = (places - _STEPS * low) / _STEPS
    np.add.at(found, (np.arange(wanted), low), 1 - share)
    np.add.at(found, (np.arange(wanted), high), share)
    return found
