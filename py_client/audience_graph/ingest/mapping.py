"""Which column of a file is which column of the contract."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audience_graph.errors import ConfigError, InputError, Problem
from audience_graph.ingest.contract import CONSENT, Column, Contract, Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """Columns to read: of the contract, and the name that each has in the file. Other columns are `ignored`."""

    columns: tuple[Column, ...]
    in_file: Mapping[str, str]
    ignored: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def parse_options(options: Iterable[str]) -> dict[str, str]:
    """Parse `["user_id=customer_id"]` into contract column -> file column. Raises ConfigError."""
    mapping: dict[str, str] = {}
    for option in options:
        name, equals, column = option.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise ConfigError(f"--map {option!r} is not of the form column=name_in_file")
        if name.strip() in mapping:
            raise ConfigError(f"--map names {name.strip()} twice")
        mapping[name.strip()] = column.strip()
    return mapping


def read_mapping(path: Path, what: str) -> dict[str, str]:
    """Read a TOML file: a table per kind of file (`[events]`), or the pairs at its top. Raises ConfigError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}", hint="--config names a TOML file with the mapping") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is not TOML: {exc}") from exc
    section = content.get(what, {k: v for k, v in content.items() if not isinstance(v, dict)})
    if not isinstance(section, dict) or not all(isinstance(v, str) for v in section.values()):
        raise ConfigError(f'{path}: expected lines like user_id = "customer_id" under [{what}]')
    return dict(section)


def plan(contract: Contract, header: Sequence[str], mapping: Mapping[str, str], file: str) -> Plan:
    """Match the header of a file with the contract.

    Raises ConfigError when the mapping names a column that is not of the contract, InputError when the file lacks
    a column that the contract needs or the mapping names, has one twice, or has a name that a column of the contract
    has in other letters (`User_ID`, `Consent_ads`).
    """
    _check_mapping(contract, mapping)
    problems = [Problem(file, None, None, "a name for every column", f"an empty name at position {i}")
                for i, name in enumerate(header, start=1) if not name.strip()]  # fmt: skip
    problems += [Problem(file, None, name, "each column once", "this name twice") for name in _twice(header) if name]
    in_file = {name: mapping.get(name, name) for name in contract.names}
    columns = list(contract.columns)
    if contract.open:
        taken = set(in_file.values())
        others = [name for name in header if name not in taken]
        named = {v: k for k, v in mapping.items() if k not in contract.names}
        owns = {name: named.get(name, name) for name in others}
        for name, own in owns.items():
            columns.append(Column(own, Kind.FLAG if own.startswith(CONSENT) else Kind.ANY))
            in_file[own] = name
        problems += [Problem(file, None, *clash) for clash in _clashes(contract, owns)]
    present = set(header)
    for column in columns:
        name = in_file[column.name]
        needed = column.name in mapping or (column.filled and not column.unless)
        if name not in present and needed:
            found = f"columns {', '.join(header)}" if header else "no columns"
            problems.append(Problem(file, None, name, "this column in the header", _short(found)))
    if not problems:
        for column in columns:
            given = [n for n in (column.name, *column.unless) if in_file[n] in present]
            if column.unless and not given:
                problems.append(Problem(file, None, in_file[column.name], "this column in the header",
                                        _short(f"columns {', '.join(header)}")))  # fmt: skip
    if problems:
        raise InputError(
            f"{file}: the header does not match the contract of {contract.what}",
            problems=problems[:20],
            count=len(problems),
            hint=_hint(header),
        )
    used = [column for column in columns if in_file[column.name] in present]
    wanted = {in_file[column.name] for column in used}
    return Plan(
        columns=tuple(used),
        in_file={column.name: in_file[column.name] for column in used},
        ignored=tuple(name for name in header if name not in wanted),
    )


def _clashes(contract: Contract, owns: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (name in the file, expected, found) of the open columns that could be meant as another column.

    `owns` is the name in the file -> the name to store. Other columns may differ in case alone (`age`, `Age`): both
    are stored. Those of the contract may not: a consent read as an ordinary column would be lost without a word.
    """
    known = {name.casefold(): name for name in contract.names}
    exact, folded = Counter(owns.values()), Counter(own.casefold() for own in set(owns.values()))
    found: list[tuple[str, str, str]] = []
    for name, own in owns.items():
        fold = own.casefold()
        if fold in known:
            found.append((name, f"{known[fold]} once, written so", f"a column {own} that is not it"))
        elif fold.startswith(CONSENT) and not own.startswith(CONSENT):
            found.append((name, f"{CONSENT}<purpose> with {CONSENT} in small letters", f"the name {own}"))
        elif fold.startswith(CONSENT) and folded[fold] > 1:
            found.append((name, "each purpose once", "purposes that differ in small and capital letters alone"))
        elif exact[own] > 1:
            found.append((name, f"one column for {own}", f"{exact[own]} of them, by the mapping"))
    return found


def _check_mapping(contract: Contract, mapping: Mapping[str, str]) -> None:
    for name in mapping:
        if name not in contract.names and not contract.open:
            raise ConfigError(
                f"{name!r} is not a column of {contract.what}", hint=f"its columns: {', '.join(contract.names)}"
            )
    for name in _twice(list(mapping.values())):
        raise ConfigError(f"the mapping uses the file's column {name!r} twice")


def _twice(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _short(text: str) -> str:
    return text if len(text) <= 300 else text[:300] + "…"


def _hint(header: Sequence[str]) -> str:
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        return "the file seems to be separated by something else than commas: save it with commas"
    return "name columns of your file with --map column=name_in_file"
