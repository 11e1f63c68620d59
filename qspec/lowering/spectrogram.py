"""STFTSpectrogram: its Fourier transform is a convolution with the layer's own kernels."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

from qspec.graph.document import Node
from qspec.graph.ops import Slot, Source
from qspec.lowering.geometry import padding_name, windowed
from qspec.lowering.normalization import EPSILON
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import Step, binary, chain, concatenate, reshape, transpose, unary


def stft_spectrogram(site: Site) -> int:
    """`STFTSpectrogram`: CONV_2D with the real and with the imaginary kernel, `inner["real"]` and `inner["imag"]`.

    Every channel is a row of the image that they read. What follows depends on the mode; the axes are ordered last.
    """
    mode = site.config["mode"].text()
    rows = _rows(site)
    if mode in ("real", "imag"):
        return _arranged(site, [(mode, _convolution(site, rows, mode))], rows)
    real = _convolution(site, rows, "real")(rows, site.inner("real"))
    imaginary = _convolution(site, rows, "imag")(rows, site.inner("imag"))
    if mode == "stft":
        return _arranged(site, [("joined", lambda value, slot: concatenate(site, [value, imaginary], 3, slot))], real)
    if mode == "angle":
        return _arranged(site, [("angle", lambda value, slot: binary(site, "ATAN2", imaginary, value, slot))], real)
    squares = squared_parts(site, real, imaginary)
    steps: list[tuple[str, Step]] = [("power", lambda value, slot: binary(site, "ADD", value, squares[1], slot))]
    if mode == "psd":
        # The power of each frequency and of its negative: the first and the last have none.
        weights = tuple(
            1.0 if place in (0, frequencies(site.config) - 1) else 2.0 for place in range(frequencies(site.config))
        )
        sides = site.inner_constant("sides", (len(weights),), weights)
        return _arranged(
            site, [*steps, ("density", lambda value, slot: binary(site, "MUL", value, sides, slot))], squares[0]
        )
    steps += [_at_least(site, "limited_power"), ("magnitude", lambda value, slot: unary(site, "SQRT", value, slot))]
    if mode == "log":
        steps += [_at_least(site, "limited"), ("logarithm", lambda value, slot: unary(site, "LOG", value, slot))]
    elif mode != "magnitude":
        raise Unsupported(f"its mode is `{mode}`")
    return _arranged(site, steps, squares[0])


def squared_parts(site: Site, real: int, imaginary: int) -> tuple[int, int]:
    """`inner["real_squared"]` and `inner["imag_squared"]`, whose sum is the power."""
    squares = [
        binary(site, "MUL", part, part, site.inner(f"{name}_squared"))
        for name, part in (("real", real), ("imag", imaginary))
    ]
    return squares[0], squares[1]


def _at_least(site: Site, name: str) -> tuple[str, Step]:
    """Held above what a logarithm or a root can take."""
    return name, lambda value, slot: binary(site, "MAXIMUM", value, _least(site, name), slot)


def _least(site: Site, name: str) -> int:
    return site.inner_constant(f"{name}_minimum", (), EPSILON)


def _first(site: Site) -> bool:
    return bool(site.config.get("data_format").value == "channels_first")


def _rows(site: Site) -> int:
    """The signals as an image of one channel, [batch, channels, time, 1]."""
    tensor = site.single_input()
    shape = site.shape(tensor)
    if len(shape) != 3 or None in shape[1:]:
        raise UnknownShape("the length of its signals is unknown")
    if not _first(site):
        batch, time, channels = shape
        if channels != 1:
            tensor = transpose(site, tensor, (0, 2, 1), site.inner("channels_first"))
        shape = (batch, channels, time)
    return reshape(site, tensor, (*shape, 1), site.inner("rows"))


def frequencies(config: Node) -> int:
    """Half of the transform's length, and the constant part."""
    if config.has("fft_length"):
        return config["fft_length"].integer(1) // 2 + 1
    return int(2 ** ceil(log2(config["frame_length"].integer(1)))) // 2 + 1


def _convolution(site: Site, rows: int, part: str) -> Step:
    length, count = site.config["frame_length"].integer(1), frequencies(site.config)
    stride = site.config["frame_step"].integer(1) if site.config.has("frame_step") else length // 2
    frames = Frames(length, stride, padding_name(site.config["padding"]))
    return transform(site, rows, part, frames, count, Source(f"{part}_kernel", permutation=(2, 0, 1)))


@dataclass(frozen=True)
class Frames:
    """How a signal is taken apart: the length of a frame, and the samples from one to the next."""

    length: int
    stride: int
    padding: str


def transform(site: Site, rows: int, part: str, frames: Frames, count: int, source: Source) -> Step:
    """CONV_2D of signals [batch, channels, time, 1] with a kernel [frequencies, 1, length, 1], that of the real or the
    imaginary *part* of so many frequencies, which is called `real_kernel` or `imag_kernel`."""
    weights = site.weights(f"{part}_kernel", (count, 1, frames.length, 1), source)
    batch, channels, time, _ = site.shape(rows)
    shape = (batch, channels, windowed(time, frames.length, frames.stride, 1, frames.padding), count)

    def step(tensor: int, slot: Slot) -> int:
        return site.write(
            "CONV_2D",
            [tensor, weights, site.bias(count, f"{part}_bias")],
            shape,
            slot,
            padding=frames.padding,
            stride_w=frames.stride,
            stride_h=1,
            dilation_w_factor=1,
            dilation_h_factor=1,
            fused_activation_function="NONE",
        )

    return step


def _arranged(site: Site, steps: list[tuple[str, Step]], tensor: int) -> int:
    """The steps, and then the axes [batch, channels, time, frequencies] in the order of the config."""
    expanded = site.config.has("expand_dims") and site.config["expand_dims"].boolean()
    first, single = _first(site), site.shape(tensor)[1] == 1
    order = (0, 1, 3, 2) if first else (0, 2, 3, 1) if expanded else (0, 2, 1, 3)
    if not (expanded if first else single and not expanded):
        steps = [*steps, ("ordered", lambda value, slot: transpose(site, value, order, slot))]
    if not expanded:
        steps = [*steps, ("arranged", lambda value, slot: _joined(site, value, slot))]
    return chain(site, tensor, steps)


def _joined(site: Site, tensor: int, slot: Slot) -> int:
    """Channels and frequencies as one axis."""
    batch, *sizes = site.shape(tensor)
    one, two, three = (size or 0 for size in sizes)
    if _first(site):
        return reshape(site, tensor, (batch, one * two, three), slot)
    ordered = one if site.shape(tensor)[1] != 1 else two
    return reshape(site, tensor, (batch, ordered, one * two * three // ordered), slot)
