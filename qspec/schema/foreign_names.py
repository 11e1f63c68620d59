"""Names that things have in other tools and languages: what to write here. Only asked where a name is unknown."""

from __future__ import annotations

_SCHEME = "write `scheme = {}`"
_BY_RANGE = "write `range = {}`"
_FIXED = "write `range = fixed(low, high)`: what the lowest and the highest code stand for"
_ONE_SCALE = "write `granularity = {}`; `per_channel` are the output channels, no axis is named"
_REAL = "`float` leaves a tensor in floating point"
_HALF = 'for weights of 16-bit floats `import "std/float16.qspec"` and write `f16`'

ATTRIBUTES = {
    "axis": _ONE_SCALE.format("per_channel"),
    "per_axis": _ONE_SCALE.format("per_channel"),
    "per_channel": _ONE_SCALE.format("per_channel"),
    "per_tensor": _ONE_SCALE.format("per_tensor"),
    "block_size": "write `granularity = per_block(32)`",
    "group_size": "write `granularity = per_block(32)`",
    "symmetric": _SCHEME.format("symmetric"),
    "asymmetric": _SCHEME.format("asymmetric"),
    "narrow_range": "write `narrow = true`",
    "observer": _BY_RANGE.format("minmax"),
    "calibration": _BY_RANGE.format("minmax"),
    "scale": _BY_RANGE.format("exact(scale, zero_point)"),
    "zero_point": _BY_RANGE.format("exact(scale, zero_point)"),
    "mean": _FIXED,
    "std": _FIXED,
    "min": _FIXED,
    "max": _FIXED,
    "minmax": _BY_RANGE.format("minmax"),
    "ema": _BY_RANGE.format("ema(0.99)"),
    "percentile": _BY_RANGE.format("percentile(99.9)"),
    "mse": _BY_RANGE.format("mse"),
    "fixed": _BY_RANGE.format("fixed(-1, 1)"),
}
"""Attributes of quantizers, inputs and outputs."""

SLOTS = {
    "kernel": 'write `weights`, or `weights["kernel"]` for that variable alone',
    "kernels": "write `weights`",
    "w": "write `weights`",
    "activation": "write `output`: what leaves the layer",
    "activations": "write `output`: what leaves a layer",
    "act": "write `output`: what leaves the layer",
    "biases": "write `bias`",
}

VALUES = {
    "per_axis": "write `per_channel`: one scale for each output channel",
    "per_layer": "write `per_tensor`",
    "per_group": "write `per_block(32)`",
    "min_max": "write `minmax`",
    "moving_average": "write `ema(0.99)`",
    "entropy": "write `kl`",
    "histogram": "write `kl`, `mse` or `percentile(99.9)`",
    "lsq": "write `learned`",
    "pact": "write `learned_clip`",
}
"""Values of `range` and `granularity`."""

QUANTIZERS = {
    **dict.fromkeys(("none", "None", "float32", "fp32", "f32", "full", "skip", "off", "false"), _REAL),
    **dict.fromkeys(("float16", "fp16", "half", "bfloat16"), _HALF),
}

TARGETS = {
    **dict.fromkeys(("coral", "tpu"), "write `edgetpu`"),
    **dict.fromkeys(("litert", "tensorflow_lite"), "write `tflite`"),
    **dict.fromkeys(("cpu", "arm", "x86"), "write `xnnpack`"),
    **dict.fromkeys(("android", "phone"), "write `nnapi`"),
    **dict.fromkeys(("micro", "microcontroller", "tflite_micro"), "write `tflm`"),
    **dict.fromkeys(("cmsis", "cortex_m"), "write `cmsis_nn`"),
    **dict.fromkeys(("vela", "ethos"), "write `ethos_u`"),
    **{variant: f'write `ethos_u(variant = "{variant}")`' for variant in ("u55", "u65", "u85")},
}

FUNCTIONS = {
    "startswith": 'write `{} like "begin*"`',
    "endswith": 'write `{} like "*end"`',
    "contains": 'write `{} like "*part*"`',
    "match": "write `{} matches 'regular expression'`",
    "lower": "texts are compared as they are",
    "len": "`rank` counts the dimensions of a shape: `input.rank`",
}
"""Functions and methods, of the path that they are called on."""
