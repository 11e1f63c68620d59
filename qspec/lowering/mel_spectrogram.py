"""MelSpectrogram: frames of a signal, their power by frequency, gathered into the bands of the mel scale."""

from __future__ import annotations

from math import log, log10

from qspec.graph.document import Node
from qspec.graph.ops import Slot, Source
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.spectrogram import Frames, squared_parts, transform
from qspec.lowering.writing import Step, binary, chain, fully_connected, reduce, reshape, transpose, unary


def mel_spectrogram(site: Site) -> int:
    """`MelSpectrogram`: MIRROR_PAD, CONV_2D to `inner["real"]` and `inner["imag"]`, FULLY_CONNECTED of their
    `inner["power"]` to the bands, and LOG for decibels.

    The decibels are held above those of the loudest band, less `top_db`: the loudest of all samples of a batch.
    """
    signals = _signals(site)
    config = site.config
    length, stride = config["fft_length"].integer(1), config["sequence_stride"].integer(1)
    count, frames = length // 2 + 1, Frames(length, stride, "VALID")
    real, imaginary = (
        transform(site, signals, part, frames, count, Source(f"{part}_kernel"))(signals, site.inner(part))
        for part in ("real", "imag")
    )
    first, second = squared_parts(site, real, imaginary)
    power = binary(site, "ADD", first, second, site.inner("power"))
    spectrum = _raised(site, power, config["mag_exp"].number())
    batch, _, time, _ = site.shape(spectrum)
    framed = reshape(site, spectrum, (batch, time, count), site.inner("frames"))
    bands = config["num_mel_bins"].integer(1)
    weights = site.weights("mel_kernel", (bands, count), Source("mel_kernel", permutation=(1, 0)))
    gathered = fully_connected(site, framed, weights, site.inner("bands"))
    steps = _decibels(site) if config["power_to_db"].boolean() else []
    steps.append(("turned", lambda value, slot: transpose(site, value, (0, 2, 1), slot)))
    return chain(site, gathered, steps)


def _signals(site: Site) -> int:
    """The signals, mirrored at their ends, as images [batch, 1, time, 1]."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    batch, time = shape if len(shape) == 2 else (None, None)
    if time is None:
        raise UnknownShape("the length of its signals is unknown")
    margin = site.config["fft_length"].integer(1) // 2
    if margin >= time:
        raise Unsupported(f"it mirrors {margin} samples at each end, and its signals have {time}")
    if margin:
        paddings = site.draft.constant(((0, 0), (margin, margin)), (2, 2))
        time += 2 * margin
        tensor = site.write("MIRROR_PAD", [tensor, paddings], (batch, time), site.inner("padded"), mode="REFLECT")
    return reshape(site, tensor, (batch, 1, time, 1), site.inner("signals"))


def _raised(site: Site, power: int, exponent: float) -> int:
    """The magnitude, which is the root of the power, to the *exponent*."""
    if exponent == 2:
        return power
    if exponent == 1:
        return unary(site, "SQRT", power, site.inner("magnitude"))
    half = site.inner_constant("exponent", (), exponent / 2)
    return binary(site, "POW", power, half, site.inner("magnitude"))


def _decibels(site: Site) -> list[tuple[str, Step]]:
    """10 · log10 of the bands, less that of the reference, and held within a range."""
    config = site.config
    least = config["min_power"].number()
    reference = 10 * log10(max(abs(config["ref_power"].number()), least))
    steps = [
        ("limited", _with_number(site, "MAXIMUM", "least", least)),
        ("logarithm", lambda value, slot: unary(site, "LOG", value, slot)),
        ("decibels", _with_number(site, "MUL", "multiplier", 10 / log(10))),
    ]
    if reference:
        steps.append(("relative", _with_number(site, "SUB", "reference", reference)))
    steps.append(("ranged", _ranged(site, config["top_db"])))
    return steps


def _with_number(site: Site, kind: str, key: str, number: float) -> Step:
    return lambda value, slot: binary(site, kind, value, site.inner_constant(key, (), number), slot)


def _ranged(site: Site, top: Node) -> Step:
    range_ = site.inner_constant("top", (), top.number())

    def step(tensor: int, slot: Slot) -> int:
        loudest = reduce(site, "REDUCE_MAX", tensor, [0, 1, 2], site.inner("loudest"), keep=False)
        lowest = binary(site, "SUB", loudest, range_, site.inner("lowest"))
        return binary(site, "MAXIMUM", tensor, lowest, slot)

    return step
