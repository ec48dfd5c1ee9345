"""Train a user model on a home and keep it in a run folder; writes to no database."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from audience_graph.config import Connections, Home
from audience_graph.ingest.warehouse import warehouse
from audience_trainers.relations.mine import TEXT_CACHE, resolve_week
from audience_trainers.run import Progress, RunFolder, choose_device, create_run, silent
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.fit import train_users
from audience_trainers.users.keep import save_users
from audience_trainers.users.source import Source, open_home, seconds_of
from audience_trainers.users.texts import Encode, encode_with, kept_beside
from audience_trainers.users.training import TrainOptions

KIND = "users"
MOST_PAYMENTS = 100


@dataclass(frozen=True, slots=True)
class TrainUsersOptions:
    """Up to which day (None: the last with an event), how, and on which device."""

    as_of: date | None = None
    seed: int = 7
    device: str = "auto"
    config: UsersConfig = field(default_factory=UsersConfig)


def train_home(
    home: Home, connections: Connections, options: TrainUsersOptions, *, progress: Progress = silent
) -> RunFolder:
    """Train on everything up to a day and return the finished run folder; `push` brings it to the stores.

    A training that was stopped goes on from its last whole epoch when the same is asked of the same events. Raises
    InputError or RunError when there is nothing to learn from.
    """
    week, as_of = resolve_week(home, None, options.as_of)
    device = choose_device(options.device)
    unfinished = _unfinished(home, options, as_of)
    with past_of(home, connections, as_of) as source:
        run = create_run(home.runs, kind=KIND, week=week, as_of=as_of, config=options.config, seed=options.seed)
        how = TrainOptions(
            seed=options.seed, device=device, folder=unfinished, progress=progress, cache=kept_events(home)
        )
        trained = train_users(source, options.config, kept_texts(home), how)
        content_hash = save_users(run, trained, options.config)
        run.write_json("metrics", {
            "content_hash": content_hash,
            "valid_loss": round(trained.valid_loss, 6),
            "users": len(trained.known.histories.user_ids),
            "events": len(trained.known.histories.time),
            "payments": _payments(source),
        })  # fmt: skip
    run.finish()
    shutil.rmtree(unfinished)
    return run


def _unfinished(home: Home, options: TrainUsersOptions, as_of: date) -> Path:
    """Return the folder of this training's checkpoints: of these settings, this day and these loaded files."""
    files = [(path.name, path.stat().st_size) for path in warehouse(home).batches("events")]
    told = repr((options.config, options.seed, as_of, files)).encode()
    folder = home.path / "cache" / "users" / hashlib.blake2b(told, digest_size=8).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def future_config(config: UsersConfig) -> UsersConfig:
    """Return settings that keep no window for a test: what is trained is for what comes after."""
    return replace(config, pairs=replace(config.pairs, windows=replace(config.pairs.windows, test_cuts=0)))


@contextmanager
def past_of(home: Home, connections: Connections, as_of: date) -> Iterator[Source]:
    """Open a home's events up to the end of a day (UTC)."""
    end = int(datetime.combine(as_of + timedelta(days=1), time.min, UTC).timestamp())
    with open_home(home, connections) as source:
        yield replace(source, events=source.events.filter(seconds_of(source.events.time) < end))


def kept_texts(home: Home) -> Encode:
    """Return the text encoder behind the home's cache of text vectors."""
    return encode_with(home.path / "cache" / TEXT_CACHE)


def kept_events(home: Home) -> Path | None:
    """Return the folder of the vectors that the models of events gave, each under the content of its weights."""
    return kept_beside(home.path / "cache" / TEXT_CACHE)


def space_of(run: RunFolder) -> str:
    """Return the name of the space of a run: its week and the first 8 digits of the model's content hash."""
    digest = str(run.read_json("model")["content_hash"])[:8]
    return f"text_{run.week.replace('-', '_').lower()}_{digest}"


def _payments(source: Source) -> list[str]:
    """Return the payment channels of the events, the most used first: words that a sentence may use."""
    named = source.events.filter(source.events.payment_channel.nullif("").notnull())
    counted = named.group_by("payment_channel").aggregate(n=named.count()).order_by(["payment_channel"])
    rows = source.backend.to_pyarrow(counted).to_pylist()
    rows.sort(key=lambda row: -row["n"])
    return [row["payment_channel"] for row in rows[:MOST_PAYMENTS]]
