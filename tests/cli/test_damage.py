"""Damaged specs and archives: an error that says where, in time, in little memory, never a traceback."""

from __future__ import annotations

import random

import pytest

from tests.cli.command import qspec
from tests.cli.damage import Outcome, run_all, run_each, write_all
from tests.cli.damaged_specs import originals

SEED = 20261207


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    print("seed", SEED)
    return write_all(tmp_path_factory.mktemp("damaged"), SEED)


def problems(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.path.name, problem) for outcome in outcomes for problem in outcome.broken_promises()]


@pytest.mark.parametrize("name", originals())
def test_the_undamaged_specs_are_valid(tmp_path, name):
    assert "no problems\n" == qspec("check", "-", cwd=tmp_path, text=originals()[name]).out


def test_250_damaged_files_give_errors_that_say_where(files):
    assert 250 == len(files) == len(set(files))
    outcomes = list(run_all(files))

    assert [] == problems(outcomes)
    for suffix, count in ((".qspec", 200), (".keras", 50)):
        accepted = [outcome.path.name for outcome in outcomes if outcome.path.suffix == suffix and outcome.accepted]
        assert len(accepted) <= count // 10, accepted


def test_some_of_them_do_in_a_process_of_their_own(files):
    outcomes = list(run_each(random.Random(SEED).sample(files, 20)))

    assert [] == problems(outcomes)
