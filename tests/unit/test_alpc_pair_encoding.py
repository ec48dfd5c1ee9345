"""How numbers of a pair are written for a net: standardised, and how far they have come through each bin."""

import itertools

import numpy as np
import pytest
import torch

from audience_trainers.relations.alpc.pair_encoding import PairEncoding


def learned(features: torch.Tensor, bins: int) -> PairEncoding:
    encoding = PairEncoding(features.shape[1], bins)
    encoding.learn(features)
    return encoding


def test_the_place_in_the_bins_is_the_share_of_values_below():
    x = torch.from_numpy(np.random.default_rng(1).lognormal(size=(10_000, 2)).astype(np.float32))
    encoding = learned(x, 20)

    told = encoding(x)

    assert told.shape == (10_000, encoding.width) == (10_000, 2 * 21)
    assert torch.allclose(told[:, :2].mean(dim=0), torch.zeros(2), atol=1e-4)
    assert torch.allclose(told[:, :2].std(dim=0), torch.ones(2), atol=1e-4)
    below = told[:, 2:22].sum(dim=1) / 20
    rank = x[:, 0].argsort().argsort() / (len(x) - 1)
    assert float((below - rank).abs().max()) < 1 / 20  # a bin


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.4, 1.0, 3.0])
def test_bins_agree_with_numpy(value):
    features = torch.linspace(0.0, 1.0, 5).square().unsqueeze(1)
    edges = np.quantile(features.numpy()[:, 0], [0.0, 0.25, 0.5, 0.75, 1.0])
    wanted = [np.clip((value - low) / (high - low), 0.0, 1.0) for low, high in itertools.pairwise(edges)]

    told = learned(features, 4)(torch.tensor([[value]]))

    assert told[0, 1:].tolist() == pytest.approx(wanted, abs=1e-6)


def test_a_value_that_most_pairs_share_is_told_from_those_above_it():
    features = torch.cat([torch.zeros(90, 1), torch.linspace(0.5, 1.0, 10).unsqueeze(1)])
    told = learned(features, 10)(torch.tensor([[0.0], [1e-3], [1.0]]))

    assert told[0, 1:].tolist() == [0.0] * 10
    assert told[1, 1:].sum() > 7
    assert told[2, 1:].tolist() == [1.0] * 10


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (5, 0), (5, 3)])
def test_few_pairs_no_columns_and_constants_are_finite(shape):
    told = learned(torch.ones(shape), 4)(torch.ones(2, shape[1]))
    assert torch.isfinite(told).all()
    assert told.shape == (2, 5 * shape[1])


def test_without_bins_numbers_are_standardised_only():
    x = torch.tensor([[1.0], [3.0]])
    assert learned(x, 0)(x)[:, 0].tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5])


def test_more_rows_than_a_quantile_takes_are_thinned():
    x = torch.rand(4_000_001, 5)
    encoding = learned(x, 4)
    assert torch.allclose(encoding.high[:, 1], torch.full((5,), 0.5), atol=1e-2)
