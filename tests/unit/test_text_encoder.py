"""The real MiniLM weights: cosines that make sense, kept vectors that are the same bits, no import before use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.entities.text_encoder import DIMS, TextEncoder


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
