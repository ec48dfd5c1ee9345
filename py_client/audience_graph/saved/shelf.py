"""`ag.queries`: save a query under a name, list, share as text, remove.

ag.queries.save_as("near_our_shops", "similar_services", {"phrase": "spa"}, title="Near our shops")
ag.queries.save("ours", Path("ours.cypher").read_text())
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audience_graph.audit import record
from audience_graph.graph.runner import Runner
from audience_graph.saved.definition import SavedQuery
from audience_graph.saved.kept import Kept, find_saved, forget, keep, list_saved, with_defaults
from audience_graph.vectors.store import Store


class SavedQueries:
    """The saved queries of the package and those that people keep in Neo4j. Changes are in the audit log."""

    def __init__(self, runner: Runner, store: Store, *, by: str) -> None:
        self._runner = runner
        self._store = store
        self._by = by

    def list(self) -> tuple[Kept, ...]:
        """Return all of them: the package's, then those that people keep, by name."""
        return list_saved(self._runner)

    def get(self, name: str) -> SavedQuery:
        """Return one; `get(name).query.text` is the file to share. Raises NotFoundError."""
        return find_saved(self._runner, name)

    def save(self, name: str, text: str) -> SavedQuery:
        """Keep a query: the text of a file like those of `cypher/saved/`, in place of one that had the name.

        Raises ConfigError for a header that is not true or a name of the package, QueryError for a query that does more
        than read.
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

    def remove(self, name: str) -> None:
        """Remove a query that somebody keeps. Raises NotFoundError."""
        forget(self._runner, name)
        self._log("remove query", name)

    def _log(self, action: str, name: str) -> None:
        with self._store.transaction() as tx:
            record(tx, self._by, action, f"query {name}", {})
