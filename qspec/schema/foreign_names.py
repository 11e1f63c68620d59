"""Names that things have in other tools and languages: what to write here. Only asked where a name is unknown."""

from __future__ import annotations

from qspec.diagnostics import Advice


def _one_scale(granularity: str) -> Advice:
    return Advice.write(f"granularity = {granularity}", "; `per_channel` are the output channels, no axis is named")


# Forms with numbers that only the person knows are not offered.
_BLOCKS = Advice("write `granularity = per_block(32)`")
_EXACT = Advice("write `range = exact(scale, zero_point)`")
_FIXED = Advice("write `range = fixed(low, high)`: what the lowest and the highest code stand for")
_BITS = Advice("`type` says how many: `type = int4`, `int8` or `int16`", ("type = int4", "type = int8", "type = int16"))
_MINMAX = Advice.write("range = minmax")
_REAL = Advice("`float` leaves a tensor in floating point", ("float",))
_HALF = Advice('for weights of 16-bit floats `import "std/float16.qspec"` and write `f16`')

ATTRIBUTES = {
    "axis": _one_scale("per_channel"),
    "per_axis": _one_scale("per_channel"),
    "per_channel": _one_scale("per_channel"),
    "per_tensor": _one_scale("per_tensor"),
    "block_size": _BLOCKS,
    "group_size": _BLOCKS,
    "symmetric": Advice.write("scheme = symmetric"),
    "asymmetric": Advice.write("scheme = asymmetric"),
    "narrow_range": Advice.write("narrow = true"),
    **dict.fromkeys(("bits", "num_bits", "bit_width"), _BITS),
    "observer": _MINMAX,
    "calibration": _MINMAX,
    "scale": _EXACT,
    "zero_point": _EXACT,
    "mean": _FIXED,
    "std": _FIXED,
    "min": _FIXED,
    "max": _FIXED,
    "minmax": _MINMAX,
    "ema": Advice.write("range = ema(0.99)"),
    "percentile": Advice.write("range = percentile(99.9)"),
    "mse": Advice.write("range = mse"),
    "fixed": Advice("write `range = fixed(-1, 1)`"),
}
"""Attributes of quantizers, inputs and outputs; what is offered stands in place of the whole assignment."""

SLOTS = {
    "kernel": Advice(
        'write `weights`, or `weights["kernel"]` for that variable alone', ("weights", 'weights["kernel"]')
    ),
    "kernels": Advice.write("weights"),
    "w": Advice.write("weights"),
    "activation": Advice.write("output", ": what leaves the layer"),
    "activations": Advice.write("output", ": what leaves a layer"),
    "act": Advice.write("output", ": what leaves the layer"),
    "biases": Advice.write("bias"),
}

VALUES = {
    "per_axis": Advice.write("per_channel", ": one scale for each output channel"),
    "per_layer": Advice.write("per_tensor"),
    "per_group": Advice("write `per_block(32)`"),
    "min_max": Advice.write("minmax"),
    "moving_average": Advice.write("ema(0.99)"),
    "entropy": Advice.write("kl"),
    "histogram": Advice("write `kl`, `mse` or `percentile(99.9)`", ("kl", "mse", "percentile(99.9)")),
    "lsq": Advice.write("learned"),
    "pact": Advice.write("learned_clip"),
}
"""Values of `range` and `granularity`."""

QUANTIZERS = {
    **dict.fromkeys(("none", "None", "float32", "fp32", "f32", "full", "skip", "off", "false"), _REAL),
    **dict.fromkeys(("float16", "fp16", "half", "bfloat16"), _HALF),
}

TARGETS = {
    **dict.fromkeys(("coral", "tpu"), Advice.write("edgetpu")),
    **dict.fromkeys(("litert", "tensorflow_lite"), Advice.write("tflite")),
    **dict.fromkeys(("cpu", "arm", "x86"), Advice.write("xnnpack")),
    **dict.fromkeys(("android", "phone"), Advice.write("nnapi")),
    **dict.fromkeys(("micro", "microcontroller", "tflite_micro"), Advice.write("tflm")),
    **dict.fromkeys(("cmsis", "cortex_m"), Advice.write("cmsis_nn")),
    **dict.fromkeys(("vela", "ethos"), Advice.write("ethos_u")),
    # Options stand behind `deploy` alone, and a target's name elsewhere, too.
    **{variant: Advice(f'write `ethos_u(variant = "{variant}")`') for variant in ("u55", "u65", "u85")},
}

FUNCTIONS = {
    "startswith": 'write `{} like "begin*"`',
    "endswith": 'write `{} like "*end"`',
    "contains": 'write `{} like "*part*"`',
    "match": "write `{} matches 'regular expression'`",
    "lower": "texts are compared as they are",
    "len": "`rank` counts the dimensions of a shape: `input.rank`",
}
"""Functions and methods: a sentence with a place for the path that they are called on."""
