"""The CRF against sums and maxima over every sequence, and what BIO forbids."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from audience_trainers.entities.crf import LinearChainCRF
from audience_trainers.entities.tags import breaks, labels_of, may_follow, may_start

LABELS = labels_of(["a", "b"])


def random_crf(seed: int, labels: tuple[str, ...] = LABELS) -> LinearChainCRF:
    generator = torch.Generator().manual_seed(seed)
    crf = LinearChainCRF(labels).double()
    for parameter in crf.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return crf


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_hand(crf: LinearChainCRF, emissions: Tensor) -> dict[tuple[int, ...], float]:
    """Return the score of every valid sequence of one sentence (w, l), from the definition."""
    scores = {}
    for tags in itertools.product(range(len(LABELS)), repeat=len(emissions)):
        if breaks([LABELS[tag] for tag in tags]):
            continue
        total = crf.start[tags[0]] + crf.end[tags[-1]]
        total = total + sum(emissions[t, tag] for t, tag in enumerate(tags))
        total = total + sum(crf.transition[i, j] for i, j in itertools.pairwise(tags))
        scores[tags] = total.item()
    return scores


@pytest.mark.parametrize("words", [1, 2, 4])
def test_partition_and_viterbi_equal_enumeration(words: int) -> None:
    crf, emissions = random_crf(words), noise(10 + words, 1, words, len(LABELS))
    mask = torch.ones(1, words, dtype=torch.bool)
    scores = by_hand(crf, emissions[0])
    wanted = torch.logsumexp(torch.tensor(list(scores.values()), dtype=torch.float64), 0)
    assert crf.log_partition(emissions, mask).item() == pytest.approx(wanted.item(), abs=1e-10)
    assert tuple(crf.decode(emissions, mask)[0]) == max(scores, key=scores.__getitem__)


def test_probabilities_of_all_valid_sequences_sum_to_one() -> None:
    crf, emissions = random_crf(1), noise(2, 1, 3, len(LABELS))
    mask = torch.ones(1, 3, dtype=torch.bool)
    scores = by_hand(crf, emissions[0])
    likelihood = [crf.log_likelihood(emissions, torch.tensor([tags]), mask).item() for tags in scores]
    assert sum(torch.tensor(likelihood).exp()).item() == pytest.approx(1.0, abs=1e-6)
    assert crf.score(emissions, torch.tensor([[2, 2, 0]]), mask).item() == float("-inf")  # I-a first


def test_padding_changes_nothing() -> None:
    crf, emissions = random_crf(3), noise(4, 4, 6, len(LABELS))
    lengths = [6, 1, 4, 2]
    mask = torch.arange(6).unsqueeze(0) < torch.tensor(lengths).unsqueeze(1)
    tags = torch.tensor(crf.decode(noise(5, 4, 6, len(LABELS)), torch.ones_like(mask)))
    spoiled = emissions.masked_fill(~mask.unsqueeze(2), 1e6)
    likelihood, paths = crf.log_likelihood(spoiled, tags, mask), crf.decode(spoiled, mask)
    for row, length in enumerate(lengths):
        alone, whole = emissions[row : row + 1, :length], torch.ones(1, length, dtype=torch.bool)
        wanted = crf.log_likelihood(alone, tags[row : row + 1, :length], whole)
        assert likelihood[row].item() == pytest.approx(wanted.item(), abs=1e-10)
        assert paths[row] == crf.decode(alone, whole)[0]


def test_gradients_are_right() -> None:
    crf, emissions = random_crf(6), noise(7, 2, 4, len(LABELS)).requires_grad_()
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    tags = torch.tensor([[1, 2, 0, 3], [0, 1, 0, 0]])

    def loss(e: Tensor, start: Tensor, transition: Tensor, end: Tensor) -> Tensor:
        weights = {"start": start, "transition": transition, "end": end}
        return -torch.func.functional_call(
            _Likelihood(crf), {f"crf.{k}": v for k, v in weights.items()}, (e, tags, mask)
        )

    assert torch.autograd.gradcheck(loss, (emissions, *(p.detach().requires_grad_() for p in crf.parameters())))
    loss(emissions, *crf.parameters()).sum().backward()
    forbidden = ~torch.from_numpy(may_follow(LABELS))
    assert crf.transition.grad is not None
    assert torch.isfinite(crf.transition.grad).all()
    assert (crf.transition.grad[forbidden] == 0).all()


class _Likelihood(torch.nn.Module):
    def __init__(self, crf: LinearChainCRF) -> None:
        super().__init__()
        self.crf = crf

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        return self.crf.log_likelihood(emissions, tags, mask)


def test_no_decoded_sequence_is_invalid_whatever_the_emissions() -> None:
    labels = labels_of("abcdefgh")
    crf = random_crf(8, labels)
    lengths = torch.randint(1, 13, (2_000, 1), generator=torch.Generator().manual_seed(9))
    mask = torch.arange(12).unsqueeze(0) < lengths
    emissions = 20 * noise(10, 2_000, 12, len(labels))
    inside = torch.tensor([label.startswith("I") for label in labels])
    for shifted in (emissions, emissions + 50 * inside):  # the second one would have I- everywhere
        paths = crf.decode(shifted, mask)
        assert [len(path) for path in paths] == lengths.squeeze(1).tolist()
        assert sum(bool(breaks([labels[i] for i in path])) for path in paths) == 0


def test_transitions_of_bio() -> None:
    labels = labels_of(["b", "a", "a"])
    assert labels == ("O", "B-a", "I-a", "B-b", "I-b")
    assert may_start(labels).tolist() == [True, True, False, True, False]
    assert [labels[j] for j in range(5) if may_follow(labels)[0, j]] == ["O", "B-a", "B-b"]
    assert [labels[j] for j in range(5) if may_follow(labels)[2, j]] == ["O", "B-a", "I-a", "B-b"]
