"""Every example in the language manual is read without errors, and every statement has one."""

import re

import pytest

from qspec._resources import resource
from qspec.diagnostics import Severity
from qspec.lint import check
from qspec.schema import loads
from qspec.syntax.lexer import STATEMENTS

MANUAL = (resource("grammar") / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```qspec\n(.*?)^```$", MANUAL, re.DOTALL | re.MULTILINE)
# What pieces of specs may take for granted.
PRELUDE = 'qspec 1\nimport "std/int8.qspec"\n'


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example_is_without_mistakes(number):
    text = EXAMPLES[number]
    spec, diagnostics = loads(text if text.startswith("qspec 1\n") else PRELUDE + text)
    assert spec is not None
    found = check(spec, None, diagnostics).diagnostics

    assert [] == [f"{item.span}: {item.message}" for item in found if item.severity is Severity.ERROR]


def test_every_statement_has_an_example():
    shown = {word for text in EXAMPLES for word in re.findall(r"^\w+", text, re.MULTILINE)}

    assert set(STATEMENTS) <= shown
