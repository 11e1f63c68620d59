from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qspec.diagnostics import Code, Diagnostic, Place, Severity, Source, Span, SpecError
from qspec.diagnostics.full import full
from qspec.diagnostics.text import display_width

UNDEFINED = Code("QS101", "undefined-name")
EDGE = Source(
    "specs/edge.qspec",
    'qspec 1\nrule dense match Dense { weights = w9 }\n\n\tinput = "日本", w9\nrule a {\n  output = a8\n}\n',
)


def span(source: Source, text: str, nth: int = 0) -> Span:
    """The *nth* place of *text*, counted from 0."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return Span(source, start, start + len(text))


def drawing(text: str) -> str:
    return dedent(text).strip("\n")


def test_a_frame_with_label_and_help():
    diagnostic = UNDEFINED.at(
        span(EDGE, "w9"),
        "quantizer `w9` is not defined",
        label="not found in this file",
        help="a quantizer with a similar name exists: `w8`",
    )

    assert drawing("""
        error[QS101]: quantizer `w9` is not defined
         --> specs/edge.qspec:2:36
          |
        2 | rule dense match Dense { weights = w9 }
          |                                    ^^ not found in this file
          = help: a quantizer with a similar name exists: `w8`
        """) == full(diagnostic)


def test_a_message_alone():
    diagnostic = UNDEFINED.at(span(EDGE, "qspec"), "this is odd", severity=Severity.WARNING)

    assert drawing("""
        warning[QS101]: this is odd
         --> specs/edge.qspec:1:1
          |
        1 | qspec 1
          | ^^^^^
        """) == full(diagnostic)


def test_related_places_have_frames_of_their_own_and_one_margin():
    base = Source("specs/base.qspec", "\n" * 11 + "quantizer w9 {")
    diagnostic = UNDEFINED.at(span(EDGE, "w9"), "`w9` is defined twice", label="again")
    diagnostic = diagnostic.with_related(span(base, "w9"), "first defined here")
    diagnostic = diagnostic.with_related(Place("model.keras"), "while reading this model")

    assert drawing("""
        error[QS101]: `w9` is defined twice
          --> specs/edge.qspec:2:36
           |
         2 | rule dense match Dense { weights = w9 }
           |                                    ^^ again
        note: first defined here
          --> specs/base.qspec:12:11
           |
        12 | quantizer w9 {
           |           ^^
        note: while reading this model
          --> model.keras
        """) == full(diagnostic)


def test_a_place_without_lines():
    diagnostic = UNDEFINED.at(
        Place("model.h5"),
        "this is an HDF5 file",
        label="Keras 2 wrote it",
        help="save it again as `.keras`\nwith Keras 3",
    )

    assert drawing("""
        error[QS101]: this is an HDF5 file
         --> model.h5
          = note: Keras 2 wrote it
          = help: save it again as `.keras`
                  with Keras 3
        """) == full(diagnostic)


def test_tabs_are_four_columns_and_wide_characters_two():
    assert drawing("""
        error[QS101]: not here
         --> specs/edge.qspec:4:16
          |
        4 |     input = "日本", w9
          |                     ^^
        """) == full(UNDEFINED.at(span(EDGE, "w9", 1), "not here"))
    assert drawing("""
        error[QS101]: no such layer
         --> specs/edge.qspec:4:10
          |
        4 |     input = "日本", w9
          |             ^^^^^^
        """) == full(UNDEFINED.at(span(EDGE, '"日本"'), "no such layer"))


def test_several_lines():
    assert drawing("""
        error[QS101]: nothing matches
         --> specs/edge.qspec:5:1
          |
        5 | / rule a {
        6 | |   output = a8
        7 | | }
          | |_^ in this rule
        """) == full(UNDEFINED.at(span(EDGE, "rule a {\n  output = a8\n}"), "nothing matches", label="in this rule"))


def test_many_lines_show_their_first_and_last():
    source = Source("a.qspec", "".join(f"line {number}\n" for number in range(1, 13)))

    assert drawing("""
        error[QS101]: too much
          --> a.qspec:2:1
           |
         2 | / line 2
         3 | | line 3
         4 | | line 4
           … |
        11 | | line 11
           | |______^
        """) == full(UNDEFINED.at(Span(source, 7, source.text.index(" 11") + 2), "too much"))


def test_the_end_of_the_file_has_one_caret():
    source = Source("<stdin>", "rule a {")

    assert drawing("""
        error[QS101]: expected `}`
         --> <stdin>:1:9
          |
        1 | rule a {
          |         ^
        """) == full(UNDEFINED.at(Span(source, 8, 8), "expected `}`"))


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_line_has_one_caret(text):
    source = Source("<stdin>", text)

    assert ["1 |", "  | ^"] == full(UNDEFINED.at(Span(source, 0, 0), "empty")).split("\n")[-2:]


def test_a_line_end_is_a_place_behind_the_line():
    source = Source("a.qspec", "x =\r\ny")

    assert ["1 | x =", "  |    ^"] == full(UNDEFINED.at(Span(source, 4, 5), "expected a value")).split("\n")[-2:]


def test_a_long_line_is_cut_around_the_place():
    """41 columns less the margin's 4 leave 37: two for the ellipses, and of the other 35 a third before the place."""
    source = Source("a.qspec", "<" + "a" * 100 + "HERE" + "b" * 100 + ">")

    assert drawing("""
        error[QS101]: m
         --> a.qspec:1:102
          |
        1 | …aaaaaaaaaaaHEREbbbbbbbbbbbbbbbbbbbb…
          |             ^^^^ l
        """) == full(UNDEFINED.at(span(source, "HERE"), "m", label="l"), width=41)


def test_a_long_line_is_cut_at_its_start_and_end_too():
    start, end = Source("a.qspec", "HERE" + "b" * 100), Source("a.qspec", "a" * 100 + "HERE")
    at_start = full(UNDEFINED.at(span(start, "HERE"), "m"), width=41)
    at_end = full(UNDEFINED.at(span(end, "HERE"), "m"), width=41)

    assert ["1 | HERE" + "b" * 31 + "…", "  | ^^^^"] == at_start.split("\n")[-2:]
    assert ["1 | …" + "a" * 31 + "HERE", "  | " + " " * 32 + "^^^^"] == at_end.split("\n")[-2:]


def test_nothing_in_a_file_reaches_the_terminal_as_a_command():
    """An escape sequence, a right-to-left override, and a lone surrogate that no terminal's encoding takes."""
    source = Source("a\x1b.qspec", "x = \x1b[2J\u202e\ud800 w9")
    shown = full(UNDEFINED.at(span(source, "w9"), "not \x1b[1m here"))

    assert (
        drawing("""
        error[QS101]: not ␛[1m here
         --> a␛.qspec:1:12
          |
        1 | x = ␛[2J�� w9
          |            ^^
        """)
        == shown
    )


def test_colours_only_where_asked_for():
    diagnostic = UNDEFINED.at(span(EDGE, "w9"), "not defined", label="here", help="define it")

    assert drawing("""
        \x1b[1;31merror[QS101]\x1b[0m\x1b[1m: not defined\x1b[0m
         \x1b[1;34m-->\x1b[0m specs/edge.qspec:2:36
        \x1b[1;34m  |\x1b[0m
        \x1b[1;34m2 |\x1b[0m rule dense match Dense { weights = w9 }
        \x1b[1;34m  |\x1b[0m                                    \x1b[1;31m^^ here\x1b[0m
          \x1b[1;34m=\x1b[0m \x1b[1mhelp\x1b[0m: define it
        """) == full(diagnostic, color=True)
    assert "\x1b" not in full(diagnostic)


def test_a_spec_error_shows_all_its_diagnostics():
    diagnostics = [UNDEFINED.at(Place("a.keras"), "first"), UNDEFINED.at(Place("b.keras"), "second")]

    expected = "\nerror[QS101]: first\n --> a.keras\nerror[QS101]: second\n --> b.keras"

    assert expected == str(SpecError(diagnostics))


@given(st.text(), st.data())
def test_any_place_in_any_text_can_be_shown(text, data):
    """The caret's line never leaves the page, and stands under something or right behind the line."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    diagnostic: Diagnostic = UNDEFINED.at(Span(Source("a", text), start, end), "m")
    *_, line, carets = full(diagnostic, width=60).split("\n")

    assert all(display_width(row) <= 60 for row in (line, carets))
    assert "^" in carets
    blank = line.endswith("|")  # behind which a space was left out
    assert display_width(carets) <= display_width(line) + blank + 1


def test_a_span_that_ends_in_a_blank_line_ends_where_its_text_would_begin():
    *_, first, last, carets = full(UNDEFINED.at(Span(Source("a", "rule\n\r"), 0, 6), "m")).split("\n")

    assert ["1 | / rule", "2 | |", "  | |_^"] == [first, last, carets]


# ---- the width of a terminal

SENTENCE = "the ops of this layer do not run where they are meant to run"


def test_sentences_are_broken_at_the_width_of_a_terminal():
    diagnostic = UNDEFINED.at(span(EDGE, "w9"), SENTENCE, label="assigned here", help=SENTENCE)
    diagnostic = diagnostic.with_related(span(EDGE, "rule a"), SENTENCE)

    assert drawing("""
        error[QS101]: the ops of this layer do not
        run where they are meant to run
         --> specs/edge.qspec:2:36
          |
        2 | rule dense match Dense { weights = w9 }
          |                                    ^^
          |                           assigned here
          = help: the ops of this layer do not run
                  where they are meant to run
        note: the ops of this layer do not run
        where they are meant to run
         --> specs/edge.qspec:5:1
          |
        5 | rule a {
          | ^^^^^^
        """) == full(diagnostic, width=43)


def test_no_sentence_is_broken_where_there_is_no_terminal():
    diagnostic = UNDEFINED.at(span(EDGE, "w9"), " ".join([SENTENCE] * 4), label=SENTENCE * 4, help=SENTENCE * 4)
    title, *_, carets, help_ = full(diagnostic).split("\n")

    assert title.endswith(" ".join([SENTENCE] * 4))
    assert carets.endswith(f"^^ {SENTENCE * 4}")
    assert help_.endswith(SENTENCE * 4)


def test_a_wide_character_takes_two_columns_of_a_sentence():
    """43 columns: 15 for what stands before, 3 words of 8 columns with a space each, and 1 that stays free."""
    title, second, *_ = full(UNDEFINED.at(span(EDGE, "w9"), " ".join(["日本日本"] * 6)), width=43).split("\n")

    assert "error[QS101]: 日本日本 日本日本 日本日本" == title
    assert "日本日本 日本日本 日本日本" == second


def test_a_long_word_stays_whole():
    name = "block/" + "x" * 60

    assert [f"error[QS101]: {name}", "is here"] == full(UNDEFINED.at(Place("m"), f"{name} is here"), width=43).split(
        "\n"
    )[:2]


@given(st.text(), st.text(), st.text(), st.data())
def test_no_line_is_wider_than_the_terminal_but_for_a_word(text, message, advice, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    place = Span(Source("a", text), start, end)
    width = data.draw(st.integers(40, 100))
    shown = full(UNDEFINED.at(place, message, label=message, help=advice, related=((place, advice),)), width=width)

    for line in shown.split("\n"):
        assert display_width(line) <= width or display_width(max(line.split(" "), key=display_width)) > width - 20
