"""Saved scripts of Neo4j Browser: a zip of .cypher files in one folder, laid out as Browser's own export is.

The first line of a script is the name that Browser shows. The zip is dropped on Browser's page as it is: Browser takes
one file at a time, and keeps the scripts of a zip in a folder of its name. A script tells which parameters to set
first, as `:param` lines in its comments.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable

from audience_graph.saved.definition import Parameter, SavedQuery
from audience_graph.saved.formats.texts import body_of, literal

FOLDER = "audience_graph"


def browser_scripts(queries: Iterable[SavedQuery]) -> bytes:
    """Return the zip. The same queries give the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for saved in queries:
            entry = zipfile.ZipInfo(f"{FOLDER}/{saved.name}.cypher", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, script(saved))
    return data.getvalue()


def script(saved: SavedQuery) -> str:
    """Return one script: name, question, the parameters to set, the query."""
    lines = [f"// {saved.title}", f"// {saved.question}"]
    for parameter in saved.parameters:
        lines.append(f"// first, on a line of its own:  :param {parameter.name} => {_usual(parameter)}")
    return "\n".join([*lines, body_of(saved.query.text)]) + "\n"


def _usual(parameter: Parameter) -> str:
    """Return the default of a parameter, else a value of its type to write another over."""
    if parameter.default is not None:
        return literal(parameter.default)
    if parameter.kind in ("integer", "number"):
        bound = next((b for b in (parameter.least, parameter.most) if b is not None), 1)
        return json.dumps(float(bound) if parameter.kind == "number" else int(bound))
    if parameter.kind == "yes or no":
        return "true"
    if parameter.choices:
        return literal(parameter.choices[0])
    return "['...', '...']" if parameter.kind == "texts" else "'...'"
