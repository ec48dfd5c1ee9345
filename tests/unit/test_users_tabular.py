"""The tabular encoder: columns as codes, a TabTransformer, masked and replaced cells."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from audience_graph.errors import ConfigError
from audience_trainers.users.tabular.config import TabularConfig
from audience_trainers.users.tabular.encoder import ReplacedClassifier, TabularEncoder
from audience_trainers.users.tabular.pretrain import (
    TabularPretraining,
    encode_rows,
    mlm_loss,
    pretrain_tabular,
)
from audience_trainers.users.tabular.schema import FIRST, MISSING, UNSEEN, TabularSchema
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = TabularConfig(dims=16, layers=2, heads=2, dropout=0.0, generator_dims=8, batch=32, epochs=3)


def some_columns(p=60, seed=0):
    """Columns of which `twin` says the same as `kind`, with gaps."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(4, size=p)
    spend = np.where(rng.random(p) < 0.2, np.nan, np.exp(rng.normal(3, 1, p)))
    return {
        "kind": np.array([None if i % 9 == 0 else "abcd"[k] for i, k in enumerate(kind)], object),
        "twin": np.array(["wxyz"[k] for k in kind], object),
        "spend": spend,
        "flag": np.array([None if i % 7 == 0 else bool(k % 2) for i, k in enumerate(kind)], object),
    }


def schema_and_rows(p=60, seed=0):
    columns = some_columns(p, seed)
    schema = TabularSchema.fit(columns, bins=4)
    return schema, schema.encode(columns)


def tensors(rows):
    return torch.from_numpy(rows.codes), torch.from_numpy(rows.values)


def test_missing_and_unseen_have_codes_of_their_own():
    schema, _ = schema_and_rows()
    rows = schema.encode(
        {
            "kind": np.array(["a", None, "new"], object),
            "twin": np.array(["w", "w", "w"], object),
            "spend": np.array([np.nan, 1e9, -1e9]),
            "flag": np.array([True, None, False], object),
        }
    )
    kind = {value: FIRST + i for i, value in enumerate(schema.columns[0].values)}
    assert rows.codes[:, 0].tolist() == [kind["a"], MISSING, UNSEEN]
    assert rows.codes[:, 2].tolist() == [MISSING, FIRST + 3, FIRST]
    assert rows.codes[1, 3] == MISSING
    assert rows.codes[0, 3] != rows.codes[2, 3]
    assert rows.values[0, 2] == 0.0
    assert np.isfinite(rows.values).all()


def test_bins_hold_about_as_many_rows_and_few_values_have_their_own():
    cells = np.exp(np.random.default_rng(1).normal(size=1_000))
    schema = TabularSchema.fit({"x": cells, "n": np.arange(1_000.0) % 3}, bins=8)
    codes = schema.encode({"x": cells, "n": np.arange(1_000.0) % 3}).codes
    assert np.bincount(codes[:, 0])[FIRST:].tolist() == pytest.approx([125] * 8, abs=2)
    assert codes[:3, 1].tolist() == [FIRST, FIRST + 1, FIRST + 2]


def test_many_zeros_have_a_bin_of_their_own_and_the_rest_is_still_cut():
    spend = np.concatenate([np.zeros(950), np.arange(1.0, 51.0)])
    codes = TabularSchema.fit({"x": spend}, bins=8).encode({"x": spend}).codes[:, 0]
    assert (codes[:950] == FIRST).all()
    assert np.bincount(codes[950:])[FIRST + 1 :].tolist() == pytest.approx([7] * 7, abs=1)
    steep = np.concatenate([np.full(500, 5.0), np.linspace(0, 10, 501)])
    codes = TabularSchema.fit({"x": steep}, bins=8).encode({"x": np.array([4.9, 5.0, 5.1])}).codes[:, 0]
    assert len(set(codes.tolist())) == 3


@pytest.mark.parametrize("numbers", ["binned", "periodic"])
def test_an_unseen_value_enters_as_a_masked_one(numbers):
    schema, rows = schema_and_rows()
    torch.manual_seed(0)
    encoder = TabularEncoder(schema, replace(SMALL, numbers=numbers)).eval()
    codes, values = tensors(rows)
    unseen, masked = codes.clone(), codes.clone()
    unseen[:, 0], masked[:, 0] = UNSEEN, encoder.masked[0]
    assert torch.equal(encoder(unseen, values), encoder(masked, values))
    assert not torch.equal(encoder(unseen, values), encoder(codes, values))


def test_columns_that_tell_nothing_are_left_out():
    columns = {
        "always": np.full(5, 3.0),
        "nothing": np.full(5, np.nan),
        "word": np.array(["x"] * 5, object),
        "none": np.array([None] * 5, object),
        "sometimes": np.array([3.0, np.nan, 3.0, 3.0, np.nan]),
    }
    assert [c.name for c in TabularSchema.fit(columns).columns] == ["sometimes"]
    del columns["sometimes"]
    with pytest.raises(ConfigError, match="none of 4 columns"):
        TabularSchema.fit(columns)


def test_a_schema_is_kept_as_json_and_asks_for_its_columns():
    schema, rows = schema_and_rows()
    again = TabularSchema.from_json(schema.to_json())
    assert again == schema
    assert (again.encode(some_columns()).codes == rows.codes).all()
    with pytest.raises(ConfigError, match="'twin' is not there"):
        schema.encode({"kind": np.array(["a"], object)})


@pytest.mark.parametrize("numbers", ["binned", "periodic"])
def test_the_forward_pass_is_a_pre_norm_transformer_over_cells(numbers):
    """Written out with matrix products: embeddings, attention over columns, feed-forward, norms."""
    schema, rows = schema_and_rows(7)
    torch.manual_seed(1)
    encoder = TabularEncoder(schema, replace(SMALL, numbers=numbers)).eval()
    codes, values = tensors(rows)
    table, start = encoder.cell.weight, encoder.start
    h = torch.stack([table[codes[:, f] + start[f]] for f in range(4)], dim=1)
    if numbers == "periodic":
        angle = 2 * math.pi * values[:, 2:3] * encoder.waves.frequency[2]
        waves = torch.cat([angle.sin(), angle.cos()], dim=1) @ encoder.waves.weight[2]
        h[:, 2] = torch.where((codes[:, 2] >= FIRST).unsqueeze(1), waves, h[:, 2])
    h = h + encoder.column
    for layer in encoder.over.layers:
        q, k, v = F.linear(layer.norm1(h), layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias).chunk(3, dim=2)
        q, k, v = (x.view(7, 4, 2, 8).transpose(1, 2) for x in (q, k, v))
        heard = ((q @ k.transpose(2, 3)) / math.sqrt(8)).softmax(dim=3) @ v
        h = h + layer.self_attn.out_proj(heard.transpose(1, 2).reshape(7, 4, 16))
        h = h + layer.linear2(F.gelu(layer.linear1(layer.norm2(h))))

    assert torch.allclose(encoder(codes, values), encoder.leave(h), atol=1e-5)
    assert torch.allclose(torch.from_numpy(encode_rows(encoder, rows)), encoder.leave(h).mean(dim=1), atol=1e-5)


def test_mlm_is_the_mean_cross_entropy_of_masked_cells():
    logits = [torch.randn(3, 4), torch.randn(3, 2)]
    codes = torch.tensor([[0, 1], [3, 0], [2, 1]])
    masked = torch.tensor([[True, False], [True, True], [False, False]])
    wanted = [-math.log(float(logits[f][b].softmax(dim=0)[codes[b, f]])) for b, f in ((0, 0), (1, 0), (1, 1))]
    assert float(mlm_loss(logits, codes, masked)) == pytest.approx(sum(wanted) / 3, abs=1e-5)
    assert float(mlm_loss(logits, codes, torch.zeros_like(masked))) == 0.0


def test_a_sample_that_hits_the_original_is_no_replacement():
    schema, rows = schema_and_rows()
    model = TabularPretraining(schema, SMALL)
    codes, values = tensors(rows)
    masked = torch.zeros_like(codes, dtype=torch.bool)
    masked[:, [0, 2]] = True
    sure = [F.one_hot(codes[:, f], c.codes) * 100.0 for f, c in enumerate(schema.columns)]
    sure[2] = F.one_hot(torch.full_like(codes[:, 2], FIRST), schema.columns[2].codes) * 100.0

    new, new_values, replaced = model.replace(codes, values, masked, sure)

    assert (replaced[:, 2] == (codes[:, 2] != FIRST)).all()
    assert not replaced[:, [0, 1, 3]].any()
    assert torch.equal(new[:, [0, 1, 3]], codes[:, [0, 1, 3]])
    changed = replaced[:, 2]
    of_the_bin = set(values[codes[:, 2] == FIRST, 2].tolist())
    assert set(new_values[changed, 2].tolist()) <= of_the_bin
    assert len(set(new_values[changed, 2].tolist())) > 3
    assert schema.columns[2].centres[0] not in new_values[changed, 2].tolist()
    assert torch.equal(new_values[~changed], values[~changed])


def test_a_bin_that_no_row_has_gives_its_median_and_unseen_is_never_sampled():
    schema, rows = schema_and_rows()
    model = TabularPretraining(schema, SMALL)
    codes, values = (part[rows.codes[:, 2] != FIRST] for part in tensors(rows))
    sure = [torch.zeros(len(codes), c.codes) for c in schema.columns]
    sure[0][:, UNSEEN] = 50.0
    sure[2][:, FIRST] = 100.0

    new, new_values, replaced = model.replace(codes, values, torch.ones_like(codes, dtype=torch.bool), sure)

    assert replaced[:, 2].all()
    assert torch.allclose(new_values[:, 2], torch.tensor(schema.columns[2].centres[0]))
    assert not (new == UNSEEN).any()


def test_every_column_has_a_classifier_of_its_own():
    classifier = ReplacedClassifier(2, 3)
    with torch.no_grad():
        classifier.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]))
    assert classifier(torch.tensor([[[2.0, 5.0, 0], [2.0, 5.0, 0]]])).tolist() == [[2.0, 5.0]]


def test_nothing_flows_back_through_the_samples_of_the_generator():
    schema, rows = schema_and_rows()
    model = TabularPretraining(schema, SMALL)
    found = []
    for weight in (0.0, 50.0):
        model.weight = weight
        model.zero_grad()
        torch.manual_seed(0)
        model(*tensors(rows)).backward()
        found.append(torch.cat([p.grad.flatten() for p in model.generator.parameters() if p.grad is not None]))
    assert torch.allclose(*found, atol=1e-6)


@pytest.mark.parametrize("numbers", ["binned", "periodic"])
def test_a_masked_cell_is_told_from_its_twin(numbers):
    schema, rows = schema_and_rows(400)
    config = replace(SMALL, numbers=numbers, epochs=40, patience=40, learning_rate=3e-3, replaced=1.0, mask=0.2)
    torch.manual_seed(0)
    model = TabularPretraining(schema, config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    codes, values = tensors(rows)
    for _ in range(150):
        optimizer.zero_grad()
        model(codes, values).backward()
        optimizer.step()
    model.eval()
    hidden = codes.clone()
    hidden[:, 1] = model.encoder.masked[1]
    known = codes[:, 0] != MISSING

    told = model.says(model.encoder(hidden, values))[1].argmax(dim=1)

    assert (told == codes[:, 1])[known].float().mean() > 0.99


class Stopped(Exception):
    pass


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path):
    schema, rows = schema_and_rows(120)
    user = np.arange(120) // 2

    def stop(step, done, total):  # noqa: ARG001
        if done == 2:
            raise Stopped

    whole = pretrain_tabular(schema, rows, user, SMALL, TrainOptions())
    with pytest.raises(Stopped):
        pretrain_tabular(schema, rows, user, SMALL, TrainOptions(folder=tmp_path, progress=stop))
    again = pretrain_tabular(schema, rows, user, SMALL, TrainOptions(folder=tmp_path))

    assert again.curves == whole.curves
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name])


def test_bfloat16_trains_and_one_user_is_refused():
    schema, rows = schema_and_rows()
    trained = pretrain_tabular(schema, rows, np.arange(60), replace(SMALL, epochs=1), TrainOptions(bf16=True))
    assert math.isfinite(trained.valid_loss)
    with pytest.raises(ConfigError, match="1 users"):
        pretrain_tabular(schema, rows, np.zeros(60, np.int64), SMALL, TrainOptions())


@pytest.mark.parametrize("wrong", [{"numbers": "raw"}, {"heads": 3}, {"mask": 0.0}])
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        replace(SMALL, **wrong)
