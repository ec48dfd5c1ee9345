"""Where the files that are not Python live: `cypher/`, `migrations/`, `gds_procs/`.

In an installed wheel they are packed under `audience_graph/_resources/`; in a checkout they are the top-level
folders of the repository.
"""

from __future__ import annotations

from pathlib import Path

from audience_graph.errors import ConfigError

_PACKED = Path(__file__).parent / "_resources"
_CHECKOUT = Path(__file__).parents[2]


def resource(*parts: str) -> Path:
    """Return the path of a packed file or folder, e.g. `resource("cypher", "entities")`.

    Raises ConfigError when the installation lacks it.
    """
    for root in (_PACKED, _CHECKOUT):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ConfigError(
        f"this installation lacks {'/'.join(parts)}",
        hint="reinstall the package: pip install --force-reinstall audience-graph",
    )
