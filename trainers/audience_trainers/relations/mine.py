"""A weekly mining run: dictionary and sequences in, one finished run folder out. Writes to no database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from audience_graph.config import Connections, Home
from audience_graph.entities.dictionary import Dictionary, read_dictionary
from audience_graph.entities.text_encoder import DIMS, MODEL, TextEncoder, halves_help
from audience_graph.errors import ConfigError, RunError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Runner, open_runner
from audience_graph.ingest.engines import Engine
from audience_graph.ingest.sequences import sequences
from audience_graph.ingest.warehouse import warehouse
from audience_graph.preferences import last_day as last_day_of
from audience_trainers.relations.behaviour import Entities, behaviour_from_sequences
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.ensemble.weeks import WeekVectors, iso_week, read_weeks
from audience_trainers.relations.judge import Learning, Verdict
from audience_trainers.relations.pipeline import Mined, Overlay, mine_behaviour
from audience_trainers.relations.plots import write_plots
from audience_trainers.relations.propose import Known
from audience_trainers.relations.review import Review, read_review
from audience_trainers.relations.text_vectors import read_documents
from audience_trainers.relations.topn import Floats
from audience_trainers.run import Progress, RunFolder, choose_device, create_run, silent
from audience_trainers.text_cache import Encode, TextCache

if TYPE_CHECKING:
    from audience_trainers.relations.ensemble.infer import Ensemble
    from audience_trainers.relations.ensemble.pairs import TrainingPairs
    from audience_trainers.relations.ensemble.scores import WeekScores

TEXT_CACHE = "text_vectors"


@dataclass(frozen=True, slots=True)
class MineOptions:
    """Which week, up to which day, how. `as_of` None = the last day with an event, or the Sunday of `week`; at most
    today.
    """

    week: str | None = None
    as_of: date | None = None
    engine: Engine = "duckdb"
    seed: int = 7
    config: MineConfig = field(default_factory=MineConfig)


def mine_week(
    home: Home, connections: Connections, options: MineOptions | None = None, *, progress: Progress = silent
) -> RunFolder:
    """Mine the `config.days` days up to a day and return the finished run folder; `push` brings it to the stores.

    Raises RunError when there is nothing to mine, ConfigError for a week or day that does not exist.
    """
    chosen = MineOptions() if options is None else options
    week, as_of = resolve_week(home, chosen.week, chosen.as_of)
    with open_runner(connections) as runner:
        dictionary = read_dictionary(runner)
        overlay = read_overlay(runner, dictionary)
    progress("dictionary", 1, 1)
    return mine_dictionary(home, dictionary, overlay, replace(chosen, week=week, as_of=as_of), progress=progress)


def mine_dictionary(
    home: Home, dictionary: Dictionary, overlay: Overlay, chosen: MineOptions, *, progress: Progress = silent
) -> RunFolder:
    """Do what `mine_week` does with a dictionary and decided pairs that are given: needs no server."""
    week, as_of = resolve_week(home, chosen.week, chosen.as_of)
    known = Known(read_documents(home, dictionary), review_of(chosen.config))
    table = sequences(home, dictionary, as_of, days=chosen.config.days, engine=chosen.engine)
    progress("sequences", 1, 1)
    entities = entities_of(dictionary)
    run = create_run(home.runs, kind="mine", week=week, as_of=as_of, config=chosen.config, seed=chosen.seed)
    run.write_table("entities", entities.to_table())
    run.write_table("sequences", table)
    mined = mine_behaviour(
        entities,
        behaviour_from_sequences(table, entities),
        chosen.config,
        seed=chosen.seed,
        encode=kept_encoder(home, chosen.config),
        overlay=overlay,
        known=known,
        learning=learning_of(home, run, entities, chosen.config, progress),
        progress=progress,
    )
    write_mined(run, entities, mined)
    if chosen.config.plots:
        write_plots(run)
    run.finish()
    return run


def learning_of(home: Home, run: RunFolder, entities: Entities, config: MineConfig, progress: Progress) -> Learning:
    """Return where this run learns, and how it meets the weeks that earlier runs keep."""
    device = choose_device(config.device)

    def with_past(z: Floats, pairs: TrainingPairs, scores: WeekScores) -> Ensemble | None:
        from audience_trainers.relations.ensemble.weekly import ensemble_of_week

        now = WeekVectors(run.week, entities.ids, z)
        if config.ensemble.weeks < 2 or not read_weeks(home.runs, run.week, config.ensemble.weeks - 1):
            return None
        try:
            return ensemble_of_week(
                home.runs, now, pairs, config.ensemble, scores=scores, seed=run.seed, device=device, progress=progress
            )
        except RunError as exc:  # stage II is whole: its scores stand
            progress(f"without the weeks before: {exc.message}", 1, 1)
            return None

    return Learning(device, home.path / "cache" / "alpc", with_past, progress)


def kept_encoder(home: Home, config: MineConfig) -> Encode:
    """Return the text encoder behind the home's cache of text vectors. The model is loaded at the first new text."""
    device = choose_device(config.device)
    encoder = TextEncoder(device=device)
    kept = TextCache(
        home.path / "cache" / TEXT_CACHE, f"{MODEL} on {device}{' in halves' if halves_help(device) else ''}", DIMS
    )
    return lambda texts: kept.encode(texts, encoder.encode_alone)


def review_of(config: MineConfig) -> Review | None:
    """Return the review that the settings name, or None. Raises ConfigError or InputError (see `read_review`)."""
    return read_review(Path(config.review), minimum=config.review_minimum) if config.review else None


def write_mined(run: RunFolder, entities: Entities, mined: Mined) -> None:
    """Write candidates and their buckets, relations, thresholds, vectors and metrics; `finish` seals the folder.

    `logit` of candidates.parquet is the published one, on the scale of the thresholds; `single_logit` that of stage II
    alone, where the model has one: the two differ in a week that the ensemble decides.
    """
    verdict = mined.verdict
    table = verdict.candidates.to_table().append_column("logit", pa.array(verdict.logit))
    if verdict.stage_two is not None:
        table = table.append_column("single_logit", pa.array(verdict.stage_two.pairs.logit))
    run.write_table("candidates", table)
    run.write_table("relations", mined.relations.to_table(entities.ids))
    run.write_table(
        "thresholds",
        pa.table({"entity_id": pa.array(entities.ids, pa.string()), "threshold": pa.array(verdict.thresholds)}),
    )
    run.write_array("entity_vectors", mined.entity_vectors)
    write_learned(run, verdict)
    proposal = mined.proposal
    run.write_table("buckets", proposal.buckets)
    run.write_table("bucket_samples", proposal.samples)
    run.write_array("text_vectors", proposal.own_vectors)
    run.write_array("co_vectors", proposal.co_vectors)
    run.write_array("se_vectors", proposal.se_vectors)
    run.write_json("metrics", mined.metrics)


def write_learned(run: RunFolder, verdict: Verdict) -> None:
    """Write what a learned model leaves for the weeks to come: z, training pairs, curves, and stage II's own word."""
    if verdict.z is None or verdict.pairs is None:
        return
    run.write_array("z", verdict.z)
    run.write_table("pairs", verdict.pairs.to_table())
    said = verdict.stage_two
    tables = {} if said is None else {"stage_two": said.by_entity(), "held": said.by_held_pair()}
    for name, table in tables.items():
        if table is not None:
            run.write_table(name, table)
    epochs, names, values = zip(*verdict.curves, strict=True)
    run.write_table("curves", pa.table({"epoch": list(epochs), "name": list(names), "value": list(values)}))


def entities_of(dictionary: Dictionary) -> Entities:
    """Return the dictionary in columns."""
    rows = dictionary.entities
    return Entities(
        ids=tuple(e.id for e in rows),
        names=tuple(e.name for e in rows),
        types=tuple(e.type for e in rows),
        descriptions=tuple(e.description or "" for e in rows),
    )


def read_overlay(runner: Runner, dictionary: Dictionary) -> Overlay:
    """Read confirmed and rejected pairs from Neo4j."""
    place = {entity_id: i for i, entity_id in enumerate(dictionary.ids)}
    row = runner.read(load_query("relations/decided"))[0]

    def pairs(listed: list[list[str]]) -> frozenset[tuple[int, int]]:
        return frozenset((place[u], place[v]) for u, v in listed if u in place and v in place and u != v)

    return Overlay(confirmed=pairs(row["confirmed"]), rejected=pairs(row["rejected"]))


def resolve_week(home: Home, week: str | None, as_of: date | None, *, today: date | None = None) -> tuple[str, date]:
    """Return (ISO week, day). Without a day: the Sunday of the week, else the last day with an event; at most today.

    Raises ConfigError for a week that does not exist, or that has not begun when no day is named.
    """
    if as_of is not None:
        return iso_week(as_of) if week is None else _checked(week), as_of
    now = datetime.now(UTC).date() if today is None else today
    if week is not None:
        if date.fromisoformat(f"{_checked(week)}-1") > now:
            raise ConfigError(f"week {week} has not begun", hint="name the last day to read with --as-of")
        return week, min(date.fromisoformat(f"{week}-7"), now)
    last = last_day(home, today=now)
    return iso_week(last), last


def last_day(home: Home, *, today: date | None = None) -> date:
    """Return the UTC day of the latest loaded event, up to today. Raises RunError when there is none."""
    return last_day_of(warehouse(home).batches("events"), today=today)


def _checked(week: str) -> str:
    try:
        if iso_week(date.fromisoformat(f"{week}-1")) != week:
            raise ValueError(week)
    except ValueError:
        raise ConfigError(f"{week!r} is not an ISO week", hint="weeks look like 2026-W30") from None
    return week
