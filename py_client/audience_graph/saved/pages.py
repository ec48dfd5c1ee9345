"""The pages that our Neo4j hands to Browser: a guide and a style sheet, kept as nodes.

The server hands them to whoever asks, without a login, as Browser has none yet when it fetches them. So they hold the
package's own queries and the names of entity types, no query of a person and no entity. `@pages@` and `@current@` stand
for their address and for the relationship type of the current version; the server puts them in.
"""

from __future__ import annotations

from audience_graph.entities.type_labels import label_types
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.saved.definition import saved_queries
from audience_graph.saved.formats.guide import PAGES, guide
from audience_graph.saved.formats.style import style_sheet

CURRENT = "@current@"


def write_pages(runner: Runner) -> None:
    """Label entities by their types, and write guide and style sheet where they are others."""
    types = runner.read(load_query("saved_queries/drawn"))[0]["entity_types"]
    label_types(runner, types)
    there = {row["name"]: row["text"] for row in runner.read(load_query("browser_pages/read"))}
    pages = {"guide.html": guide(saved_queries(), pages=PAGES), "style.grass": style_sheet(types, CURRENT)}
    for name, text in pages.items():
        if there.get(name) != text:
            runner.write(load_query("browser_pages/write"), {"name": name, "text": text})
