"""A semicolon ends nothing: it is taken away, or becomes what separates."""

import pytest

from qspec.diagnostics import Source
from qspec.syntax import parse


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("default { a = b };\n", "default { a = b }\n"),
        ("default { a = b } ; # no\n", "default { a = b } # no\n"),
        ("default {\n  a = b;\n  c = d ;\n}\n", "default {\n  a = b\n  c = d\n}\n"),
        ("default { a = b; }\n", "default { a = b }\n"),
        ("default {\r\n  a = b;\r\n}\r\n", "default {\r\n  a = b\r\n}\r\n"),
        ("default { a = b; c = d }\n", "default { a = b, c = d }\n"),
        ("default { a = b,; c = d }\n", "default { a = b, c = d }\n"),
        ("quantizer a { }; quantizer b { }\n", "quantizer a { }\nquantizer b { }\n"),
        ("deploy a;deploy b;", "deploy a\ndeploy b"),
        (";\n", "\n"),
        (
            "target t on s { option a = 1; op A { input = int8; output = int8 }; }\n",
            "target t on s { option a = 1, op A { input = int8, output = int8 } }\n",
        ),
    ],
)
def test_a_semicolon_is_taken_away_or_becomes_what_separates(text, mended):
    """Of several in one line, one is told at a time."""
    text = f"qspec 1\n{text}"
    for _ in range(text.count(";")):
        _, diagnostics = parse(Source("spec", text))
        for item in reversed(diagnostics):
            assert item.message.endswith("do not end with `;`")
            (edit,) = item.fix.edits
            text = text[: edit.span.start] + edit.text + text[edit.span.end :]

    assert f"qspec 1\n{mended}" == text
    assert () == tuple(parse(Source("spec", text))[1])


def test_a_semicolon_in_parentheses_may_mean_anything():
    _, diagnostics = parse(Source("spec", "qspec 1\nrequire mod(a; b) == 1\n"))

    assert [None] == [item.fix for item in diagnostics if "`;`" in item.message]
