"""Keep a trained user model in a run folder, and open it again on the users of today.

model.pt          weights of both sides         model.json   what else is needed: channels, columns, sizes
entities.parquet  ids of the entities whose vectors texts take: rows of entity_vectors.npy (n, d), unit vectors
sentences/        where a tower reads sentences: a folder that sentence-transformers opens
searches/         where searches are read by an encoder of their own: a folder that Hugging Face opens
events/           where events are read by a model of their own: a folder that Hugging Face opens

LoRA lies in the weights of these folders: a model that is opened again is read, not trained further.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from audience_graph.entities.text_encoder import MODEL
from audience_graph.errors import RunError
from audience_graph.user_text.space import SentenceMap
from audience_trainers.run import Progress, RunFolder, silent
from audience_trainers.users.alignment.aligned import Aligned, join_sides
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.entity_text import EntityText
from audience_trainers.users.event_text.encoder import EventText
from audience_trainers.users.event_text.known import open_events, settle_events
from audience_trainers.users.fit import TrainedUsers
from audience_trainers.users.histories import Histories, read_histories
from audience_trainers.users.inputs import Known
from audience_trainers.users.profiles import read_profiles
from audience_trainers.users.search_text.encoder import SearchText
from audience_trainers.users.source import Source
from audience_trainers.users.tabular.config import TabularConfig
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.tabular.schema import TabularSchema
from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.text_tower.open import open_tower
from audience_trainers.users.text_tower.reader import TextReader
from audience_trainers.users.text_tower.save import write_reader
from audience_trainers.users.texts import Encode
from audience_trainers.users.user_model import Floats

C = TypeVar("C")
SENTENCES, SEARCHES, EVENTS = "sentences", "searches", "events"


def save_users(run: RunFolder, trained: TrainedUsers, config: UsersConfig) -> str:
    """Write a trained model into a run folder and return its content hash: equal for equal weights.

    The hash is of all weights; model.pt holds those that lie in no folder of their own.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in trained.model.state_dict().items()}
    known = trained.known
    told = {
        "sources": list(known.histories.sources),
        "channels": list(known.channels),
        "width": known.width,
        "searches": known.searches,
        "text_dims": int(known.vectors.shape[1]),
        "event_dims": events.dims if (events := _events_of(trained.model)) is not None else 0,
        "entity_dims": trained.texts.dims,
        "entity_weight": trained.texts.weight,
        "schema": None if known.schema is None else json.loads(known.schema.to_json()),
        "horizon_days": config.pairs.windows.horizon_days,
        "content_hash": _hash(state),
    }
    ids = sorted(trained.texts.vectors)
    run.write_table("entities", pa.table({"entity_id": pa.array(ids, pa.string())}))
    vectors = [trained.texts.vectors[entity] for entity in ids]
    run.write_array("entity_vectors", np.array(vectors, np.float32).reshape(len(ids), trained.texts.dims))
    if trained.model.tower is not None:
        trained.model.tower.save(run.path / SENTENCES)
    for folder, reader in _readers(trained.model):
        write_reader(run.path / folder, reader)
    buffer = io.BytesIO()
    torch.save({name: value for name, value in state.items() if not _is_read(name)}, buffer)
    run.write_bytes("model.pt", buffer.getvalue())
    run.write_json("model", told)
    return str(told["content_hash"])


def load_users(
    run: RunFolder, source: Source, encode: Encode, *, cache: Path | None = None, progress: Progress = silent
) -> TrainedUsers:
    """Open a kept model on the events and columns of a source.

    What a model of its own says of events is kept in the folder `cache`, if one is named. Events of channels that the
    model was not trained on are left out, and said. Raises RunError for a damaged folder.
    """
    told, state = _read(run)
    histories = _with_channels(read_histories(source), tuple(told["sources"]), progress)
    schema = None if told["schema"] is None else TabularSchema.from_json(json.dumps(told["schema"]))
    model = _model(run, told, schema, state)
    try:
        model.load_state_dict({name: value for name, value in model.state_dict().items() if _is_read(name)} | state)
    except RuntimeError as exc:
        raise RunError(f"{run.path / 'model.pt'} does not fit its settings: {exc}") from exc
    progress("texts", 0, len(histories.texts))
    texts = EntityText(encode, source.dictionary, entity_vectors(run), told["entity_dims"], told["entity_weight"])
    vectors = texts.events(histories.texts)
    known = Known(histories, vectors, told["width"], told["searches"], tuple(told["channels"]))
    known = settle_events(known, _events_of(model), cache)
    progress("texts", len(histories.texts), len(histories.texts))
    if schema is not None:
        known = replace(known, profiles=read_profiles(source, histories), schema=schema)
    return TrainedUsers(model.eval(), known, texts)


def entity_vectors(run: RunFolder) -> dict[str, Floats]:
    """Return the unit vectors (d,) of the entities that texts take, by id."""
    ids = run.read_table("entities")["entity_id"].to_pylist()
    return dict(zip(ids, np.array(run.read_array("entity_vectors")), strict=True))


def sentence_map(run: RunFolder) -> SentenceMap:
    """Return how a sentence becomes a vector of this model's space: by a linear map, or by the tower in its folder."""
    told, state = _read(run)
    folder = f"{run.run_id}/{SENTENCES}" if _texts_config(run, "tower").reads else None
    if folder is not None and told["entity_dims"] == 0:
        return SentenceMap(base=run.run_id, width=int(state["head.weight"].shape[1]), folder=folder)
    weight, bias = state["head.weight"].float().numpy(), state["head.bias"].float().numpy()
    return SentenceMap(
        base=MODEL if folder is None else run.run_id,
        width=int(weight.shape[1]),
        weight=weight,
        bias=bias,
        folder=folder,
        entity_dims=int(told["entity_dims"]),
        entity_weight=float(told["entity_weight"]),
    )


def config_of(kind: type[C], values: dict[str, Any]) -> C:
    """Return the settings that a run folder keeps; a setting that it does not know yet has its default."""
    known = get_type_hints(kind)
    told = {name: value for name, value in values.items() if name in known}
    parts = {name: config_of(known[name], value) for name, value in told.items() if is_dataclass(known[name])}
    return kind(**(told | parts))


def _model(
    run: RunFolder, told: dict[str, Any], schema: TabularSchema | None, state: dict[str, torch.Tensor]
) -> Aligned:
    behaviour = config_of(BehaviourConfig, run.config["behaviour"])
    tabular = None if schema is None else TabularEncoder(schema, config_of(TabularConfig, run.config["tabular"]))
    events, beside = None, told["entity_dims"]
    if told.get("event_dims"):
        events = open_events(run.path / EVENTS, behaviour.text, words=told["text_dims"] - beside, beside=beside)
    width = told["text_dims"] if events is None else events.dims
    encoder = BehaviourEncoder(width, len(told["sources"]), behaviour)
    align = config_of(AlignConfig, run.config["align"])
    tower = None
    if _texts_config(run, "tower").reads:
        rows, columns = state["tower.project.weight"].shape
        tower = open_tower(run.path / SENTENCES, None if told["entity_dims"] == 0 else nn.Linear(columns, rows))
    return join_sides(
        encoder,
        tabular,
        align,
        text_dims=told["text_dims"],
        tower=tower,
        search=None if "search" in align.left_out else _open_search(run, behaviour.dims),
        events=events,
    )


def _open_search(run: RunFolder, dims: int) -> SearchText | None:
    config = _texts_config(run, "search_text")
    if not config.reads:
        return None
    return SearchText(replace(config, folder=str(run.path / SEARCHES), tune="head", dims=dims))


def _events_of(model: Aligned) -> EventText | None:
    found = getattr(model.users, "events", None)
    return found if isinstance(found, EventText) else None


def _readers(model: Aligned) -> list[tuple[str, TextReader]]:
    """Return what reads texts of users, and the folders where they are kept."""
    search, events = getattr(model.users, "search", None), _events_of(model)
    found = [(SEARCHES, search.reader)] if isinstance(search, SearchText) else []
    return found + ([(EVENTS, events.reader)] if events is not None and events.reader is not None else [])


def _texts_config(run: RunFolder, name: str) -> TowerConfig:
    """Return how texts are read; runs from before they could be say nothing of it."""
    return config_of(TowerConfig, run.config.get(name, {}))


def _is_read(name: str) -> bool:
    """Return whether a weight belongs to a model that reads texts, and lies in that model's folder."""
    return ".reader." in name


def _read(run: RunFolder) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    path: Path = run.path / "model.pt"
    try:
        state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        told: dict[str, Any] = run.read_json("model")
    except (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as exc:
        raise RunError(f"{path} is not readable: {exc}", hint="run `audience-graph users train` again") from exc
    return told, state


def _with_channels(histories: Histories, sources: tuple[str, ...], progress: Progress) -> Histories:
    """Number the channels as the model knows them; events of others are left out."""
    place = {name: i for i, name in enumerate(sources)}
    code = np.array([place.get(name, -1) for name in histories.sources], np.int16)
    source = code[histories.source]
    kept = source >= 0
    unknown = sorted(name for name in histories.sources if name not in place)
    if unknown:
        progress(f"events of channels that the model was not trained on are left out: {', '.join(unknown)}", 1, 1)
    before = np.concatenate([[0], np.cumsum(kept)])
    return replace(
        histories,
        start=before[histories.start].astype(np.int64),
        time=histories.time[kept],
        source=source[kept],
        text=histories.text[kept],
        sources=sources,
    )


def _hash(state: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(f"{name}{tuple(state[name].shape)}".encode())
        digest.update(state[name].float().numpy().tobytes())
    return digest.hexdigest()
