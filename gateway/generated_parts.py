"""Parts of a document that are made from code: what stands between `<!-- generated: NAME -->` and `<!-- end -->`.

Whoever makes a page says by name what its parts are; the rest of the document is left alone. A test of each page fails
when the page is not what its module would make of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Parts = Mapping[str, Callable[[], str]]
"""By name, what makes the part's text."""

_PART = re.compile(r"(<!-- generated: (?P<part>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(document: str, parts: Parts) -> str:
    """The document with its generated parts made anew.

    Raises:
        KeyError: a mark names a part that there is none of.
    """
    return _PART.sub(lambda found: f"{found[1]}\n{parts[found['part']]()}\n\n{found[3]}", document)


def renew_files(names: Sequence[str], parts: Parts, module: str) -> int:
    """Makes the parts in the files named anew; returns the exit status, 2 where none is named."""
    if not names:
        sys.stderr.write(f"usage: python -m {module} FILE…\n")
        return 2
    for path in map(Path, names):
        path.write_text(renewed(path.read_text(encoding="utf-8"), parts), encoding="utf-8")
    return 0
