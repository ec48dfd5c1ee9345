"""The real MiniLM weights: cosines that make sense, kept vectors that are the same bits, no import before use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.entities.text_encoder import DIMS, TextEncoder, halves_help


def test_near_texts_are_near() -> None:
    vectors = TextEncoder().encode(["skin care cream", "face moisturizer", "football match"])
    assert vectors.shape == (3, DIMS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    assert vectors[0] @ vectors[1] > 0.4 > vectors[0] @ vectors[2]


def test_no_text_needs_no_model() -> None:
    assert TextEncoder().encode([]).shape == (0, DIMS)


class CountingEncoder(TextEncoder):
    """An encoder without a model: counts what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += len(texts)
        return np.full((len(texts), DIMS), len(texts), np.float32)


def test_a_kept_list_is_encoded_once(tmp_path: Path) -> None:
    encoder, file = CountingEncoder(), tmp_path / "cache" / "vectors.npz"
    first = encoder.encode_kept(["a", "b"], file)
    np.testing.assert_array_equal(encoder.encode_kept(["a", "b"], file), first)
    assert encoder.asked == 2
    assert encoder.encode_kept(["b", "a"], file).shape == (2, DIMS)
    assert encoder.asked == 4
    file.write_bytes(b"half")
    encoder.encode_kept(["b", "a"], file)
    assert encoder.asked == 6


def test_importing_the_encoder_loads_no_torch() -> None:
    code = (
        "import sys, audience_graph.entities.text_encoder; "
        "assert not {'torch', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_vector_alone_is_the_same_in_any_company_and_means_the_same() -> None:
    texts = ["hot pot", "pet food for old cats", "a long walk along the river with friends and dogs", "loan", "hot pot"]
    encoder = TextEncoder(batch=4)
    together = encoder.encode_alone(texts)
    for order in ([4, 2, 0, 1, 3], [1], [3, 0]):
        np.testing.assert_array_equal(encoder.encode_alone([texts[i] for i in order]), together[order])
    np.testing.assert_array_equal(together[0], together[4])
    assert (together * encoder.encode(texts)).sum(axis=1).min() > 0.999
    assert encoder.encode_alone([]).shape == (0, DIMS)


def test_halves_are_used_where_the_processor_says_that_they_help(tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    assert not halves_help("cpu", cpu_info=told)
    told.write_text("flags: avx2 avx512f\n")
    assert not halves_help("cpu", cpu_info=told)
    told.write_text("flags: avx2 avx512_bf16\n")
    assert halves_help("cpu", cpu_info=told)
    assert halves_help("cuda", cpu_info=told)
