"""What holds for all tests."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest

_LACKING = re.compile(r"module 'keras\.\w+(\.\w+)*' has no attribute '\w+'")
_TESTED = (3, 15)  # the Keras whose layers and operations the zoos hold


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test of a layer or an operation that an older Keras does not have is left out there."""
    try:
        return (yield)
    except AttributeError as error:
        keras = sys.modules.get("keras")
        if keras is None or not _LACKING.fullmatch(str(error)):
            raise
        if tuple(map(int, keras.__version__.split(".")[:2])) >= _TESTED:
            raise
        pytest.skip(f"Keras {keras.__version__}: {error}")
