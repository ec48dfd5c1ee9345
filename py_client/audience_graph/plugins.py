"""What other packages add through entry points: found by name, imported when it is used."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from audience_graph.errors import ConfigError


def load_plugin(group: str, name: str, *, what: str) -> Any:
    """Return what an entry point of a group names. `what` is it in words, for the errors.

    Raises ConfigError when nothing installed has that name, or an extra of it is missing.
    """
    found = {entry.name: entry for entry in entry_points(group=group)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise ConfigError(f"no {what} of kind {name!r} is installed", hint=f"kinds that are installed: {known}")
    try:
        return found[name].load()
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] in {"audience_graph", "audience_trainers"}:
            raise  # not an extra that is missing: our own fault
        hint = "install it: pip install 'audience-graph[train]'"
        raise ConfigError(f"the {what} needs the Python package {exc.name}", hint=hint) from exc
