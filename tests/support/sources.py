"""Where the repository's own files are: for tests that read sources, documents and deployment files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

PACKAGES = ("simulators", "gateway", "storage", "alerts", "streaming")
"""The product's packages, outermost first."""

_NOT_OURS = {".git", ".venv", "node_modules", "build", "dist", "htmlcov", "__pycache__", "var", "vigil-data"}


def python_sources(*packages: str) -> Iterator[Path]:
    """The Python files of the named packages, in a stable order."""
    for package in packages:
        yield from sorted((REPOSITORY / package).rglob("*.py"))


def repository_files() -> Iterator[Path]:
    """Every file that belongs to the project: no environment, no cache, no build output, no recorded stay."""
    for folder, subfolders, names in os.walk(REPOSITORY):
        subfolders[:] = sorted(s for s in subfolders if not _is_generated(s))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith(".coverage"))


def _is_generated(folder: str) -> bool:
    return folder in _NOT_OURS or folder.endswith((".egg-info", "_cache")) or folder == ".hypothesis"
