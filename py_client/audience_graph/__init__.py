"""audience-graph: type a service in words; get the users who will want it; see why.

Names are imported when they are first used, so that `import audience_graph` is light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audience_graph.audience.ask import SentenceOptions as SentenceOptions
    from audience_graph.audience.audience import Audience as Audience
    from audience_graph.audience.audience import column as column
    from audience_graph.audience.audience import event as event
    from audience_graph.audience.audience import everyone as everyone
    from audience_graph.audience.audience import users as users
    from audience_graph.audience.compare import Change as Change
    from audience_graph.audience.compare import Comparison as Comparison
    from audience_graph.audience.explain import Explanation as Explanation
    from audience_graph.audience.explain import Reason as Reason
    from audience_graph.audience.near_events import NearEvent as NearEvent
    from audience_graph.audience.near_events import Nearness as Nearness
    from audience_graph.audience.pick import Picked as Picked
    from audience_graph.audience.pick import PickRule as PickRule
    from audience_graph.audience.plan import Plan as Plan
    from audience_graph.audience.target import Target as Target
    from audience_graph.audience.why.answer import AudienceExplanation as AudienceExplanation
    from audience_graph.audience.why.answer import Standing as Standing
    from audience_graph.client import AudienceGraph as AudienceGraph
    from audience_graph.config import Connections as Connections
    from audience_graph.entities.matches import Match as Match
    from audience_graph.entities.matches import Resolution as Resolution
    from audience_graph.entities.matches import Resolved as Resolved
    from audience_graph.erase.answer import Erasure as Erasure
    from audience_graph.errors import AmbiguousError as AmbiguousError
    from audience_graph.errors import AudienceGraphError as AudienceGraphError
    from audience_graph.errors import ConfigError as ConfigError
    from audience_graph.errors import NotFoundError as NotFoundError
    from audience_graph.errors import SensitiveError as SensitiveError
    from audience_graph.errors import StoreError as StoreError
    from audience_graph.graph.answers import Expansion as Expansion
    from audience_graph.graph.answers import Seed as Seed
    from audience_graph.graph.expansion import Expanded as Expanded
    from audience_graph.graph.expansion import ExpandOptions as ExpandOptions
    from audience_graph.release.answers import Releases as Releases
    from audience_graph.saved.run import QueryResult as QueryResult

_HOMES = {
    "AmbiguousError": "errors",
    "Audience": "audience.audience",
    "AudienceExplanation": "audience.why.answer",
    "AudienceGraph": "client",
    "AudienceGraphError": "errors",
    "Change": "audience.compare",
    "Comparison": "audience.compare",
    "ConfigError": "errors",
    "Connections": "config",
    "Erasure": "erase.answer",
    "ExpandOptions": "graph.expansion",
    "Expanded": "graph.expansion",
    "Expansion": "graph.answers",
    "Explanation": "audience.explain",
    "Match": "entities.matches",
    "NearEvent": "audience.near_events",
    "Nearness": "audience.near_events",
    "NotFoundError": "errors",
    "PickRule": "audience.pick",
    "Picked": "audience.pick",
    "Plan": "audience.plan",
    "QueryResult": "saved.run",
    "Reason": "audience.explain",
    "Releases": "release.answers",
    "Resolution": "entities.matches",
    "Resolved": "entities.matches",
    "Seed": "graph.answers",
    "SensitiveError": "errors",
    "SentenceOptions": "audience.ask",
    "Standing": "audience.why.answer",
    "StoreError": "errors",
    "Target": "audience.target",
    "column": "audience.audience",
    "event": "audience.audience",
    "everyone": "audience.audience",
    "users": "audience.audience",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list of names, not two


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'audience_graph' has no attribute {name!r}")
    return getattr(import_module(f"audience_graph.{home}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
