"""Read `tasks.toml`: tasks one by one, or several from one template.

note, domain, cut, horizon_days      defaults of all tasks
[[task]]      name, sentence, truth; may have its own note, domain, cut, horizon_days, eligible, arms
[[template]]  the same with `{key}` in its texts, and each = [{key = ...}, ...]: one task per row. A row may hold
              cut and horizon_days; a text that is nothing but `{key}` becomes the row's value, a list too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

from audience_graph.errors import InputError
from audience_trainers.users.tasks.task import Arms, Query, Task

FILE = "tasks.toml"
_COMMON = ("note", "domain", "cut", "horizon_days")
_KEYS = ("name", "sentence", "truth", "eligible", "arms", *_COMMON)
_NEEDED = ("name", "sentence", "truth", "cut", "horizon_days")
_PLACE = re.compile(r"\{(\w+)\}")
_TEXTS = ("channel", "category", "merchant", "payment_channel", "status", "items", "entity_ids", "text",
          "text_contains")  # fmt: skip
_OF_COLUMN = {"column", "equals", "within_days", "hard"}
_OF_TRUTH = {"first_time", "hard"}


class Place:
    """Where in the file something is wrong; `fail` raises InputError naming file, task and key."""

    def __init__(self, file: Path, task: str) -> None:
        self.file, self.task = file, task

    def fail(self, key: str, expected: str, found: object = None) -> NoReturn:
        said = "" if found is None else f", found {found!r}"
        raise InputError(f"{self.file}, {self.task}, key {key!r}: expected {expected}{said}", hint="see users/tasks")


def read_tasks(folder: Path) -> dict[str, Task]:
    """Return the tasks of a folder's tasks.toml by name, in its order. Raises InputError where something is wrong."""
    file = folder / FILE
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder} holds no {FILE}", hint="`audience-graph evaluate make-tasks NAME --out FOLDER` writes one"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise InputError(f"{file}: not a TOML file: {exc}") from exc
    place = Place(file, "top of the file")
    _known(told, (*_COMMON, "task", "template"), place)
    shared = {key: told[key] for key in _COMMON if key in told}
    tasks: dict[str, Task] = {}
    for table in [*_tables(told, "task", place), *_expanded(_tables(told, "template", place), file)]:
        name = table.get("name")
        place = Place(file, f"task {name!r}")
        task = _task(shared | table, place)
        if task.name in tasks:
            place.fail("name", "a name of its own", task.name)
        tasks[task.name] = task
    if not tasks:
        Place(file, "top of the file").fail("task", "at least one [[task]] or [[template]]")
    return tasks


def _tables(told: Mapping[str, Any], key: str, place: Place) -> list[dict[str, Any]]:
    found = told.get(key, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        place.fail(key, f"tables [[{key}]]", found)
    return found


def _expanded(templates: list[dict[str, Any]], file: Path) -> list[dict[str, Any]]:
    tasks = []
    for template in templates:
        place = Place(file, f"template {template.get('name')!r}")
        rows = template.get("each")
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            place.fail("each", "a list of tables, one per task", rows)
        for row in rows:
            own = {key: value for key, value in row.items() if key in ("cut", "horizon_days")}
            filled = {k: _filled(v, row, place, k) for k, v in template.items() if k != "each"}
            tasks.append(filled | own)
    return tasks


def _filled(value: Any, row: Mapping[str, Any], place: Place, key: str) -> Any:
    """Put a row's values into the texts of a template, however deep."""
    if isinstance(value, dict):
        return {k: _filled(v, row, place, f"{key}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, row, place, key) for v in value]
    if not isinstance(value, str):
        return value
    missing = [name for name in _PLACE.findall(value) if name not in row]
    if missing:
        place.fail(key, f"a value for {{{missing[0]}}} in every row of `each`", row)
    alone = _PLACE.fullmatch(value)
    return row[alone[1]] if alone else _PLACE.sub(lambda found: str(row[found[1]]), value)


def _task(table: Mapping[str, Any], place: Place) -> Task:
    _known(table, _KEYS, place)
    for key in _NEEDED:
        if key not in table:
            place.fail(key, "a value")
    texts = {key: _text(table[key], key, place) for key in ("name", "sentence", "domain", "note") if key in table}
    eligible, arms = table.get("eligible"), table.get("arms")
    return Task(
        truth=_query(table["truth"], "truth", place),
        cut=_time(table["cut"], place),
        horizon_days=_days(table["horizon_days"], "horizon_days", place),
        eligible=None if eligible is None else _query(eligible, "eligible", place),
        arms=None if arms is None else _arms(arms, place),
        **texts,
    )


def _query(table: Any, where: str, place: Place) -> Query:
    if not isinstance(table, dict) or not table:
        place.fail(where, "a table such as { channel = 'purchase', category = 'baby food' }", table)
    allowed = {field.name for field in fields(Query)} - (set() if where == "truth" else _OF_TRUTH)
    _known(table, tuple(sorted(allowed)), place, where)
    if "column" in table and set(table) - _OF_COLUMN:
        place.fail(where, f"with `column` only {', '.join(sorted(_OF_COLUMN))}", sorted(table))
    if ("column" in table) != ("equals" in table):
        place.fail(where, "`column` and `equals` together", sorted(table))
    found: dict[str, Any] = {k: _values(v, f"{where}.{k}", place, texts=True) for k, v in table.items() if k in _TEXTS}
    for key in ("count_at_least", "within_days"):
        if key in table:
            found[key] = _days(table[key], f"{where}.{key}", place)
    if "amount_at_least" in table:
        found["amount_at_least"] = _number(table["amount_at_least"], f"{where}.amount_at_least", place)
    if "first_time" in table:
        if not isinstance(table["first_time"], bool):
            place.fail(f"{where}.first_time", "true or false", table["first_time"])
        found["first_time"] = table["first_time"]
    for key in ("column", "hard"):
        if key in table:
            found[key] = _text(table[key], f"{where}.{key}", place)
    if "equals" in table:
        found["equals"] = _values(table["equals"], f"{where}.equals", place)
    return Query(**found)


def _arms(table: Any, place: Place) -> Arms:
    if not isinstance(table, dict):
        place.fail("arms", "a table { column, treated, control }", table)
    _known(table, ("column", "treated", "control"), place, "arms")
    for key in ("column", "treated"):
        if key not in table:
            place.fail(f"arms.{key}", "a value")
    return Arms(
        column=_text(table["column"], "arms.column", place),
        treated=_values(table["treated"], "arms.treated", place),
        control=_values(table["control"], "arms.control", place) if "control" in table else (),
    )


def _known(table: Mapping[str, Any], keys: tuple[str, ...], place: Place, where: str = "") -> None:
    for key in table:
        if key not in keys:
            place.fail(f"{where}.{key}" if where else key, f"one of {', '.join(keys)}")


def _text(value: Any, key: str, place: Place) -> str:
    if not isinstance(value, str) or not value.strip():
        place.fail(key, "a text", value)
    return value


def _values(value: Any, key: str, place: Place, *, texts: bool = False) -> tuple[Any, ...]:
    found = value if isinstance(value, list) else [value]
    kinds = (str,) if texts else (str, int, float, bool)
    if not found or not all(isinstance(one, kinds) for one in found):
        place.fail(key, "a text or a list of texts" if texts else "a value or a list of values", value)
    return tuple(found)


def _number(value: Any, key: str, place: Place) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        place.fail(key, "a number", value)
    return float(value)


def _days(value: Any, key: str, place: Place) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        place.fail(key, "a whole number of at least 1", value)
    return value


def _time(value: Any, place: Place) -> int:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            place.fail("cut", "a date or a time, like 2024-05-01", value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        place.fail("cut", "a date or a time, like 2024-05-01", value)
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
