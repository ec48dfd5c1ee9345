"""Write a planted world: files in the input contract, and beside them the truth that no loader reads.

<folder>/entities.parquet  events.parquet  users.parquet  corpus.parquet     what a loader gets
<folder>/truth/relations.parquet       source_id, target_id, grade (1.0 same want, 0.5 neighbouring wants)
         future_events.parquet         events of the 14 days from the as-of day on, with what was behind them
         history_mentions.parquet      event_id, entity_ids: what each past event is really about
         known.parquet                 user_id, entity_id: pairs with at least one event in the history
         interests.parquet             user_id, service, weight: hidden interests in force in the future window
         phrases.parquet               phrase, entity_id, service: the 20 service phrases
         phrase_services.parquet       phrase, service, weight: how much a want for a service leads to the entity
         services.parquet              service, name, zh, topic, near
         memberships.parquet           entity_id, service, weight, since, until (days of the world)
         scenarios.parquet             scenario, domain, sentence, columns
         labels.parquet                scenario, user_id, label, hard_negative
<folder>/world.json        size, seed, generator version, as-of, counts; written last
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audience_graph.demo.behaviour import NEAR, OWN, make_behaviour
from audience_graph.demo.corpus import corpus_frame
from audience_graph.demo.entities import Entities, make_entities
from audience_graph.demo.events import COLUMNS, TRUTH_COLUMNS, event_frame
from audience_graph.demo.parquet import ParquetFile
from audience_graph.demo.phrases import Phrases, choose_phrases
from audience_graph.demo.profiles import profile_frame
from audience_graph.demo.relations import true_relations
from audience_graph.demo.scenarios import label_frame, scenario_frame
from audience_graph.demo.security import make_traces
from audience_graph.demo.services import Services, make_services
from audience_graph.demo.sizes import AS_OF, FUTURE_DAYS, GENERATOR_VERSION, HISTORY_DAYS, WorldSize, size_of, stream
from audience_graph.demo.texts import Surfaces, surfaces_of
from audience_graph.demo.users import Users, make_users

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is fixed before the first event happens."""

    size: WorldSize
    seed: int
    services: Services
    entities: Entities
    phrases: Phrases
    surfaces: Surfaces


def plan_world(size: str | WorldSize, seed: int) -> Plan:
    """Return the plan of a world: entities, hidden services, phrases. Raises ConfigError for an unknown size."""
    chosen = size if isinstance(size, WorldSize) else size_of(size)
    services = make_services(chosen, seed)
    entities = make_entities(chosen, seed, services)
    return Plan(chosen, seed, services, entities, choose_phrases(seed, services, entities), surfaces_of(entities))


def write_world(
    folder: Path, size: str | WorldSize = "small", seed: int = 7, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Write a world into a folder and return what world.json holds. Existing files of a world are replaced.

    The same size, seed and generator version give the same content. Users are made in chunks: memory is that of one.
    """
    plan = plan_world(size, seed)
    truth = folder / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    (folder / "world.json").unlink(missing_ok=True)
    _entity_frame(plan.entities).to_parquet(folder / "entities.parquet", index=False)
    corpus_frame(plan.size, seed, plan.entities, plan.services).to_parquet(folder / "corpus.parquet", index=False)
    _write_plan_truth(truth, plan)
    counts = _write_users(folder, plan, progress)
    world = {
        "size": plan.size.name,
        "seed": seed,
        "generator_version": GENERATOR_VERSION,
        "as_of": AS_OF.date().isoformat(),
        "history_days": HISTORY_DAYS,
        "future_days": FUTURE_DAYS,
        "counts": {"entities": len(plan.entities), "users": plan.size.users, **counts},
    }
    (folder / "world.json").write_text(json.dumps(world, indent=2) + "\n", encoding="utf-8")
    return world


def _write_users(folder: Path, plan: Plan, progress: Progress | None) -> dict[str, int]:
    """Write everything that is per user, chunk by chunk; return how many events each side got."""
    truth = folder / "truth"
    chunks = -(-plan.size.users // plan.size.users_per_chunk)
    with (
        ParquetFile(folder / "users.parquet") as profiles,
        ParquetFile(folder / "events.parquet") as history,
        ParquetFile(truth / "future_events.parquet") as future,
        ParquetFile(truth / "history_mentions.parquet") as mentions,
        ParquetFile(truth / "known.parquet") as known,
        ParquetFile(truth / "interests.parquet") as interests,
        ParquetFile(truth / "labels.parquet") as labels,
    ):
        for chunk in range(chunks):
            users = make_users(plan.size, plan.seed, plan.services, chunk)
            past, later = _split(_chunk_events(plan, chunk, users))
            profiles.write(profile_frame(np.random.default_rng(stream(plan.seed, 9, chunk)), users, plan.services))
            history.write(past[list(COLUMNS)])
            future.write(later)
            touched = past[["event_id", "user_id", "true_entity_ids"]].rename(columns={"true_entity_ids": "entity_ids"})
            touched = touched[touched["entity_ids"].str.len() > 0]
            mentions.write(touched[["event_id", "entity_ids"]])
            known.write(_known(touched))
            interests.write(_interests(users))
            labels.write(label_frame(users, plan.services, past, later))
            if progress is not None:
                progress("users", min((chunk + 1) * plan.size.users_per_chunk, plan.size.users), plan.size.users)
    return {"events": history.rows, "future_events": future.rows}


def _chunk_events(plan: Plan, chunk: int, users: Users) -> pd.DataFrame:
    promoted = plan.phrases.promoted(len(plan.services))
    behaviour = make_behaviour(plan.seed, chunk, plan.services, plan.entities, users, promoted)
    traces = make_traces(np.random.default_rng(stream(plan.seed, 10, chunk)), users, plan.services)
    rng = np.random.default_rng(stream(plan.seed, 11, chunk))
    return event_frame(rng, chunk, behaviour, traces, users, plan.entities, plan.services, plan.surfaces)


def _split(events: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the events at the as-of moment: history ends before it, the future window begins at it."""
    later = events["time"] >= pd.Timestamp(AS_OF)
    return events[~later], events.loc[later, [*COLUMNS, *TRUTH_COLUMNS]]


def _known(touched: pd.DataFrame) -> pd.DataFrame:
    pairs = touched[["user_id", "entity_ids"]].explode("entity_ids").rename(columns={"entity_ids": "entity_id"})
    return pairs.drop_duplicates().sort_values(["user_id", "entity_id"])


def _interests(users: Users) -> pd.DataFrame:
    weight = users.interest_on(HISTORY_DAYS + FUTURE_DAYS // 2)
    row, column = np.nonzero(weight)
    frame = pd.DataFrame(
        {
            "user_id": np.array(users.ids)[row],
            "service": users.service[row, column],
            "weight": weight[row, column].round(6),
        }
    )
    return frame.groupby(["user_id", "service"])["weight"].sum().reset_index()


def _entity_frame(entities: Entities) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": entities.ids,
            "name": entities.names,
            "type": entities.types,
            "aliases": [list(own) for own in entities.aliases],
            "description": [text or None for text in entities.descriptions],
            "sensitive": entities.sensitive,
        }
    )


def _write_plan_truth(truth: Path, plan: Plan) -> None:
    services, entities, phrases = plan.services, plan.entities, plan.phrases
    ids = np.array(entities.ids)
    members = entities.members
    frames = {
        "relations": true_relations(entities, services),
        "scenarios": scenario_frame(),
        "phrases": pd.DataFrame({"phrase": phrases.text, "entity_id": ids[phrases.entity], "service": phrases.service}),
        "phrase_services": pd.DataFrame(_ways(plan), columns=["phrase", "service", "weight"]),
        "services": pd.DataFrame(
            {
                "service": np.arange(len(services)),
                "name": services.names,
                "zh": services.zh,
                "topic": [services.topics[t].name for t in services.topic],
                "near": [near.tolist() for near in services.near],
            }
        ),
        "memberships": pd.DataFrame(
            {
                "entity_id": ids[members.entity],
                "service": members.service,
                "weight": members.weight,
                "since": members.since,
                "until": members.until,
            }
        ),
    }
    for name, frame in frames.items():
        frame.to_parquet(truth / f"{name}.parquet", index=False)


def _ways(plan: Plan) -> list[tuple[str, int, float]]:
    """Return how a want for each service leads to a phrase's entity: its own service, and those next to it."""
    rows = []
    near = plan.services.near
    for text, service in zip(plan.phrases.text, plan.phrases.service.tolist(), strict=True):
        rows.append((text, service, 1.0))
        rows += [(text, int(s), round(NEAR / OWN / len(near[s]), 6)) for s in near[service]]
    return rows
