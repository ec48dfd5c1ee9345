"""Gates: a version that is worse than the current one is not published unless somebody says why.

    auc_drop         validation AUC may fall by this much (0.01 = one point)
    relation_change  the number of relations may grow or shrink by this share
    coverage_drop    the share of entities with a relation of their own may fall by this much

Both versions must report a measure for its gate to be checked: one that cannot be checked passes, and says so.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.errors import ConfigError, GateError, NotFoundError
from audience_graph.release.records import Release, read_current
from audience_graph.vectors.store import Transaction

# What a model reports of pairs it was not fitted on; two versions are compared by the first name that both report.
AUC_NAMES = ("validation_auc", "held_out_auc")
OFF = "off"


@dataclass(frozen=True, slots=True)
class Gates:
    """How much worse than the current version a new one may be; None = not checked."""

    auc_drop: float | None = 0.01
    relation_change: float | None = 0.5
    coverage_drop: float | None = 0.1


DEFAULT_GATES = Gates()


@dataclass(frozen=True, slots=True)
class Terms:
    """On which a version is published: gates to pass, or the reason why it is published whatever they say."""

    gates: Gates = DEFAULT_GATES
    reason: str | None = None


DEFAULT_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Check:
    """One gate: what both versions report, and whether the difference is within the limit.

    `passed` is None when it was not checked, and `note` says why.
    """

    gate: str
    measure: str
    limit: float | None
    before: float | None
    after: float | None
    passed: bool | None
    note: str | None = None

    def __str__(self) -> str:
        if self.passed is None:
            return f"gate {self.gate} was not checked: {self.note}"
        return f"{self.measure} {_shown(self.before)} -> {_shown(self.after)} (gate {self.gate}={self.limit:g})"


@dataclass(frozen=True, slots=True)
class Judgement:
    """All gates of a version against the current one, `against`."""

    version: str
    against: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The gates that refuse the version."""
        return tuple(check for check in self.checks if check.passed is False)

    def to_dict(self) -> dict[str, Any]:
        """Return what the publication keeps of it."""
        return {"against": self.against, "checks": [dataclasses.asdict(check) for check in self.checks]}

    def require(self) -> None:
        """Raise GateError, naming each gate that failed and what to do, when there is one."""
        if not self.failed:
            return
        raise GateError(
            f"version {self.version} is worse than the current {self.against}: {'; '.join(map(str, self.failed))}; "
            "it stays staged",
            checks=[check.gate for check in self.failed],
            hint=f"look at `audience-graph release diff {self.against} {self.version}`; publish it all the same with "
            f"`audience-graph release publish {self.version} --force --reason TEXT`, or move a gate with --gate",
        )


def judge_by_current(tx: Transaction, release: Release, terms: Terms) -> Judgement | None:
    """Judge a release that is to be published; None when nothing is current, or its version is.

    Raises GateError when it is worse by a gate and the terms give no reason.
    """
    try:
        now = read_current(tx)
    except NotFoundError:
        return None
    if now.version == release.version:
        return None
    judged = judge(now, release, terms.gates)
    if terms.reason is None:
        judged.require()
    return judged


def judge(before: Release, after: Release, gates: Gates = DEFAULT_GATES) -> Judgement:
    """Compare a release with the current one, `before`."""
    checks = (
        _auc(before, after, gates.auc_drop),
        _relations(before, after, gates.relation_change),
        _coverage(before, after, gates.coverage_drop),
    )
    return Judgement(after.version, before.version, checks)


def checks_of(release: Release) -> tuple[Check, ...]:
    """Return what the gates said of a release when it was last published; none when it was compared with nothing."""
    return tuple(Check(**check) for check in (release.gates or {}).get("checks", ()))


def notes(release: Release) -> tuple[str, ...]:
    """Return what whoever published a release should hear: gates that failed or could not be checked."""
    return tuple(
        f"{check}: published all the same, {release.reason}" if check.passed is False else str(check)
        for check in checks_of(release)
        if check.passed is False or (check.passed is None and check.limit is not None)
    )


def parse_gates(settings: Sequence[str]) -> Gates:
    """Return the default gates with `name=limit` put in; `name=off` leaves one out.

    Raises ConfigError for an unknown gate or a limit that is not a number from 0.
    """
    names = [field.name for field in dataclasses.fields(Gates)]
    values: dict[str, float | None] = {}
    for setting in settings:
        name, separator, text = setting.partition("=")
        if not separator or name not in names:
            raise ConfigError(
                f"gate {setting!r}: expected NAME=LIMIT, such as auc_drop=0.02 or auc_drop={OFF}",
                hint=f"gates: {', '.join(names)}",
            )
        values[name] = None if text == OFF else _limit(name, text)
    return dataclasses.replace(DEFAULT_GATES, **values)


def _limit(name: str, text: str) -> float:
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < math.inf:
        raise ConfigError(f"gate {name}: expected a number from 0, or `{OFF}`, found {text!r}")
    return limit


def _auc(before: Release, after: Release, limit: float | None) -> Check:
    pairs = [(_number(before.metrics, name), _number(after.metrics, name), name) for name in AUC_NAMES]
    old, new, name = next((p for p in pairs if p[0] is not None and p[1] is not None), pairs[0])
    if old is None or new is None:
        reports = {r.version: [n for n in AUC_NAMES if _number(r.metrics, n) is not None] for r in (before, after)}
        if all(reports.values()):
            return _unchecked("auc_drop", "validation AUC", limit, "the versions report measures of different kinds")
        silent = ", ".join(version for version, found in reports.items() if not found)
        return _unchecked("auc_drop", "validation AUC", limit, f"no validation AUC of {silent}")
    return _check("auc_drop", name, limit, old, new, worse=old - new)


def _relations(before: Release, after: Release, limit: float | None) -> Check:
    old, new = _number(before.counts, "relations"), _number(after.counts, "relations")
    if not old or new is None:
        return _unchecked("relation_change", "relations", limit, "a version does not tell its number of relations")
    return _check("relation_change", "relations", limit, old, new, worse=abs(new / old - 1.0))


def _coverage(before: Release, after: Release, limit: float | None) -> Check:
    old, new = coverage(before), coverage(after)
    if old is None or new is None:
        return _unchecked("coverage_drop", "coverage", limit, "a version does not count its entities with relations")
    return _check("coverage_drop", "coverage", limit, old, new, worse=old - new)


def coverage(release: Release) -> float | None:
    """Return the share of a version's entities with at least one relation of their own; None when nothing tells it."""
    entities, sources = _number(release.counts, "entities"), _number(release.counts, "sources")
    if entities and sources is not None:
        return sources / entities
    return _number(release.metrics, "entities_with_relations")  # versions staged before sources were counted


def _check(gate: str, measure: str, limit: float | None, before: float, after: float, *, worse: float) -> Check:
    if limit is None:
        return Check(gate, measure, None, before, after, None, "it is off")
    return Check(gate, measure, limit, before, after, worse <= limit + 1e-9)


def _unchecked(gate: str, measure: str, limit: float | None, note: str) -> Check:
    return Check(gate, measure, limit, None, None, None, note)


def _number(values: Mapping[str, Any], name: str) -> float | None:
    found = values.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def _shown(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:,.0f}" if value == int(value) and abs(value) > 1 else f"{value:.4f}"
