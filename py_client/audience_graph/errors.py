"""Every error that audience-graph raises on purpose.

    AudienceGraphError
    ├── ConfigError            a setting is missing or contradicts another
    ├── StackError             the embedded servers cannot be started, reached or stopped
    │   └── ChecksumError      a downloaded file is not the one that the lock file names
    ├── StoreError             a database answered with an error
    │   ├── StoreUnavailable   a database does not answer at all
    │   └── QueryError         a named query failed; carries its name and file
    ├── MigrationError         a schema script was edited, is missing, or failed
    ├── InputError             a file from the user breaks the input contract; carries its problems
    ├── ReleaseError           staging, publishing, rolling back or retiring is refused
    │   └── GateError          a version is worse than the current one; carries the gates that refuse it
    ├── ExportError            sending an audience is refused, or its receiver refuses it
    ├── RunError               a run folder is incomplete, or belongs to another configuration
    ├── SensitiveError         something sensitive was asked for without a reason; carries the entities' ids
    └── NotFoundError          no such phrase, entity, user, release, week or query
        └── AmbiguousError     a phrase means several entities; carries the choices

`hint` says what to do next; the CLI prints both on stderr and exits with 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "AmbiguousError",
    "AudienceGraphError",
    "ChecksumError",
    "ConfigError",
    "ExportError",
    "GateError",
    "InputError",
    "MigrationError",
    "NotFoundError",
    "Problem",
    "QueryError",
    "ReleaseError",
    "RunError",
    "SensitiveError",
    "StackError",
    "StoreError",
    "StoreUnavailable",
]


ASK_WITH_A_REASON = (
    "ask with a reason, which is written to the audit log: sensitive_because='...' (--sensitive-because '...')"
)
UNSTORABLE = "a text holds a character that cannot be stored: NUL, or half of a surrogate pair"


class AudienceGraphError(Exception):
    """Root of the tree: catch this to catch all of them."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(AudienceGraphError):
    """A setting is missing, malformed, or contradicts another."""


class StackError(AudienceGraphError):
    """The embedded servers cannot be started, reached or stopped."""


class ChecksumError(StackError):
    """A downloaded file is not the one that the lock file names; it was not used."""


class StoreError(AudienceGraphError):
    """A database answered with an error."""


class StoreUnavailable(StoreError):
    """A database does not answer."""


class QueryError(StoreError):
    """A named query failed; the message carries its name and file."""


class MigrationError(AudienceGraphError):
    """A schema script was edited after it ran, is missing, or failed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken cell of an input file. `row` counts data rows from 1; None = the file as a whole."""

    file: str
    row: int | None
    column: str | None
    expected: str
    found: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}, row {self.row}"
        column = "" if self.column is None else f", column {self.column}"
        return f"{place}{column}: expected {self.expected}, found {self.found}"


class InputError(AudienceGraphError):
    """A file breaks the input contract; nothing of it was written.

    `problems` holds at most the first 20, `count` counts all of them.
    """

    def __init__(
        self, message: str, *, problems: Sequence[Problem] = (), count: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)
        self.count = len(self.problems) if count is None else count


class ReleaseError(AudienceGraphError):
    """Staging, publishing, rolling back or retiring a release is refused."""


class GateError(ReleaseError):
    """A version is worse than the current one: it stays staged. `checks` names the gates that refuse it."""

    def __init__(self, message: str, *, checks: Sequence[str] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.checks = tuple(checks)


class ExportError(AudienceGraphError):
    """Sending an audience is refused, or its receiver refuses it; what was acknowledged before stays so."""


class RunError(AudienceGraphError):
    """A run folder is incomplete, or was made with another configuration."""


class SensitiveError(AudienceGraphError):
    """Something sensitive was asked for without a reason; nothing was answered. `ids` names the entities, if any."""

    def __init__(self, message: str, *, ids: Sequence[str] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint or ASK_WITH_A_REASON)
        self.ids = tuple(ids)


class NotFoundError(AudienceGraphError):
    """No such phrase, entity, user, release, week or query."""


class AmbiguousError(NotFoundError):
    """A phrase means several entities; `choices` holds their ids, best first, `phrase` what was typed."""

    def __init__(self, message: str, *, choices: Sequence[str] = (), phrase: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.phrase = phrase
        self.choices = tuple(choices)
