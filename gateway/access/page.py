"""The generated parts of `docs/access.md`: what each role may do, and what each route needs, from the tables.

    python -m gateway.access.page docs/access.md

rewrites the file between its `<!-- generated: … -->` marks and leaves the rest alone. A test fails when the file is not
what this module would make of it.
"""

from __future__ import annotations

import sys

from gateway.access.roles import MAY, WORDS, Permission, Role
from gateway.generated_parts import Parts, renew_files, renewed
from gateway.web.permissions import NEEDED, WITHOUT_PERMISSION


def _roles() -> str:
    head = ["| may | " + " | ".join(Role) + " |", "| --- |" + " --- |" * len(Role)]
    return "\n".join(head + [_role_row(permission) for permission in Permission])


def _role_row(permission: Permission) -> str:
    marks = ("yes" if permission in MAY[role] else "–" for role in Role)
    return f"| {WORDS[permission]} (`{permission}`) | {' | '.join(marks)} |"


def _routes() -> str:
    nobody = [f"| `{method} {path}` | nobody need sign in |" for method, path in sorted(WITHOUT_PERMISSION)]
    needed = [f"| `{method} {path}` | `{permission}` |" for (method, path), permission in NEEDED.items()]
    return "\n".join(["| route | needs |", "| --- | --- |", *nobody, *needed])


_PARTS: Parts = {"roles": _roles, "routes": _routes}


def describe_access(document: str) -> str:
    """The document with its generated parts renewed.

    Raises:
        KeyError: a mark names a part that there is none of.
    """
    return renewed(document, _PARTS)


def main(arguments: list[str]) -> int:
    """Renews the documents named; exit status 2 without any."""
    return renew_files(arguments, _PARTS, "gateway.access.page")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
