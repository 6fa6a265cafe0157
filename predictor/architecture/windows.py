"""Which layers of a transformer attend in a sliding window, and how wide it is."""

from __future__ import annotations

from predictor.architecture.fields import Fields
from predictor.errors import InputError

#: One layer in so many attends to everything, where the config does not list layers.
_EVERY = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6, "cohere2": 4, "gpt_oss": 2, "llama4": 4}
_EVERY |= {"llama4_text": 4, "exaone4": 4, "olmo3": 4}
_WINDOWED = ("sliding_attention", "chunked_attention", "local")
_WHOLE = ("full_attention", "attention", "global", "linear_attention")


def windows_of(kind: str, fields: Fields, depth: int) -> list[int | None]:
    """Return each layer's window; None where it attends to everything.

    A chunk (Llama 4) counts as a window of its length, which is what its last token sees.

    Examples
    --------
    >>> from predictor.architecture.fields import Fields
    >>> windows_of("gemma2", Fields({"sliding_window": 4096}, "gemma2"), 3)
    [4096, None, 4096]
    """
    width = _width(kind, fields)
    listed = fields.get("layer_types") or fields.get("attention_layers")
    if isinstance(listed, list):
        return _listed(listed, width, fields, depth)
    if width is None:
        return [None] * depth
    every = _EVERY.get(kind)
    if every is not None:
        pattern = fields.get("sliding_window_pattern")
        every = pattern if isinstance(pattern, int) and pattern > 0 else every
        return [None if (index + 1) % every == 0 else width for index in range(depth)]
    first = fields.count("max_window_layers", 0) if kind.startswith("qwen") else 0
    return [width if index >= first else None for index in range(depth)]


def _width(kind: str, fields: Fields) -> int | None:
    if not fields.flag("use_sliding_window", not kind.startswith("qwen")):
        return None
    names = ("sliding_window", "attention_chunk_size", "window_size")
    name = next((name for name in names if fields.get(name) is not None), None)
    return (fields.count(name) or None) if name else None


def _listed(
    listed: list[object], width: int | None, fields: Fields, depth: int
) -> list[int | None]:
    unknown = sorted({str(kind)[:40] for kind in listed} - {*_WINDOWED, *_WHOLE})
    if unknown:
        raise InputError(
            f"{fields.source}: layers of kind {', '.join(unknown)} are not counted here; "
            "give flops_per_token instead"
        )
    if len(listed) != depth:
        raise InputError(f"{fields.source}: {len(listed)} layer_types for {depth} layers")
    if width is None and any(kind in _WINDOWED for kind in listed):
        fields.need("sliding_window")
    return [width if kind in _WINDOWED else None for kind in listed]
