"""The memory door: export a version once, lay the overlay over it at every call, walk here (`graph/csr.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from audience_graph.graph import packed
from audience_graph.graph.csr import Csr, Edges, from_rows, paths, reached, walk
from audience_graph.graph.expansion import Expanded, ExpandOptions, VersionRef, unpack
from audience_graph.graph.projection import installed_procedures
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Row, Runner
from audience_graph.graph.seeds import check_seeds

PAGE = 500  # entities per page of a plain export


class Walker:
    """Expands in this process. Holds the arrays of every version it was asked for; about 20 bytes per relation."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._exported: dict[str, Csr] = {}

    def expand(self, version: VersionRef, seeds: Sequence[str], options: ExpandOptions) -> tuple[Expanded, ...]:
        """Expand; two small queries besides the walk.

        Raises NotFoundError for a seed that is no entity's id, SensitiveError for one that is not allowed.
        """
        live = self._runner.read(
            load_query("relations/overlay").at_version(version.relation_type),
            {"relation_type": version.relation_type, "seeds": list(seeds)},
        )[0]
        sensitive = [] if options.sensitive else live["sensitive"]
        check_seeds(seeds, known=live["known"], sensitive=sensitive)
        confirmed = [edge for edge in live["confirmed"] if edge[2] is not None]
        csr = self._arrays(version, live, [*seeds, *(i for edge in confirmed for i in edge[:2])])
        layers = walk(
            csr,
            [csr.find(seed) for seed in seeds],
            options,
            confirmed=_edges(csr, confirmed),
            rejected=_edges(csr, live["rejected"]),
            hidden=np.array([at for i in sensitive if (at := csr.find(i)) >= 0], np.int64),
            mean_in_degree=live["mean_in_degree"],
        )
        nodes, hops, places, relevances = reached(layers, len(csr.ids))
        # types are asked for as they are now, so a filter needs those of everything that was reached
        cut = slice(None) if options.types else slice(options.limit)
        ids = [csr.ids[i] for i in nodes[cut].tolist()]
        shown = self._runner.read(load_query("entities/name_and_type"), {"ids": ids})[0]
        found = paths(layers, hops[cut].tolist(), places[cut].tolist())
        rows = unpack(
            (
                ids,
                shown["names"],
                shown["types"],
                hops[cut].tolist(),
                relevances[cut].tolist(),
                ([csr.ids[i] for i in path] for path in found),
            )
        )
        return tuple(row for row in rows if not options.types or row.type in options.types)[: options.limit]

    def forget(self, version: VersionRef) -> None:
        """Free the arrays of one version."""
        self._exported.pop(version.version, None)

    def _arrays(self, version: VersionRef, live: Row, used: Sequence[str]) -> Csr:
        csr = self._exported.get(version.version)
        if csr is None or len(csr.targets) != live["relations"]:
            csr = export(self._runner, version)
        later = sorted({entity_id for entity_id in used if csr.find(entity_id) < 0})
        if later:
            csr = csr.with_entities(later)
        self._exported[version.version] = csr
        return csr


def export(runner: Runner, version: VersionRef) -> Csr:
    """Read all relations of a version: through the procedure when the server has it, else page by page."""
    if "audience.exportRelations" in installed_procedures(runner):
        return export_packed(runner, version)
    return export_pages(runner, version)


def export_packed(runner: Runner, version: VersionRef) -> Csr:
    """Read all relations of a version through the procedure, in slices of bytes."""
    slices = runner.read(load_query("relations/export_procedure"), {"version": version.version})
    first = slices[0]
    degrees = np.frombuffer(first["degrees"], "<i4")
    return Csr(
        packed.texts(first["ids"], first["id_lengths"]),
        np.concatenate(([0], np.cumsum(degrees, dtype=np.int64))),
        np.concatenate([np.frombuffer(part["targets"], "<i4") for part in slices]),
        np.concatenate([np.frombuffer(part["scores"], "<f8") for part in slices]),
        np.concatenate([np.frombuffer(part["ranks"], "<i4") for part in slices]),
    )


def export_pages(runner: Runner, version: VersionRef) -> Csr:
    """Read all relations of a version by plain Cypher, page by page."""
    query = load_query("relations/export_page").at_version(version.relation_type)
    rows: list[Row] = []
    after = ""
    while True:
        page = runner.read(query, {"after": after, "page": PAGE})
        rows += page
        if len(page) < PAGE:
            return from_rows(rows, [row["source"] for row in rows])
        after = page[-1]["source"]


def _edges(csr: Csr, found: Sequence[Sequence[Any]]) -> Edges:
    """Number loose edges; those whose ends are neither in the version nor confirmed lead nowhere."""
    numbered = [(csr.find(source), csr.find(target), *score) for source, target, *score in found]
    kept = [edge for edge in numbered if edge[0] >= 0 and edge[1] >= 0]
    return Edges(
        np.array([edge[0] for edge in kept], np.int64),
        np.array([edge[1] for edge in kept], np.int64),
        np.array([edge[2] if len(edge) > 2 else 0.0 for edge in kept], np.float64),
    )
