"""A guide of Neo4j Browser: slides about the graph, with queries to click.

The words are `guide.html`, the queries are files. There `{query NAME}` stands for one of `cypher/` with its defaults,
`{parameter KEY NAME|words}` for words that set a parameter to what one returns, `{command TEXT}` for a command of
Browser. Browser shows a <slide> at a time, puts a `runnable` text into its editor, and runs it by its play button; what
follows `data-exec` runs at a click.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path

from audience_graph.graph.queries import load_query
from audience_graph.saved.definition import SavedQuery, defined
from audience_graph.saved.formats.texts import body_of, defaults_of, with_parameters

PAGES = "@pages@"
_TEMPLATE = Path(__file__).with_name("guide.html")
_QUERY = re.compile(r"\{query (?P<name>[a-z_/]+)\}")
_PARAMETER = re.compile(r"\{parameter (?P<key>\w+) (?P<name>[a-z_/]+)\|(?P<words>[^}]+)\}")
_COMMAND = re.compile(r"\{command (?P<command>[^}]+)\}")
_ALL = "{saved queries}"
_STYLE = "{style}"
_LINK = "color: #68bdf4; cursor: pointer"  # of Browser's own guides, which lie on a dark ground


def guide(queries: Iterable[SavedQuery], *, pages: str | None = None) -> str:
    """Return the guide, with a slide of all these queries.

    `pages` is the address of the folder that `style.grass` is served from; None tells to drop the file on Browser.
    """
    text = _TEMPLATE.read_text(encoding="utf-8")
    text = _QUERY.sub(lambda match: _runnable(_runs(match["name"])), text)
    text = _PARAMETER.sub(lambda match: _click(_asked(match["key"], match["name"]), match["words"]), text)
    text = _COMMAND.sub(lambda match: _click(match["command"], f":{match['command']}"), text)
    listed = "".join(f"<h5>{html.escape(one.question)}</h5>\n{_runnable(clicked(one))}\n" for one in queries)
    return text.replace(_ALL, listed).replace(_STYLE, _style(pages))


def _runs(name: str) -> str:
    return clicked(defined(name.rpartition("/")[2], load_query(name)))


def clicked(saved: SavedQuery) -> str:
    """Return the query as a click on it puts it into the editor: with its defaults."""
    return with_parameters(body_of(saved.query.text), defaults_of(saved))


def _runnable(text: str) -> str:
    return f'<pre class="pre-scrollable code runnable">{html.escape(text)}</pre>'


def _asked(key: str, name: str) -> str:
    """Return the command of Browser that sets a parameter to what a query of one column and row returns."""
    query = " ".join(_runs(name).split())
    return f"param {key} => COLLECT {{ {query} }}[0]"


def _click(command: str, words: str) -> str:
    return f'<a style="{_LINK}" data-exec="{html.escape(command)}">{words}</a>'


def _style(pages: str | None) -> str:
    if pages is None:
        return "<p>Drop the file that <code>audience-graph query export style our.grass</code> writes on this page.</p>"
    return (
        f"<p>{_click(f'style {pages}/style.grass', ':style')} sets colours and widths anew, for the types that there "
        f"are now. {_click('style reset', ':style reset')} takes them off.</p>"
    )
