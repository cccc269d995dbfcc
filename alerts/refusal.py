"""The answer to a command that cannot be carried out: why not, in a word for programs and a sentence for people."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - it names an answer, not an accident
    """A command cannot be carried out; nothing has changed."""

    def __init__(self, reason: str, detail: str, subject_id: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.subject_id = subject_id
