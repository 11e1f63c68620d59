"""The LiteRT tables against the interpreter itself.

Every op runs alone, stored in every type, granularity and scale that its table could take or refuse, and its numbers
are held against the same arithmetic on real numbers. What a table takes must be right, what it does not take must be
refused by the kernel or come out wrong; a row that warns may be wrong.

The kernels run with one set of random values each time; `pytest -m slow tests/targets/test_litert.py` runs more of
them, and the reference kernels.
"""

from __future__ import annotations

import pytest

from qspec.schema.target import Row
from tests.targets.cases import make
from tests.targets.observed import Observed, observed
from tests.targets.one_op import judge, shipped
from tests.targets.rank_sketches import rank_sketches
from tests.targets.runtime import KERNELS, REFERENCE, job_of, outcomes, status
from tests.targets.ways import Way
from tests.versions import LITERT_OF_THE_TABLES

pytestmark = LITERT_OF_THE_TABLES

pytest.importorskip("ai_edge_litert.interpreter")

# Where a table is stricter than the kernels, and why.
_OTHER_RUNTIMES = "the specification fixes the output, and other runtimes of the same file rely on it"
_REFERENCE = "the reference kernel takes the bias for int64"
_BY_CHANCE = "right only while the results that would be wrong saturate"
STRICTER = {
    ("TANH", "int8"): _OTHER_RUNTIMES,
    ("TANH", "uint8"): _OTHER_RUNTIMES,
    ("SOFTMAX", "uint8"): _OTHER_RUNTIMES,
    ("FULLY_CONNECTED", "int16"): _REFERENCE,
    ("RSQRT", "int16"): _BY_CHANCE,
    ("REDUCE_PROD", "int8"): _BY_CHANCE,
    ("REDUCE_PROD", "int16"): _BY_CHANCE,
}


def contradicts(one: Observed, target: str = "tflite") -> bool:
    """Whether the interpreter does something else than the table says."""
    verdict = one.verdict(target)
    if verdict.accepted:
        return one.status != "right" and not (verdict.warnings and one.status == "wrong")
    return one.status == "right" and (one.case.kind, first_type(one)) not in STRICTER


def first_type(one: Observed) -> str:
    """The type of the first operand that is no constant."""
    return next((made.type for made in one.case.inputs if made is not None and not made.constant), "")


KINDS = sorted({kind for row in shipped("tflite").rows for kind in row.kinds if row.unverified is None})


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_takes_what_the_kernels_compute_right(kind: str) -> None:
    mine = [one for one in observed() if one.case.kind == kind]

    assert mine
    assert [] == [(str(one.case), one.status) for one in mine if contradicts(one)]


def test_every_op_that_runs_has_a_row() -> None:
    assert set(KINDS) == {one.case.kind for one in observed()}


def forms(row: Row) -> list[str]:
    return [form.name for form in row.forms] or [""]


def test_every_form_of_every_row_was_seen_right() -> None:
    seen = {
        (one.case.kind, verdict.form)
        for one in observed()
        if one.status == "right" and (verdict := one.verdict("tflite")).accepted
    }
    rows = [row for row in shipped("tflite").rows if row.unverified is None]

    # Weights in blocks have a test of their own, with the scales that they need.
    expected = {(kind, form) for row in rows for kind in row.kinds for form in forms(row)}
    assert {("FULLY_CONNECTED", "weights_only_blocks")} == expected - seen


def test_every_op_was_seen_to_refuse_something() -> None:
    takes_all = {"SHAPE", "RANK"}
    refused = {one.case.kind for one in observed() if not one.verdict("tflite").accepted and one.status != "right"}

    assert set(KINDS) - takes_all == refused


# ---- op versions


def newest_taken(one: Observed) -> int:
    """The newest version of an op that the table takes."""
    case = one.case
    taken = [
        version
        for version in range(1, 40)
        if judge("tflite", case.kind, case.inputs, case.outputs, case.attributes, version).accepted
    ]
    assert list(range(taken[0], taken[-1] + 1)) == taken
    return taken[-1]


def test_the_newest_version_of_every_op() -> None:
    first = {}
    for one in observed():
        if one.status == "right" and one.verdict("tflite").accepted:
            first.setdefault(one.case.kind, one)
    newest = [(one, newest_taken(one)) for one in first.values()]
    known = outcomes([job_of(one.case, version) for one, version in newest])
    unknown = outcomes([job_of(one.case, version + 1) for one, version in newest])

    assert len(newest) == len(KINDS)
    assert [] == [
        (one.case.kind, n) for (one, n), outcome in zip(newest, known, strict=True) if isinstance(outcome, str)
    ]
    assert all("Didn't find op" in outcome for outcome in unknown if isinstance(outcome, str))
    assert [] == [
        one.case.kind for (one, _), outcome in zip(newest, unknown, strict=True) if not isinstance(outcome, str)
    ]


# ---- ranks

FIXED = {
    "LOGISTIC": {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)},
    "SOFTMAX": {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)},
    "TANH": {"int8": (1 / 128, 0), "int16": (1 / 32768, 0)},
    "LOG_SOFTMAX": {"int8": (1 / 16, 127)},
}


def test_ranks() -> None:
    made = [
        make(sketch, Way(type_, parameters=FIXED.get(sketch.kind, {}).get(type_, "same")))
        for sketch in rank_sketches()
        for type_ in ("float32", "int8", "int16")
    ]
    found = outcomes([job_of(case) for case in made])
    seen = [Observed(case, status(case, one), one) for case, one in zip(made, found, strict=True)]

    assert [] == [(str(one.case), one.status) for one in seen if contradicts(one)]


# ---- schemes: the same kernels, with activations of one type

# These look at types or shapes alone, or stand between types.
_BETWEEN_TYPES = {"QUANTIZE", "DEQUANTIZE", "CAST", "SHAPE", "RANK", "EMBEDDING_LOOKUP"}
SCHEMES = {
    "tflite_int16x8": {"float32", "float16", "int8", "uint8", "int4", "int2", "complex64"},
    "tflite_dynamic": {"int8", "uint8", "int16", "int4", "int2"},
}


def activations(one: Observed) -> set[str]:
    return {made.type for made in (*one.case.inputs, *one.case.outputs) if made is not None and not made.constant}


def has_wide_weights(one: Observed) -> bool:
    """Whether 16-bit activations meet weights of other than 8 bits."""
    constants = [made.type for made in one.case.inputs if made is not None and made.constant]
    return one.case.kind in ("CONV_2D", "FULLY_CONNECTED") and bool({"int4", "int2", "int16"} & set(constants))


@pytest.mark.parametrize(("target", "foreign"), SCHEMES.items())
def test_a_scheme_takes_what_computes_in_its_types(target: str, foreign: set[str]) -> None:
    for one in observed():
        if one.case.kind not in _BETWEEN_TYPES:
            fits = not activations(one) & foreign and not (target == "tflite_int16x8" and has_wide_weights(one))
            assert (one.verdict("tflite").accepted and fits) == one.verdict(target).accepted, str(one.case)


@pytest.mark.parametrize("target", SCHEMES)
def test_what_a_scheme_takes_is_right(target: str) -> None:
    taken = [one for one in observed() if one.verdict(target).accepted]

    assert len(taken) > 100
    assert [] == [str(one.case) for one in taken if one.status != "right" and not one.verdict(target).warnings]


def test_integer_weights_are_read_through_a_dequantize() -> None:
    taken = {
        (made.type, made.granularity)
        for one in observed()
        if one.case.kind == "DEQUANTIZE" and one.verdict("tflite_dynamic").accepted
        for made in [one.case.inputs[0].representation]  # type: ignore[union-attr]
        if one.case.inputs[0] and one.case.inputs[0].constant
    }

    assert {("int8", "per_tensor"), ("int8", "per_channel"), ("int4", "per_channel"), ("float16", None)} <= taken


# ---- more values, and the kernels that optimize nothing


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_other_values(seed: int) -> None:
    assert [] == [(seed, str(one.case), one.status) for one in observed(KERNELS, seed) if contradicts(one)]


# What the reference kernels do not have, have in older versions (without four bits, 8-bit tiles, float16 and more), or
# compute otherwise.
NOT_REGISTERED = {"ELU", "CEIL", "ROUND", "SEGMENT_SUM"}
OLDER_VERSIONS = {
    *("ABS", "ADD", "ARG_MAX", "ARG_MIN", "COS", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "GELU", "MUL", "RANGE", "SIN"),
    *("SOFTMAX", "TILE", "TRANSPOSE"),
}
COMPUTED_WRONG = {"SUM", "LOCAL_RESPONSE_NORMALIZATION"}


@pytest.mark.slow
def test_reference_kernels() -> None:
    differ = [one for one in observed(REFERENCE) if one.status != "right" and contradicts(one)]
    unknown = {one.case.kind for one in differ if isinstance(one.outcome, str) and "Didn't find op" in one.outcome}

    assert NOT_REGISTERED | OLDER_VERSIONS == unknown
    assert COMPUTED_WRONG == {one.case.kind for one in differ} - unknown
