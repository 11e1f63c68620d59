"""A mistake in the spec is told alone: no verdict stands beside it that follows from it."""

from __future__ import annotations

import pytest

from qspec.lint import check
from qspec.schema import loads
from tests.plan.layer_models import small_model

STANDARD = 'import "std/int8.qspec"\n'
DEFAULT = "default { weights = w8, output = a8 }\n"
EDGES = "input { type = int8 }\noutput { type = int8 }\n"
DEPLOYED = "deploy edgetpu\n"
SIXTEEN = "quantizer a16 { type = int16 }\nrule wide match Dense { output = a16 }\n"


def said(text: str) -> list[tuple[int, str]]:
    """The line and the code of everything that is said of a spec held against a small model."""
    spec, diagnostics = loads(f"qspec 1\n{text}", "spec.qspec")
    assert spec is not None
    found = check(spec, small_model(), diagnostics).diagnostics
    return [(item.span.source.position(item.span.start)[0], item.code) for item in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "quantizer w { granularity = per_channel, range = fixed(-1, 1) }\ndefault { weights = w, output = a8 }\n",
            (4, "QS204"),
        ),
        (
            "quantizer w { granularity = per_channel, range = exact(1/256, 0) }\n"
            "default { weights = w, output = a8 }\n",
            (4, "QS204"),
        ),
        ("quantizer w4 extends w4 { type = int4 }\ndefault { weights = w4, output = a8 }\n", (4, "QS105")),
        ("quantizer w4 extends w9 { type = int4 }\ndefault { weights = w4, output = a8 }\n", (4, "QS101")),
        (DEFAULT + "input { type = int9 }\n", (5, "QS201")),
        (DEFAULT + EDGES + "require size = 3 B\n", (7, "QS001")),
        ("default { weights = w9, output = a8 }\n", (4, "QS101")),
        ("default { weights = w8, output = a9 }\nrequire edgetpu.coverage == 100%\n", (4, "QS101")),
        ("default { weights = w8 output = a8 }\n" + EDGES, (4, "QS001")),
        (DEFAULT + EDGES + "rule r match blk { output = a8 }\n", (7, "QS101")),
    ],
)
def test_a_mistake_is_told_alone(text: str, expected: tuple[int, str]) -> None:
    assert [expected] == said(STANDARD + DEPLOYED + text)


def test_an_import_of_which_nothing_is_known_is_told_alone() -> None:
    text = "quantizer w4 extends w { type = int4 }\ndefault { weights = w, output = a }\n"
    rules = "rule r match block { conv.weights = w4 }\ndeploy mine\nrequire mine.coverage == 100%\n"

    assert [(2, "QS102")] == said('import "board.qspec"\n' + DEPLOYED + text + rules)


def test_names_are_missed_where_another_import_could_be_read() -> None:
    imports = STANDARD + 'import "board.qspec"\n'

    assert [(3, "QS102"), (4, "QS101")] == said(imports + "default { weights = w9, output = a8 }\n" + EDGES)


@pytest.mark.parametrize(
    "mistake",
    [
        "rule r match Dense { output = a9 }",
        "calibrate { samples = none }",
        "require size == 3",
        "quantizer w { a = 1 }",
    ],
)
def test_what_does_not_follow_from_a_mistake_is_told_with_it(mistake: str) -> None:
    found = said(STANDARD + DEPLOYED + DEFAULT + EDGES + SIXTEEN + mistake + "\n")

    assert (8, "QS402") in found
    assert 9 in [line for line, _ in found]


def test_a_table_with_a_mistake_gives_no_verdict_and_a_sound_one_does() -> None:
    table = (
        "target npu on tflite {\n  op CONV_2D {\n    require wieghts.rank == 4\n    input = int8\n  }\n}\ndeploy npu\n"
    )
    found = said(STANDARD + table + DEPLOYED + DEFAULT + EDGES + SIXTEEN + "require npu.coverage == 100%\n")

    # The runtime takes the 16 bits, between two QUANTIZE ops.
    assert [(5, "QS101"), (15, "QS402")] == found


@pytest.mark.parametrize("condition", ["actvation == 1", "not name"])
def test_what_depends_on_a_rule_with_a_mistaken_condition_is_not_said(condition: str) -> None:
    narrow = 'rule narrow match ReLU where name == "stem_relu" { output = a8(type = int16, scheme = symmetric) }\n'
    wrong = f"rule wrong match Dense where {condition} {{ output = a8(range = mse) }}\n"

    assert [(4, "QS315")] == said(STANDARD + DEFAULT.replace("\n", " ") + "\n" + narrow)
    assert [5] == [line for line, _ in said(STANDARD + DEFAULT + narrow + wrong)]
