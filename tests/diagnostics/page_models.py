"""The models that the examples of pages are held against, by the name that a block gives: ```qspec model=small."""

from __future__ import annotations

from collections.abc import Callable

from qspec.graph.layers import LayerGraph
from tests.plan.layer_models import ModelBuilder, small_model


def shared() -> LayerGraph:
    """One Dense called twice."""
    m = ModelBuilder()
    layer = m.layer("Dense", "shared", units=8)
    return m.graph(m(layer, m(layer, m.input(8, name="features"))))


def slopes() -> LayerGraph:
    """A Conv2D and a PReLU."""
    m = ModelBuilder()
    x = m("Conv2D", m.input(8, 8, 3, name="image"), name="stem")
    return m.graph(m("PReLU", x, name="slopes", shared_axes=[1, 2]))


def custom() -> LayerGraph:
    """A layer of a class that is not Keras' own, and a Dense."""
    m = ModelBuilder()
    x = m("SpectralConv", m.input(8, 8, 3, name="image"), name="spectral", package="acme")
    return m.graph(m("Dense", x, name="head"))


def open_width() -> LayerGraph:
    """An image of any width, flattened."""
    m = ModelBuilder()
    x = m.input(8, None, 3, name="image")  # type: ignore[arg-type]
    return m.graph(m("Dense", m("Flatten", x, name="flat"), name="head"))


def pixels() -> LayerGraph:
    """An image that the model rescales itself."""
    m = ModelBuilder()
    x = m("Rescaling", m.input(8, 8, 3, name="image"), name="rescale", scale=1 / 127.5, offset=-1.0)
    return m.graph(m("Conv2D", x, name="stem"))


def score() -> LayerGraph:
    """A hidden layer and one number."""
    m = ModelBuilder()
    x = m("Dense", m.input(8, name="features"), name="hidden", units=16)
    return m.graph(m("Dense", x, name="score", units=1))


def two_sums() -> LayerGraph:
    """Two sums of twelve ReLUs each, side by side."""
    m = ModelBuilder()
    x = m.input(4, name="features")
    sums = [m("Add", *(m("ReLU", x) for _ in range(12)), name=name) for name in ("one", "other")]
    return m.graph(m("Concatenate", *sums, name="both"))


PAGE_MODELS: dict[str, Callable[[], LayerGraph]] = {
    "small": small_model,
    "two_sums": two_sums,
    "shared": shared,
    "slopes": slopes,
    "custom": custom,
    "open_width": open_width,
    "pixels": pixels,
    "score": score,
}
