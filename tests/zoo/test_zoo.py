"""The zoo the whole way: a sample in a minute here, all of it with

    python -m pytest -m slow tests/zoo

which takes about an hour on two cores. `python -m tests.zoo.run --json figures.jsonl` gives all the figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tensorflow")

from tests.versions import KERAS_OF_THE_ZOOS
from tests.zoo import run
from tests.zoo.expectations import EXEMPT, findings
from tests.zoo.measure import measure

pytestmark = KERAS_OF_THE_ZOOS

SAMPLE = (
    "activations/conv_leaky_relu",
    "activations/activation_squareplus",
    "activations/activation_sparse_plus",
    "activations/layer_softmax_masked",
    "attention/attention_dot_scores",
    "attention/normalization_rms_of_one_row",
    "attention/embedding_floats",
    "convolutions/conv_3d_normalized",
    "movement/up_2d",
    "operations/floor",
    "composed/perceptron",
    "composed/siamese",
    "composed/dictionaries",
)


@pytest.fixture(scope="module")
def makers() -> dict[str, Any]:
    return run.models()


def test_there_are_as_many_models_as_asked(makers: dict[str, Any]):
    composed = [name for name in makers if name.startswith("composed/")]

    assert len(composed) >= 25
    assert len(makers) - len(composed) >= 150


def test_an_exemption_speaks_of_models_that_there_are(makers: dict[str, Any]):
    import fnmatch

    assert [] == [known.models for known in EXEMPT if not fnmatch.filter(makers, known.models)]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_model_goes_the_whole_way(name: str, makers: dict[str, Any], tmp_path: Path):
    assert [] == findings(name, measure(makers[name], tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("zoo", run.ZOOS)
def test_all_models_go_the_whole_way(zoo: str):
    found = {name: findings(name, figures) for name, figures in run.run(list(run.models([zoo])), [zoo])}

    assert {} == {name: wrong for name, wrong in found.items() if wrong}
