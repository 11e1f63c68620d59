"""`qspec.load` and `qspec.loads`: a mistake raises, with everything that was found."""

import pytest

import qspec

MISTAKES = "qspec 1\ndefault { weights = w9 }\nquantizer a { type = int17 }\n"


def test_a_text_with_mistakes_raises_with_all_of_them():
    with pytest.raises(qspec.SpecError) as caught:
        qspec.loads(MISTAKES)

    assert ["QS101", "QS201"] == [item.code for item in caught.value.diagnostics]


def test_a_file_with_mistakes_raises_with_all_of_them(tmp_path):
    (tmp_path / "a.qspec").write_text(MISTAKES)

    with pytest.raises(qspec.SpecError, match=r"a\.qspec:2:21"):
        qspec.load(tmp_path / "a.qspec")


def test_a_warning_does_not_raise():
    assert "default" in qspec.loads("quantizer a { type = int8 }\ndefault { output = a }\n").span.source.text
