"""Read a model's ``config.json``, Hugging Face style, from a file, a folder or a mapping."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from predictor.architecture import recurrent_configs, transformer_configs
from predictor.architecture.families import Traits, traits_of
from predictor.architecture.fields import Fields
from predictor.architecture.model import Layer, Model
from predictor.errors import InputError

#: A config is a few KiB; a larger file is none.
MAX_CONFIG_BYTES = 4 * 1024**2
#: Where multimodal configs keep the language model.
_INNER = ("text_config", "language_config", "llm_config", "thinker_config")


def read_config(source: str | Path | Mapping[str, Any]) -> Model:
    """Read what a model's cost depends on from its config.

    Families are known by ``model_type``; one that is not is counted as a plain decoder of gated
    feed-forward layers if its config has all that takes, and ``notes`` say so. A multimodal config
    stands for its language model.

    Parameters
    ----------
    source : str, Path or mapping
        A ``config.json``, the folder it lies in, or its content.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If the file cannot be read, is no JSON object or larger than 4 MiB, or lacks fields: which.

    Examples
    --------
    >>> mixtral = {"model_type": "mixtral", "hidden_size": 4096, "num_hidden_layers": 32,
    ...            "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32000,
    ...            "intermediate_size": 14336, "num_local_experts": 8, "num_experts_per_tok": 2}
    >>> read_config(mixtral).depth
    32
    """
    named = "config" if isinstance(source, Mapping) else str(source)
    raw = source if isinstance(source, Mapping) else _load(Path(source))
    raw = _language_model(raw)
    kind = str(raw.get("model_type") or "unknown").lower()
    fields = Fields(raw, f"{named} (model_type '{kind[:40]}')")
    if kind in recurrent_configs.FAMILIES:
        return _model(kind, fields, Traits(), recurrent_configs.read_layers(kind, fields))
    traits = traits_of(kind, fields)
    return _model(kind, fields, traits, transformer_configs.read_layers(traits, kind, fields))


def _model(kind: str, fields: Fields, traits: Traits, layers: list[Layer]) -> Model:
    hidden = fields.positive("hidden_size")
    vocab = fields.positive("vocab_size", traits.vocab)
    tied = fields.flag("tie_word_embeddings", traits.tied)
    norm = hidden * (2 if traits.norm_bias else 1) * (2 if traits.embedding_norm else 1)
    positions = 0
    if traits.positions is not None:
        positions = hidden * (fields.positive("n_positions") + traits.positions)
    return Model(
        kind=kind,
        hidden=hidden,
        vocab=vocab,
        tied=tied,
        layers=tuple(Counter(layers).items()),
        positions=positions,
        other=norm + (vocab if traits.head_bias else 0),
        fields=dict(fields.raw),
        notes=tuple(_notes(kind, fields, traits)),
    )


def _notes(kind: str, fields: Fields, traits: Traits) -> Iterator[str]:
    if not traits.known:
        yield f"model_type '{kind[:40]}' is not known here: counted as a plain gated decoder"
    if fields.count("num_nextn_predict_layers", 0):
        yield "layers that predict further tokens are not counted"


def _language_model(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the language model's part, with what the outer config says of the embeddings."""
    inner = next((raw[name] for name in _INNER if isinstance(raw.get(name), Mapping)), None)
    if inner is None:
        return raw
    outer = {k: raw[k] for k in ("tie_word_embeddings", "model_type", "vocab_size") if k in raw}
    return _language_model({**outer, **inner})


def _load(path: Path) -> Mapping[str, Any]:
    place = path / "config.json" if path.is_dir() else path
    try:
        with place.open("rb") as stream:
            content = stream.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise InputError(f"{place}: cannot be opened ({reason}); check the path") from None
    except ValueError:
        raise InputError(f"{str(place)[:80]!r}: is no path") from None
    if len(content) > MAX_CONFIG_BYTES:
        raise InputError(f"{place}: larger than {MAX_CONFIG_BYTES // 1024**2} MiB, no config.json")
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError):
        raise InputError(f"{place}: is no JSON; a model's config.json is needed") from None
    if not isinstance(raw, dict):
        raise InputError(f"{place}: is no JSON object; a model's config.json is needed")
    return raw
