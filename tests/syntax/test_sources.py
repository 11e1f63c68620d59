"""Files that can and cannot be read, editions, and comments that suppress."""

import pytest

from qspec.diagnostics import Diagnostic, Source
from qspec.diagnostics.catalogue import NOT_ACCEPTED, OVERRIDDEN_RULE, UNMATCHED_RULE
from qspec.diagnostics.diagnostic import Span
from qspec.syntax import parse, read_source, suppressed_codes, suppressions, without_suppressed


def written(tmp_path, data):
    path = tmp_path / "spec.qspec"
    path.write_bytes(data)
    return read_source(path)


def test_byte_order_mark_is_no_part_of_the_text(tmp_path):
    assert "qspec 1\n" == written(tmp_path, b"\xef\xbb\xbfqspec 1\n").text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"qspec 1\n# caf\xe9\n", "is not UTF-8: the byte 0xE9 at offset 13, in line 2"),
        (b"\xef\xbb\xbf\xff", "is not UTF-8: the byte 0xFF at offset 3, in line 1"),
        (b"qspec 1\n\0", "holds a NUL character, in line 2"),
        (b"#" * (2**19 + 1), "is larger than 512 KiB"),
    ],
)
def test_unreadable_bytes_are_named(tmp_path, data, message):
    found = written(tmp_path, data)

    assert isinstance(found, Diagnostic)
    assert "QS004" == found.code
    assert found.message.endswith(message)


@pytest.mark.parametrize(("name", "message"), [("nowhere", "does not exist"), (".", "is a directory"), ("\0", "path")])
def test_unreadable_paths_are_named(tmp_path, name, message):
    found = read_source(f"{tmp_path}/{name}")

    assert isinstance(found, Diagnostic)
    assert message in found.message


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("qspec 1\n", []),
        ("# a comment\n\n  qspec 1 # another\n", []),
        ("\r\nqspec 1\r\n", []),
        ("", ["QS901"]),
        ("# nothing\n", ["QS901"]),
        ("default { }\n", ["QS901"]),
        ("qspec 2\nwhatever {", ["QS002"]),
        ("qspec 0\n", ["QS002"]),
        ("qspec 1.5\n", ["QS002"]),
        ("qspec one\n", ["QS002"]),
        ("qspec\n", ["QS002"]),
        ("qspec " + "9" * 5000, ["QS002"]),
        ("qspec 1 default { }\n", ["QS001"]),
        ("default { }\nqspec 1\n", ["QS901", "QS001"]),
    ],
)
def test_edition_is_found_before_all_else(text, codes):
    _, diagnostics = parse(Source("spec", text))

    assert codes == [item.code for item in diagnostics]


SUPPRESSED = """qspec 1
rule a match Dense {  # qspec: ignore[QS301]
  output = a8
}
# qspec: ignore[QS301, QS302]
# and a word about why
rule b match Dense { output = a8 }
require name == "# qspec: ignore[QS301]"
"""


def test_suppressions_speak_of_their_line_or_of_the_next():
    found = suppressions(Source("spec", SUPPRESSED))

    assert [("QS301", 2), ("QS301", 7), ("QS302", 7)] == [(item.code, item.line) for item in found]


def test_statements_know_their_suppressions():
    source = Source("spec", SUPPRESSED)
    file, _ = parse(source)
    found = suppressions(source)
    codes = [suppressed_codes(statement.span, found) for statement in file.statements]

    assert [frozenset(), {"QS301"}, {"QS301", "QS302"}, frozenset()] == codes


def test_suppressed_warnings_go_errors_stay_and_idle_suppressions_are_told():
    source = Source("spec", SUPPRESSED)
    file, _ = parse(source)
    spans = [statement.span for statement in file.statements]
    inside = Span(source, source.text.index("output"), source.text.index("output") + 6)
    elsewhere = Span(source, source.text.index("require"), source.text.index("require") + 7)
    given = [
        UNMATCHED_RULE.at(inside, "goes: inside the statement of the comment"),
        UNMATCHED_RULE.at(elsewhere, "stays: no comment"),
        OVERRIDDEN_RULE.at(inside, "stays: another code"),
        NOT_ACCEPTED.at(inside, "stays: an error"),
    ]
    kept = without_suppressed(given, [source], spans)

    assert [given[1], given[2], given[3]] == list(kept[:3])
    assert ["QS902", "QS902"] == [item.code for item in kept[3:]]


@pytest.mark.parametrize(
    "comment",
    ["ignore", "ignore[]", "ignore QS301", "ignore[QS301", "Ignore[QS301]", "allow unmatched-rule", "disable[QS301]"],
)
def test_a_comment_that_was_to_suppress_something_is_told_how_to(comment):
    text = f"qspec 1\ndefault {{ all = float }}  # qspec: {comment}\n"
    (found,) = without_suppressed([], [Source("spec", text)])

    assert "QS902" == found.code
    assert f"# qspec: {comment}" == text[found.span.start : found.span.end]


@pytest.mark.parametrize("comment", ["# qspec: one line for each layer", "# ignore[QS301]", "'# qspec: ignore'"])
def test_other_comments_are_free(comment):
    assert () == without_suppressed([], [Source("spec", f"qspec 1\n{comment}\n")])


def test_a_suppression_may_stand_behind_other_words_and_another_one():
    text = "qspec 1  # wide, # qspec: ignore[QS301] # qspec: ignore[QS302, QS303]\n"

    assert ["QS301", "QS302", "QS303"] == [item.code for item in suppressions(Source("spec", text))]
