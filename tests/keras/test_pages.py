"""The examples of pages that need Keras raise the codes of their pages."""

from __future__ import annotations

import pytest

from qspec.diagnostics import SpecError
from tests.diagnostics.pages import blocks
from tests.versions import KERAS_OF_THE_ZOOS

SCRIPTS = [
    # Older versions of Keras have no `renorm`.
    pytest.param(block, id=str(block), marks=KERAS_OF_THE_ZOOS if "renorm" in block.text else ())
    for block in blocks("python")
    if "keras" in block.text
]


@pytest.mark.parametrize("block", SCRIPTS)
def test_a_script_raises_the_code_of_its_page(tmp_path, monkeypatch, block):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    try:
        exec(block.text, names)
        found = names["result"].diagnostics
    except SpecError as error:
        found = error.diagnostics

    assert {block.code.code} == {item.code for item in found}
