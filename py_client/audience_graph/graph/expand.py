"""k-hop expansion through three doors with equal results (definition: `graph/expansion.py`).

    procedure  `audience.expandPacked` over GDS's in-memory graph: the fastest; needs our jar in the server
    cypher     plain query files: any Neo4j 5.26
    memory     numpy over arrays exported once per version: needs no server for the walk itself

`auto` takes the procedure when the server offers it, else Cypher.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from weakref import WeakKeyDictionary, proxy

from audience_graph.errors import ConfigError
from audience_graph.graph import packed
from audience_graph.graph.expansion import Expanded, ExpandOptions, VersionRef, unpack
from audience_graph.graph.projection import installed_procedures
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner
from audience_graph.graph.seeds import refuse_missing, refuse_sensitive
from audience_graph.graph.walker import Walker

__all__ = ["Door", "ExpandOptions", "Expanded", "Expander", "VersionRef", "expand"]

Door = Literal["auto", "procedure", "cypher", "memory"]
DOORS = ("auto", "procedure", "cypher", "memory")


class Expander:
    """Expands through one runner; remembers whether the procedure is there, and what the memory door exported."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._walker = Walker(runner)
        self._installed: bool | None = None

    def expand(
        self,
        version: VersionRef,
        seeds: Sequence[str],
        options: ExpandOptions,
        *,
        door: Door = "auto",
        because: str | None = None,
    ) -> tuple[Expanded, ...]:
        """Return the entities within reach of the seeds (ids), best first; the seeds themselves are not among them.

        `options.sensitive` needs a reason, `because`; writing that to the audit log is the caller's duty. Raises
        ConfigError, naming the argument, NotFoundError for a seed that is no entity's id, and SensitiveError for a
        sensitive one without `options.sensitive`.
        """
        wanted = _checked(version, seeds, options, door)
        _check_reason(options, because)
        if door == "memory":
            return self._walker.expand(version, wanted, options)
        if door == "procedure" or (door == "auto" and self.installed()):
            return self._procedure(version, wanted, options, because)
        return self._cypher(version, wanted, options)

    def installed(self) -> bool:
        """Return whether the server offers `audience.expandPacked`; asked once."""
        if self._installed is None:
            self._installed = "audience.expandPacked" in installed_procedures(self._runner)
        return self._installed

    def _procedure(
        self, version: VersionRef, seeds: list[str], options: ExpandOptions, because: str | None
    ) -> tuple[Expanded, ...]:
        asked: dict[str, Any] = {**options.as_parameters(), "hops": options.hops, "version": version.version}
        if options.sensitive:
            asked["because"] = because
        row = self._runner.read(load_query("entities/expand_procedure"), {"seeds": seeds, "options": asked})[0]
        refuse_missing(row["missing"])
        refuse_sensitive(row["refused"])
        return packed.expansion(row)

    def _cypher(self, version: VersionRef, seeds: list[str], options: ExpandOptions) -> tuple[Expanded, ...]:
        query = load_query(f"entities/expand_{options.hops}_packed").at_version(version.relation_type)
        values = {**options.as_parameters(), "seeds": seeds, "relation_type": version.relation_type}
        row = self._runner.read(query, values)[0]
        refuse_missing(row["missing"])
        refuse_sensitive(row["refused"])
        return tuple(unpack(row[c] for c in ("ids", "names", "types", "hops", "relevances", "paths")))


# One Expander per open runner, gone with it: an Expander that held the runner itself would keep its own key alive.
_EXPANDERS: WeakKeyDictionary[Runner, Expander] = WeakKeyDictionary()


def expand(
    runner: Runner,
    version: VersionRef,
    seeds: Sequence[str],
    options: ExpandOptions,
    *,
    door: Door = "auto",
    because: str | None = None,
) -> tuple[Expanded, ...]:
    """Expand through this runner; see `Expander.expand`. What an Expander remembers lives as long as the runner."""
    expander = _EXPANDERS.get(runner)
    if expander is None:
        expander = _EXPANDERS[runner] = Expander(proxy(runner))
    return expander.expand(version, seeds, options, door=door, because=because)


def _checked(version: VersionRef, seeds: Sequence[str], options: ExpandOptions, door: str) -> list[str]:
    if door not in DOORS:
        raise ConfigError(f"door must be one of {', '.join(DOORS)}, not {door!r}")
    if isinstance(seeds, str) or not seeds or not all(isinstance(seed, str) for seed in seeds):
        raise ConfigError(f"seeds must be a list of at least one entity id, not {seeds!r}")
    if options.week is not None and options.week != version.week:
        raise ConfigError(f"week is {options.week}, but the version to read is {version.version}")
    return list(dict.fromkeys(seeds))


def _check_reason(options: ExpandOptions, because: str | None) -> None:
    if options.sensitive != bool(because and because.strip()):
        raise ConfigError(
            "options.sensitive and a reason go together",
            hint="sensitive_because='why': it lets sensitive entities in, and is written to the audit log",
        )
