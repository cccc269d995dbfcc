"""The repository holds what a project owes its users, and nothing that ties it to one machine or one package host."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.sources import PACKAGES, REPOSITORY, python_sources, repository_files

# Written in parts, so that this file is no finding of its own.
PACKAGE_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in [
            ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("deb", "debian", "org"),
            ("security", "debian", "org"), ("crates", "io"), ("unpkg", "com"), ("jsdelivr", "net"), ("cdnjs", "com"),
        ]
    )
    + r"|(?:extra-)?index-url\s*="
)  # fmt: skip
MACHINE_PATHS = re.compile(
    r"(?<![\w.~-])/(?:" + "|".join(["work", "root", "home/[a-z]+", "tmp", "Users/[a-z]+"]) + r")/\w"
)
UNFINISHED = re.compile(
    r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"]) + r")\b"
)
LARGEST_FILE = 2 * 1024 * 1024


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def findings(pattern: re.Pattern[str]) -> dict[str, list[str]]:
    found = {str(path.relative_to(REPOSITORY)): pattern.findall(text_of(path)) for path in repository_files()}
    return {name: hits for name, hits in found.items() if hits}


def test_no_file_names_a_package_host() -> None:
    assert findings(PACKAGE_HOSTS) == {}


def test_no_file_names_a_path_of_one_machine() -> None:
    assert findings(MACHINE_PATHS) == {}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (PACKAGE_HOSTS, "https://files.python" + "hosted.org/packages"),
        (PACKAGE_HOSTS, "--extra-index-" + "url=https://example"),
        (MACHINE_PATHS, "open('/" + "work/main/x')"),
        (MACHINE_PATHS, "see /" + "home/ada/notes"),
        (UNFINISHED, "# TO" + "DO: later"),
    ],
)
def test_a_finding_is_caught(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_no_source_is_left_unfinished() -> None:
    sources = [*python_sources("streaming", "alerts", "storage", "gateway", "simulators", "tests")]

    assert {str(path): found for path in sources if (found := UNFINISHED.findall(text_of(path)))} == {}


def test_no_file_is_build_output_or_somebody_elses_data_by_its_size() -> None:
    large = {str(path.relative_to(REPOSITORY)): path.stat().st_size for path in repository_files()}

    assert {name: size for name, size in large.items() if size > LARGEST_FILE} == {}


def test_locks_pin_every_package_with_hashes_and_name_no_place() -> None:
    for lock in sorted((REPOSITORY / "requirements").glob("*.lock")):
        lines = lock.read_text().splitlines()
        packages = [line for line in lines if re.match(r"^[a-z0-9]", line)]

        assert packages
        assert [line for line in packages if not re.match(r"^[a-z0-9._-]+==\S+ ", line)] == []
        assert [line for line in lines if "://" in line or line.startswith("-")] == []
        assert sum("--hash=sha256:" in line for line in lines) >= len(packages)


def test_what_is_installed_in_production_is_pinned_as_it_is_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9._-]+==\S+", (REPOSITORY / "requirements" / name).read_text(), re.MULTILINE))

    assert pins("runtime.lock") | pins("build.lock") <= pins("dev.lock")


def third_party_imports(source: str) -> set[str]:
    """Top-level names that a source imports and that are neither the standard library's nor ours."""
    nodes = [*ast.walk(ast.parse(source))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - set(PACKAGES)


def test_what_the_product_imports_is_installed_in_production() -> None:
    imported = set().union(*(third_party_imports(path.read_text()) for path in python_sources(*PACKAGES)))
    locked = set(re.findall(r"^[a-z0-9._-]+(?===)", (REPOSITORY / "requirements" / "runtime.lock").read_text(), re.M))
    distributions = importlib.metadata.packages_distributions()

    provided = {name: {normalised(d) for d in distributions.get(name, [])} for name in imported}
    assert imported
    assert {name: found for name, found in provided.items() if not found & locked} == {}


def normalised(distribution: str) -> str:
    """A distribution's name as lock files spell it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_the_changelog_has_the_version_and_a_place_for_what_comes() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()

    assert "## [Unreleased]" in changelog
    assert f"## [{version}]" in changelog


def test_the_licence_is_the_one_that_the_package_declares() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert project["license"] == "Apache-2.0"
    assert "Apache License" in (REPOSITORY / "LICENSE").read_text()


def broken_links(document: Path) -> list[str]:
    """Links to files of the repository that are not there."""
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", document.read_text())
    return [target for target in targets if not (document.parent / target).exists()]


def test_links_between_documents_lead_somewhere() -> None:
    documents = [path for path in repository_files() if path.suffix == ".md"]

    assert {str(path.relative_to(REPOSITORY)): found for path in documents if (found := broken_links(path))} == {}


def test_a_link_that_leads_nowhere_is_caught(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[there](page.md) [gone](gone.md) [outside](https://example.org)")

    assert broken_links(page) == ["gone.md"]


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (REPOSITORY / "docs" / "decisions").glob("[0-9]*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("script", [".ci/run", "tests/support/system-packages.sh"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(REPOSITORY / script, os.X_OK)
