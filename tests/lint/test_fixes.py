"""Fixes: the text that they leave, and that what they are for is gone."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Diagnostic, Edit
from qspec.lint import check
from qspec.schema import loads

DEFAULT = "default { weights = w8, output = a8 }\n"
SPEC = f'qspec 1\n\nimport "std/int8.qspec"\n\n{DEFAULT}'


def applied(text: str, edits: tuple[Edit, ...]) -> str:
    for edit in sorted(edits, key=lambda edit: -edit.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def said(text: str, code: str) -> list[Diagnostic]:
    spec, diagnostics = loads(text, "main.qspec")
    assert spec is not None
    return [item for item in check(spec, None, diagnostics).diagnostics if item.code == code]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("QS901", SPEC.removeprefix("qspec 1\n\n"), SPEC),
        ("QS901", f"# mine\n{DEFAULT}", f"qspec 1\n\n# mine\n{DEFAULT}"),
        ("QS901", "", "qspec 1\n"),
        (
            "QS406",
            f"{SPEC}deploy ethos_u(variant = u65) as npu\n",
            f'{SPEC}deploy ethos_u(variant = "u65") as npu\n',
        ),
        ("QS904", SPEC.replace("\n\nd", '\nimport "std/float16.qspec"\n\nd'), SPEC),
        (
            "QS904",
            SPEC.replace("\n\nd", '\n  import "std/float16.qspec"  # half\n\nd'),
            SPEC.replace("\n\nd", "\n  # half\n\nd"),
        ),
        ("QS904", SPEC.replace("\n\nd", '\nimport "std/int8.qspec"\n\nd'), SPEC),
        ("QS902", SPEC.replace("qspec 1", "qspec 1  # qspec: ignore[QS901]"), SPEC),
        ("QS902", f"# qspec: ignore[QS901]\n{SPEC}", SPEC),
        ("QS902", f"# qspec: ignore[QS901], for reasons\n{SPEC}", f"# for reasons\n{SPEC}"),
        ("QS902", f"{SPEC}# qspec: ignore[QS901]", SPEC),
    ],
)
def test_a_fix_takes_its_cause_away(code, text, expected):
    found = said(text, code)

    assert 1 == len(found)
    assert found[0].fix is not None
    fixed = applied(text, found[0].fix.edits)
    assert expected == fixed
    assert [] == said(fixed, code)


@pytest.mark.parametrize(
    ("codes", "unused", "expected"),
    [
        ("QS903, QS901", "QS901", "QS903"),
        ("QS901 ,QS903", "QS901", "QS903"),
        ("QS901,QS903, QS902", "QS901", "QS903, QS902"),
    ],
)
def test_one_code_of_several_is_removed(codes, unused, expected):
    text = SPEC + f"quantizer w4 extends w8 {{ type = int4 }}  # qspec: ignore[{codes}]\n"
    found = next(item for item in said(text, "QS902") if unused in item.message)

    assert found.fix is not None
    assert text.replace(codes, expected) == applied(text, found.fix.edits)
