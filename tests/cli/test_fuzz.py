"""A few hundred mutants; `python -m tests.cli.fuzz` tries 100,000."""

from tests.cli.fuzz import mutant, run

SEED = 20261123


def test_no_mutant_breaks_a_promise():
    tally = run(SEED, range(400))

    assert [] == tally.problems, f"seed {SEED}"
    assert 400 == tally.mutants
    # Some are still specs, most are not, and what they are told is of many sorts.
    assert 20 < tally.read < 200
    assert len(tally.codes) > 15


def test_a_mutant_is_made_again_by_its_number():
    assert [mutant(SEED, number) for number in range(50)] == [mutant(SEED, number) for number in range(50)]
    assert len({mutant(SEED, number) for number in range(50)}) > 45
