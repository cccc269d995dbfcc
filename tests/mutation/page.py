"""What a mutation run found: its results, the survivors that are explained, and the page of both."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.mutation.operators import Mutant

EXPLAINED = Path(__file__).parent / "explained.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one mutant."""

    id: str
    path: str
    line: int
    operator: str
    outcome: str
    by: str
    """The test that noticed."""
    tests: int
    """How many tests were run at most."""
    of_tests: int
    """How many run its line."""

    @classmethod
    def of(cls, mutant: Mutant, outcome: str, by: str, *, tests: int, of_tests: int) -> Result:
        """The result of a trial."""
        return cls(
            id=mutant.id,
            path=mutant.path,
            line=mutant.line,
            operator=mutant.operator,
            outcome=outcome,
            by=by,
            tests=tests,
            of_tests=of_tests,
        )

    def as_json(self) -> dict[str, Any]:
        """As it is written."""
        return asdict(self)


def results_in(path: Path) -> list[Result]:
    """The results of a run so far; of a mutant tried again the last one."""
    if not path.exists():
        return []
    found = [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return list({result.id: result for result in found}.values())


def explanations(results: Sequence[Result]) -> Mapping[str, str]:
    """Why a survivor is no gap in the tests, by the mutant's name. The list names mutants by regular expressions."""
    listed = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))["survivor"]
    reasons = [(re.compile(pattern), each["why"]) for each in listed for pattern in each["mutants"]]
    found: dict[str, str] = {}
    for result in results:
        why = next((why for pattern, why in reasons if pattern.fullmatch(result.id)), None)
        if result.outcome == "survived" and why is not None:
            found[result.id] = " ".join(why.split())
    return found


def page_of(results: Sequence[Result], why: Mapping[str, str], commit: str) -> str:
    """The page, in Markdown."""
    outcomes = Counter(result.outcome for result in results)
    survivors = [result for result in results if result.outcome == "survived"]
    explained = [result for result in survivors if result.id in why]
    unexplained = [result for result in survivors if result.id not in why]
    parts = [
        _HEAD.format(
            commit=commit,
            mutants=len(results),
            killed=outcomes["killed"],
            timed_out=outcomes["timed out"],
            survived=len(survivors),
            explained=len(explained),
            unexplained=len(unexplained),
            whole=sum(result.tests == result.of_tests for result in survivors),
        ),
        _modules(results, why),
        _reasons(explained, why),
    ]
    if unexplained:
        names = "\n".join(f"- `{result.id}`" for result in unexplained)
        parts.append(f"## Survivors that are not explained\n\n{names}\n")
    return "\n".join(parts)


def _modules(results: Sequence[Result], why: Mapping[str, str]) -> str:
    rows = [
        "| module | mutants | killed | timed out | survived: explained | survived: not |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for path in sorted({result.path for result in results}):
        own = [result for result in results if result.path == path]
        count = Counter(result.outcome for result in own)
        explained = sum(result.outcome == "survived" and result.id in why for result in own)
        rest = count["survived"] - explained
        rows.append(f"| `{path}` | {len(own)} | {count['killed']} | {count['timed out']} | {explained} | {rest} |")
    return "## By module\n\n" + "\n".join(rows) + "\n"


def _reasons(explained: Sequence[Result], why: Mapping[str, str]) -> str:
    parts = ["## Survivors, and why\n"]
    for reason in dict.fromkeys(why[result.id] for result in explained):
        names = "\n".join(f"- `{result.id}`" for result in explained if why[result.id] == reason)
        parts.append(f"{reason}\n\n{names}\n")
    return "\n".join(parts)


_HEAD = """# Mutation run over the rules and the decision

Small faults were put into the modules that judge and decide, one at a time, and the tests were to notice. At commit
`{commit}`: {mutants} mutants, of which {killed} were killed, {timed_out} ran out of time (an endless loop is noticed by
whoever waits) and {survived} survived. Of the survivors {explained} are explained below, {unexplained} are not.

    make mutation                                              # the run; it goes on where it was interrupted
    python -m tests.mutation --page docs/evidence/mutation.md  # this page
    python -m tests.mutation --again                           # the survivors again, without a bound of time

- Faults: `<` for `<=` and back, `==`/`!=`, `is`/`is not`, `in`/`not in` exchanged, `and`/`or`, a `not` or a sign taken
  away, `+`/`-` and `*`/`/` exchanged, a number one more and one less, True for False, `min`/`max` and `any`/`all`
  exchanged, a condition turned round, a return value lost, an assignment to an attribute, a call or a `raise` removed.
- Left alone: texts, annotations, unions of types, assertions, decorators, bodies of protocols.
- That every line and every branch of `streaming/` is run by the fast tests is a matter of `make coverage`, which fails
  below 100 %.
- Whole modules were done, every mutant of each, none sampled. Not among them: what words a finding (`words.py`,
  `stated.py`), when a question is asked (`attention.py`), and the dosing profiles' reader (`criteria/profile.py`).
- Each mutant runs in a process of its own, tried by the tests that run its line, the quick ones first, until one fails;
  they are the tests that ask these modules directly (`TESTS` in `tests/mutation/__main__.py`), not whole wards. Within
  the usual bound of 6 s of processor time {whole} of the {survived} survivors were tried by every such test.
"""
