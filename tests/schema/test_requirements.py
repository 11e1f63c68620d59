"""`require` without a comparison: the help compares what was asked for."""

from __future__ import annotations

import pytest

from qspec.schema import loads


@pytest.mark.parametrize(
    ("asked", "help"),
    [
        ("parity", "parity <= 1 lsb"),
        ("size", "size <= 1.5 MiB"),
        ("ops", "ops <= 100"),
        ("accuracy_drop", "accuracy_drop <= 1%"),
        ('sqnr("head")', 'sqnr("head") >= 30 dB'),
        ("npu.coverage", "npu.coverage == 100%"),
        ("npu.coverage.macs", "npu.coverage.macs == 100%"),
        ("npu.partitions", "npu.partitions == 1"),
        ("coverage", "coral.coverage == 100%"),
        ("4", "size <= 1.5 MiB"),
        ("something", "size <= 1.5 MiB"),
    ],
)
def test_a_quantity_alone_is_shown_how_it_is_compared(asked: str, help: str) -> None:
    (error,) = loads(f"qspec 1\nrequire {asked}\n")[1]

    assert (f"`{asked}` is no comparison", f"compare a quantity: `{help}`") == (error.message, error.help)


@pytest.mark.parametrize("asked", ["parity", "size", "ops", "accuracy_drop", 'sqnr("head")', "coral.coverage.macs"])
def test_following_the_help_leaves_nothing_to_say(asked: str) -> None:
    text = "qspec 1\ndeploy edgetpu as coral\nrequire {}\n"
    (error,) = loads(text.format(asked))[1]

    assert () == loads(text.format(error.help.removeprefix("compare a quantity: ").strip("`")))[1]
