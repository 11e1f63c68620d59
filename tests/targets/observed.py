"""What the interpreter does with every case, asked once for a test run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from qspec.targets import Verdict
from tests.targets.cases import Case, cases
from tests.targets.one_op import judge
from tests.targets.runtime import KERNELS, Outcome, job_of, outcomes, status


@dataclass(frozen=True)
class Observed:
    """A case, what became of it (`right`, `wrong` or `refused`), and how the interpreter did it or why it did not."""

    case: Case
    status: str
    outcome: Outcome
    verdicts: dict[str, Verdict] = field(default_factory=dict, compare=False)

    @property
    def delegated(self) -> bool:
        """Whether a delegate ran the op."""
        return not isinstance(self.outcome, str) and "DELEGATE" in self.outcome[1]

    def verdict(self, target: str) -> Verdict:
        """What a shipped table says of it."""
        if target not in self.verdicts:
            case = self.case
            self.verdicts[target] = judge(target, case.kind, case.inputs, case.outputs, case.attributes)
        return self.verdicts[target]


@cache
def observed(resolver: str = KERNELS, seed: int = 0) -> tuple[Observed, ...]:
    """Every case."""
    everything = list(cases(seed))
    found = outcomes([job_of(case) for case in everything], resolver)
    return tuple(Observed(case, status(case, one), one) for case, one in zip(everything, found, strict=True))
