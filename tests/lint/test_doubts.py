"""A mistake in the spec is told alone: no verdict stands beside it that follows from it."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic, Severity
from qspec.diagnostics.codes import codes
from qspec.graph.tflite_file import parse_tflite
from qspec.lint import check
from qspec.lint.doubts import HELD_BACK, Open
from qspec.lint.files.check import check_file
from qspec.schema import loads
from tests.graph.litert_files import packed, perceptron
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


# ---- comments that suppress


def of_comments(text: str, against: str) -> list[str]:
    """The texts of the suppressions that are called useless, in a spec that is held against something."""
    spec, diagnostics = loads(f"qspec 1\n{text}", "spec.qspec")
    assert spec is not None
    found: tuple[Diagnostic, ...]
    if against == "file":
        found = check_file(parse_tflite(packed(perceptron()), "model.tflite"), spec, diagnostics).diagnostics
    else:
        found = check(spec, small_model() if against == "model" else None, diagnostics).diagnostics
    spans = [item.span for item in found if item.code == "QS902"]
    return [span.source.text[span.start : span.end] for span in spans]


EVERYWHERE = ("nothing", "model", "file")


@pytest.mark.parametrize("against", EVERYWHERE)
@pytest.mark.parametrize("code", ["QS903", "QS301", "QS312", "QS402", "QS408"])
def test_beside_a_mistake_no_comment_is_called_useless(code: str, against: str) -> None:
    """What it suppresses is held back itself, or would arise in what was meant."""
    text = f"quantizer w4 extends w8 {{ type = int4 }}  # qspec: ignore[{code}]\n"

    assert [] == of_comments(STANDARD + text + "default { weights = w9, output = a8 }\n", against)


@pytest.mark.parametrize(
    ("code", "looked_for"),
    [
        ("QS903", EVERYWHERE),
        ("QS312", EVERYWHERE),
        ("QS408", EVERYWHERE),
        ("QS301", ("model",)),
        ("QS402", ("model",)),
        ("QS411", ("model",)),
        ("QS404", ("model", "file")),
        ("QS512", ("file",)),
        ("QS605", ("file",)),
        ("QS606", ()),  # arises of the file, so that the comment is used
        ("QS608", ()),  # of data
    ],
)
def test_a_comment_is_useless_where_its_code_is_looked_for(code: str, looked_for: tuple[str, ...]) -> None:
    text = STANDARD + "default { weights = w8, output = a8 }  # qspec: ignore[{}]\n".replace("{}", code)

    assert {against: [code] * (against in looked_for) for against in EVERYWHERE} == {
        against: of_comments(text, against) for against in EVERYWHERE
    }


@pytest.mark.parametrize("against", EVERYWHERE)
@pytest.mark.parametrize("mistake", ["", "rule r match Dense { output = a9 }\n"])
def test_what_no_comment_can_suppress_is_told_whatever_was_meant(mistake: str, against: str) -> None:
    text = STANDARD + DEFAULT + "# qspec: ignore[QS401, QS999]\n" + mistake

    assert ["QS401", "QS999"] == of_comments(text, against)


# ---- files


def test_a_table_with_a_mistake_gives_no_verdict_of_a_file() -> None:
    table = "target npu on tflite {\n  op RELU { input = int8 }\n  op ADD {\n    inpt = int8\n  }\n}\ndeploy npu\n"
    text = f"qspec 1\n{table}require npu.coverage == 100%\n"
    file = parse_tflite(packed(perceptron()), "model.tflite")

    def told(text: str) -> set[str]:
        spec, diagnostics = loads(text, "spec.qspec")
        assert spec is not None
        return {item.code for item in check_file(file, spec, diagnostics).diagnostics}

    assert {"QS407"} <= told(text.replace("inpt", "input"))
    assert {"QS101"} == told(text) - {"QS606"}


def test_what_a_table_lacks_is_not_missed_in_a_text_that_could_not_be_read() -> None:
    text = "qspec 1\ntarget npu on tflite {}\n"
    file = parse_tflite(packed(perceptron()), "model.tflite")
    for broken in ("", "rule {\n"):
        spec, diagnostics = loads(text + broken, "spec.qspec")
        assert spec is not None
        for report in (check(spec, None, diagnostics), check_file(file, spec, diagnostics)):
            assert (not broken) == ("QS204" in {item.code for item in report.diagnostics})


# ---- the table

SAID_BESIDE_MISTAKES = {
    # of rules that were read, and whose conditions make sense
    *("QS301", "QS302", "QS303", "QS304", "QS305", "QS308", "QS310", "QS330"),
    # of names and options, which are mistakes themselves
    *("QS405", "QS406", "QS408"),
    # of how the text is written
    *("QS901", "QS905", "QS906"),
}


def test_of_every_verdict_it_is_decided_whether_a_mistake_holds_it_back() -> None:
    verdicts = {code.code for code in codes() if code.code.startswith(("QS3", "QS4", "QS9"))}

    assert verdicts == {code for code in HELD_BACK if not code.startswith("QS2")} | SAID_BESIDE_MISTAKES
    assert set() == set(HELD_BACK) & SAID_BESIDE_MISTAKES


def test_of_everything_that_can_be_open_something_rests_on_it() -> None:
    assert set(Open) == {what for each in HELD_BACK.values() for what in each}


@pytest.mark.parametrize("against", EVERYWHERE)
def test_mistakes_of_reading_are_never_held_back(against: str) -> None:
    text = "qspec 1\n" + STANDARD + "quantizer q { granularity = per_channel, range = fixed(0, 1) }\n"
    text += "rule { }\ndefault { weights = w9 }\ntarget t on tflite { op RELU { input = inti8 } }\ndeploy t\n"
    spec, diagnostics = loads(text, "spec.qspec")
    assert spec is not None
    file = parse_tflite(packed(perceptron()), "model.tflite")
    report = (
        check_file(file, spec, diagnostics)
        if against == "file"
        else check(spec, small_model() if against == "model" else None, diagnostics)
    )

    assert {item for item in diagnostics if item.severity is Severity.ERROR} <= set(report.diagnostics)
    assert {"QS001", "QS101", "QS201", "QS204"} <= {item.code for item in report.diagnostics}
