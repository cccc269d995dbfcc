"""A mutation run over the rules and the decision: `python -m tests.mutation`.

Each mutant is tried by the tests that run its line. Results are written as they come, one JSON object a line; a run
that was interrupted goes on where it was. Survivors explained in `tests/mutation/explained.toml` are counted apart.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.mutation.operators import Mutant, mutants_of
from tests.mutation.page import Result, explanations, page_of, results_in
from tests.mutation.trial import Baseline, read_baseline, take_baseline, try_mutant

MODULES = (
    "streaming/criteria/answers/changes.py",
    "streaming/criteria/answers/charted.py",
    "streaming/criteria/answers/judgement.py",
    "streaming/criteria/answers/present.py",
    "streaming/criteria/answers/rhythms.py",
    "streaming/criteria/answers/windows.py",
    "streaming/criteria/asking.py",
    "streaming/criteria/criterion.py",
    "streaming/criteria/decision.py",
    "streaming/criteria/evaluate.py",
    "streaming/criteria/finding.py",
    "streaming/criteria/freshness.py",
    "streaming/criteria/kinds.py",
    "streaming/criteria/outlook.py",
    "streaming/criteria/predicates.py",
    "streaming/criteria/state.py",
    "streaming/rules/condition.py",
    "streaming/rules/fields.py",
    "streaming/rules/kinds.py",
    "streaming/rules/lasting.py",
    "streaming/rules/priority.py",
    "streaming/rules/profile.py",
    "streaming/rules/series.py",
    "streaming/rules/stay_profile.py",
    "streaming/rules/table.py",
    "streaming/rules/timed.py",
)
"""What decides, and what judges. The wording (`words.py`, `stated.py`) and the pace (`attention.py`) are left out."""

TESTS = (
    "tests/unit/criteria",
    "tests/unit/test_condition.py",
    "tests/unit/test_condition_edges.py",
    "tests/unit/test_lasting_condition.py",
    "tests/unit/test_rule_examples.py",
    "tests/unit/test_rule_profile.py",
    "tests/unit/test_rule_profile_edges.py",
    "tests/unit/test_stay_rules.py",
    "tests/unit/test_stay_watch.py",
    "tests/unit/test_timed_condition.py",
    "tests/golden/test_criteria.py",
)
"""The tests that ask these modules directly, and quickly: whole wards would notice more, and take a day."""


class Run:
    """The plugin that takes the place of pytest's own loop."""

    def __init__(self, options: argparse.Namespace, mutants: Sequence[tuple[Mutant, str]]) -> None:
        self._options = options
        self._mutants = mutants

    def pytest_configure(self) -> None:
        """Let nothing depend on chance."""
        import hypothesis  # not before pytest has prepared it

        hypothesis.settings.register_profile("mutation", derandomize=True, database=None, deadline=None)
        hypothesis.settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant that was not tried before."""
        options, root = self._options, session.config.rootpath
        kept_at = Path(options.out).with_suffix(".baseline.json")
        packages = sorted({f"{mutant.path}" for mutant, _ in self._mutants})
        if kept_at.exists() and options.keep_baseline:
            baseline = read_baseline(kept_at)
        else:
            baseline = take_baseline(session.items, root, packages, kept_at)
        for name in baseline.failed:
            sys.stderr.write(f"fails without any fault, and is left out: {name}\n")
        items = {item.nodeid: item for item in session.items}
        results = results_in(Path(options.out))
        tried = {each.id for each in results if not (options.again and each.outcome == "survived")}
        todo = [each for each in self._mutants if each[0].id not in tried]
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(file=sys.stderr)
        with Path(options.out).open("a", encoding="utf-8") as out, Progress(*columns, console=console) as bar:
            task, survived = bar.add_task("0 survived", total=len(todo)), 0
            for mutant, source in todo:
                result = self._tried(mutant, source, items, baseline)
                survived += result.outcome == "survived"
                out.write(json.dumps(result.as_json()) + "\n")
                out.flush()
                bar.update(task, advance=1, description=f"{survived} survived")
        return True

    def _tried(self, mutant: Mutant, source: str, items: dict[str, pytest.Item], baseline: Baseline) -> Result:
        names: list[str] = []
        spent_s = 0.0
        reach = [name for name in baseline.reaching(mutant) if name in items]
        for name in reach:
            spent_s += baseline.seconds[name]
            if names and not self._options.again and spent_s > self._options.budget_s:
                break
            names.append(name)
        outcome, by = try_mutant(mutant, source, [items[name] for name in names], 5 + 5 * spent_s)
        return Result.of(mutant, outcome, by, tests=len(names), of_tests=len(reach))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, or write the page of a run."""
    options = _options(arguments)
    if options.page:
        return _write_page(Path(options.page), Path(options.out), options.commit or _commit())
    found: list[tuple[Mutant, str]] = []
    for path in options.modules or MODULES:
        source = Path(path).read_text(encoding="utf-8")
        found += [(mutant, source) for mutant in mutants_of(source, path)]
    found = [each for each in found if re.search(options.only, each[0].id)]
    if options.list:
        for mutant, _ in found:
            sys.stdout.write(f"{mutant.line:5} {mutant.id}\n")
        return 0
    quiet = ["-q", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow"]
    status = pytest.main([*quiet, *(options.tests or TESTS)], plugins=[Run(options, found)])
    survivors = [each for each in results_in(Path(options.out)) if each.outcome == "survived"]
    explained = explanations(survivors)
    unexplained = [each for each in survivors if each.id not in explained]
    sys.stdout.write(f"{len(survivors)} survived, {len(unexplained)} of them unexplained: {options.out}\n")
    return int(status) or int(bool(unexplained))


def _write_page(page: Path, out: Path, commit: str) -> int:
    names = {mutant.id for path in MODULES for mutant in mutants_of(Path(path).read_text(encoding="utf-8"), path)}
    results = [result for result in results_in(out) if result.id in names]
    missing = len(names) - len(results)
    if missing:
        sys.stderr.write(f"{missing} of {len(names)} mutants have not been tried\n")
        return 1
    page.write_text(page_of(results, explanations(results), commit), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="paths from the root; all of the rules and the decision without any")
    default_out = Path(tempfile.gettempdir()) / f"vigil-mutation-{_commit()}.jsonl"  # results of other code are none
    parser.add_argument("--out", default=str(default_out), help="results, one JSON object a line (%(default)s)")
    parser.add_argument("--tests", nargs="*", help="tests to use instead of the usual ones")
    parser.add_argument("--only", default="", help="a regular expression on the names of mutants")
    parser.add_argument(
        "--budget-s", type=float, default=6.0, help="processor time of tests for a mutant (%(default)s)"
    )
    parser.add_argument(
        "--again", action="store_true", help="try what survived again, by every test that runs its line"
    )
    parser.add_argument("--keep-baseline", action="store_true", help="use the baseline kept beside the results")
    parser.add_argument("--list", action="store_true", help="list the mutants and stop")
    parser.add_argument("--page", help="write the page of the results to this file and stop")
    parser.add_argument("--commit", help="the commit that was tried, for the page, where it is not the present one")
    return parser.parse_args(arguments)


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
