"""Parts of the user model left out, one at a time (FIND Table 5): they are not read, and a kept model agrees."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch
from test_users_fit import CONFIG, DAYS, USERS, encode, everyone_at, write_world
from test_users_tabular import SMALL, schema_and_rows, tensors

from audience_graph.errors import ConfigError
from audience_trainers.run import create_run, open_run
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.fit import train_users
from audience_trainers.users.inputs import read_inputs
from audience_trainers.users.keep import load_users, save_users
from audience_trainers.users.modalities import modality_vectors
from audience_trainers.users.source import open_folder
from audience_trainers.users.tabular.pretrain import TabularPretraining, mlm_loss
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")

PARTS = {
    "behaviour": ("users.behaviour.", "users.activity.", "users.taste."),
    "search": ("users.search.",),
    "tabular": ("users.tabular.", "users.columns."),
    "activity": ("users.activity.",),
    "taste": ("users.taste.",),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder


def changed(inputs):
    """Return the inputs with one part at a time taken from another user, by the part's name."""
    other, taste = np.roll(np.arange(USERS), 1), inputs.taste
    block = inputs.reading.block
    block = replace(block, **{k: getattr(block, k)[other] for k in ("text", "source", "time", "length")})
    found = {
        "behaviour": replace(inputs, reading=Reading(block, inputs.reading.moment, inputs.reading.vectors)),
        "search": replace(inputs, search=inputs.search[other], searched=inputs.searched[other]),
        "activity": replace(inputs, activity=inputs.activity[other]),
        "taste": replace(inputs, taste=replace(taste, begin=taste.begin[other], end=taste.end[other])),
    }
    if inputs.table is not None:
        rows = {k: getattr(inputs.table, k)[other] for k in ("codes", "values")}
        found["tabular"] = replace(inputs, table=replace(inputs.table, **rows))
    return found


@pytest.mark.parametrize("without", ["", "behaviour", "search", "tabular", "activity", "taste", "search,tabular"])
def test_what_is_left_out_is_not_read_and_a_kept_model_agrees(world, tmp_path, without):
    align = replace(CONFIG.align, epochs=1, layers=1, without=without)
    config = replace(CONFIG, align=align, behaviour=replace(CONFIG.behaviour, epochs=1))
    with open_folder(world) as source:
        trained = train_users(source, config, encode, TrainOptions())
        run = create_run(tmp_path, kind="users", week="2025-W15", as_of=date(2025, 4, 10), config=config, seed=7)
        save_users(run, trained, config)
        run.finish()
        opened = load_users(open_run(run.path), source, encode)

    moments, left_out = everyone_at(DAYS), align.left_out
    inputs, users = read_inputs(trained.known, moments), trained.model.users
    before = users.embed(inputs)
    unread = left_out | ({"activity", "taste"} if "behaviour" in left_out else set())
    for name, other in changed(inputs).items():
        moved = float(np.abs(users.embed(other) - before).max())
        assert (moved < 1e-6) == (name in unread), name
    assert (inputs.table is None) == ("tabular" in left_out)
    weights = set(trained.model.state_dict())
    for name, prefixes in PARTS.items():
        if name in left_out:
            assert not [weight for weight in weights if weight.startswith(prefixes)]
    assert len(np.unique(before.round(5), axis=0)) > 1
    np.testing.assert_allclose(opened.embed(moments), before, atol=2e-6)
    assert set(modality_vectors(trained, moments)) == {"behaviour", "search", "tabular"} - left_out


@pytest.mark.parametrize(
    ("without", "words"), [("columns", "found 'columns'"), ("behaviour,search, tabular", "nothing would be left")]
)
def test_a_wrong_name_or_nothing_left_is_said(without, words):
    with pytest.raises(ConfigError, match=words):
        AlignConfig(without=without)


def test_a_model_of_columns_alone_needs_columns(world, tmp_path):
    (tmp_path / "events.parquet").write_bytes((world / "events.parquet").read_bytes())
    config = replace(CONFIG, align=replace(CONFIG.align, without="behaviour,search"))
    with open_folder(tmp_path) as source, pytest.raises(ConfigError, match="nothing of users is left to read"):
        train_users(source, config, encode, TrainOptions())


def test_without_replaced_cells_masked_ones_alone_are_learned():
    """With `replaced=0` the loss is that of the two masked-cell tasks; what tells replaced cells gets no gradient."""
    schema, rows = schema_and_rows()
    model = TabularPretraining(schema, replace(SMALL, replaced=0.0))
    codes, values = tensors(rows)
    torch.manual_seed(3)
    loss = model(codes, values)
    torch.manual_seed(3)
    masked = torch.rand(codes.shape) < SMALL.mask
    hidden, seen = torch.where(masked, model.encoder.masked, codes), values.masked_fill(masked, 0.0)
    wanted = mlm_loss(model.says(model.encoder(hidden, seen)), codes, masked)
    wanted = wanted + mlm_loss(model.guesses(model.generator(hidden, seen)), codes, masked)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    loss.backward()
    assert all(p.grad is None for p in model.doubts.parameters())
    assert any(float(p.grad.abs().sum()) > 0 for p in model.encoder.parameters() if p.grad is not None)
