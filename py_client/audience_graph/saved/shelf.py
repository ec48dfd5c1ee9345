"""`ag.queries`: save a query under a name, list, share as text, remove.

ag.queries.save_as("near_our_shops", "similar_services", {"phrase": "spa"}, title="Near our shops")
ag.queries.save("ours", Path("ours.cypher").read_text())
ag.queries.export("neodash", "dashboard.json")
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from audience_graph.audit import record
from audience_graph.errors import ConfigError, NotFoundError, QueryError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.saved.defaults import with_defaults
from audience_graph.saved.definition import SavedQuery, parameter_text, saved_names
from audience_graph.saved.formats.bloom import bloom_perspective, bloom_phrases
from audience_graph.saved.formats.browser import browser_scripts
from audience_graph.saved.formats.exported import check_exports
from audience_graph.saved.formats.guide import guide
from audience_graph.saved.formats.neodash import neodash_dashboard
from audience_graph.saved.formats.style import style_sheet
from audience_graph.saved.kept import Listed, find_saved, forget, keep, list_saved
from audience_graph.saved.suggestions import suggestions
from audience_graph.vectors.store import Store
from audience_graph.whole_file import check_folder, whole_file

Format = Literal["browser", "guide", "style", "neodash", "bloom"]
FORMATS: tuple[Format, ...] = get_args(Format)


class SavedQueries:
    """The saved queries of the package and those that people keep in Neo4j. Changes are in the audit log."""

    def __init__(self, runner: Runner, store: Store, *, by: str) -> None:
        self._runner = runner
        self._store = store
        self._by = by

    def list(self) -> Listed:
        """Return all of them: the package's, then those that people keep, by name.

        Its `unreadable` tells of nodes of saved queries that cannot be read, as plain Cypher may write them.
        """
        return list_saved(self._runner)

    def get(self, name: str) -> SavedQuery:
        """Return one; `get(name).query.text` is the file to share.

        Raises NotFoundError where there is none, ConfigError for a kept one that cannot be read.
        """
        return find_saved(self._runner, name)

    def save(self, name: str, text: str) -> SavedQuery:
        """Keep a query: the text of a file like those of `cypher/saved/`, in place of one that had the name.

        Raises ConfigError for a header that is not true, a name of the package, or escapes that Cypher reads otherwise
        than people do; QueryError for a query that does more than read, also in the format of another tool.
        """
        found = keep(self._runner, name, text, by=self._by)
        self._log("save query", name)
        return found

    def save_as(
        self, name: str, of: str, params: Mapping[str, Any], *, title: str, question: str | None = None
    ) -> SavedQuery:
        """Keep a saved query under another name with its own title and defaults: no Cypher is needed."""
        source = self.get(of)
        text = with_defaults(source, params, title=title, question=question or source.question)
        return self.save(name, text)

    def suggest(self, name: str, parameter: str, typed: str = "", *, limit: int = 20) -> tuple[tuple[str, str], ...]:
        """Return (value, label) of values that a parameter may take and that begin with what was typed.

        Nothing where the parameter suggests none; a list of `choices` is its own. Raises NotFoundError for an unknown
        query or parameter, ConfigError for a limit that is not from 1 to 100.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= 100:
            raise ConfigError(f"limit must be a whole number from 1 to 100, not {limit!r}")
        found = next((p for p in self.get(name).parameters if p.name == parameter), None)
        if found is None:
            raise NotFoundError(f"{name} has no parameter {parameter!r}")
        if found.choices:
            return tuple((choice, choice) for choice in found.choices if choice.startswith(typed))[:limit]
        if found.suggest is None:
            return ()
        return suggestions(self._runner, found.suggest, parameter_text(typed), limit)

    def remove(self, name: str) -> None:
        """Remove a query that somebody keeps, also one that cannot be read. Raises NotFoundError."""
        forget(self._runner, name)
        self._log("remove query", name)

    def export(self, kind: Format, path: str | os.PathLike[str], *, note: Callable[[str], object] | None = None) -> int:
        """Write all of them, kept ones too, in the format of another tool, and return how many queries are in it.

        "browser": a zip of saved scripts of Neo4j Browser. "guide": slides for Browser. "style": its colours and
        widths, in which there is no query. "neodash": a NeoDash 2.4 dashboard. "bloom": a perspective with search
        phrases, which draw: those of `cypher/bloom/`. The file is there whole or not at all.

        A kept query that cannot be read, or that does more than read as the other tool would have it, is left out;
        `note` is told of each.
        """
        if kind not in FORMATS:
            raise ConfigError(f"a format is {', '.join(FORMATS)}, not {kind!r}")
        others = {"style": self._style, "bloom": self._bloom}
        data, count = others[kind]() if kind in others else self._of_all(kind, note)
        target = Path(path)
        check_folder(target)
        with whole_file(target) as file:
            file.write(data)
        target.chmod(0o644)  # to be shared: it holds no user
        return count

    def _of_all(self, kind: Format, note: Callable[[str], object] | None) -> tuple[bytes, int]:
        queries = self._safe(kind, note if note is not None else str)
        if kind == "browser":
            return browser_scripts(queries), len(queries)
        return guide(queries).encode() if kind == "guide" else _json(neodash_dashboard(queries)), len(queries)

    def _safe(self, kind: Format, note: Callable[[str], object]) -> Sequence[SavedQuery]:
        """Return the package's queries, and those kept ones of which the format holds nothing but reading."""
        listed = self.list()
        for one in listed.unreadable:
            note(str(one))
        found = []
        for query in (kept.query for kept in listed):
            try:
                if query.name not in saved_names():
                    check_exports(self._runner, query, kind)
                found.append(query)
            except QueryError as exc:
                note(f"saved query {query.name!r} is left out: {exc.message}")
        return found

    def _bloom(self) -> tuple[bytes, int]:
        drawn = self._runner.read(load_query("saved_queries/drawn"))[0]
        return _json(bloom_perspective(drawn["relation_types"], drawn["entity_types"])), len(bloom_phrases())

    def _style(self) -> tuple[bytes, int]:
        drawn = self._runner.read(load_query("saved_queries/drawn"))[0]
        return style_sheet(drawn["entity_types"], next(iter(drawn["relation_types"]), None)).encode(), 0

    def _log(self, action: str, name: str) -> None:
        with self._store.transaction() as tx:
            record(tx, self._by, action, f"query {name}", {})


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
