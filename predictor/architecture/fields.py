"""The fields of a config, by any of their usual names, checked, with errors that name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictor.errors import InputError

#: Names of the same number in different families' configs, the most usual first.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "hidden_size": ("hidden_size", "n_embd", "d_model", "hidden_dim", "dim", "hidden"),
    "num_hidden_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "layers"),
    "num_attention_heads": ("num_attention_heads", "n_head", "n_heads", "heads"),
    "num_key_value_heads": (
        "num_key_value_heads", "num_kv_heads", "n_head_kv", "n_kv_heads", "multi_query_group_num",
        "kv_heads",
    ),
    "intermediate_size": (
        "intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "d_ff", "d_ff_used",
    ),
    "vocab_size": ("vocab_size", "padded_vocab_size", "n_vocab", "vocab"),
    "head_dim": ("head_dim", "d_kv", "attention_head_dim"),
    "experts": (
        "num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts",
        "num_routed_experts",
    ),
    "num_experts_per_tok": (
        "num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "moe_top_k",
    ),
    "n_shared_experts": (
        "n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert",
    ),
    "moe_intermediate_size": (
        "moe_intermediate_size", "expert_intermediate_size", "moe_ffn_hidden_size",
        "expert_ffn_hidden_size",
    ),
    "n_positions": ("n_positions", "max_position_embeddings", "n_ctx"),
}  # fmt: skip

#: No model is larger in any one of its numbers.
_LARGEST = 10**9
_MOST_LAYERS = 10_000


class Fields:
    """A config's fields by canonical name.

    Parameters
    ----------
    raw : mapping
        The config as read.
    source : str
        What an error calls it.

    Examples
    --------
    >>> Fields({"n_embd": 768}, "gpt2").count("hidden_size")
    768
    """

    def __init__(self, raw: Mapping[str, Any], source: str) -> None:
        self.raw = raw
        self.source = source

    def get(self, name: str) -> Any:
        """Return a field's value, by any of its names; None where it is absent or null."""
        names = SYNONYMS.get(name, (name,))
        return next((self.raw[n] for n in names if self.raw.get(n) is not None), None)

    def need(self, *names: str) -> None:
        """Raise one error that names every field that is missing.

        Raises
        ------
        InputError
            If any is.
        """
        missing = [name for name in names if self.get(name) is None]
        if missing:
            there = ", ".join(map(str, list(self.raw)[:6])) or "nothing"
            raise InputError(
                f"{self.source}: missing {', '.join(missing)}; it has {there}"
                f"{' ...' if len(self.raw) > 6 else ''}"
            )

    def count(self, name: str, default: int | None = None) -> int:
        """Return a whole number of zero or more.

        Raises
        ------
        InputError
            If it is missing and has no default, or is no such number.
        """
        value = self.get(name)
        if value is None:
            if default is None:
                self.need(name)
                raise AssertionError(name)
            return default
        if isinstance(value, list) and value and all(item == value[0] for item in value):
            value = value[0]
        return self._whole(name, value)

    def _whole(self, name: str, value: Any) -> int:
        whole = isinstance(value, int | float) and not isinstance(value, bool)
        if not whole or value != value or not 0 <= value <= _LARGEST or value != int(value):
            raise InputError(
                f"{self.source}: {name} is {str(value)[:40]!r}; a whole number up to "
                f"{_LARGEST:g} is needed"
            )
        return int(value)

    def positive(self, name: str, default: int | None = None) -> int:
        """Return a whole number of one or more; see :meth:`count`."""
        value = self.count(name, default)
        if value == 0:
            raise InputError(f"{self.source}: {name} is 0; one or more is needed")
        return value

    def layers(self) -> int:
        """Return the number of layers, bounded."""
        depth = self.positive("num_hidden_layers")
        if depth > _MOST_LAYERS:
            raise InputError(
                f"{self.source}: {depth} layers, more than the {_MOST_LAYERS} a model may have"
            )
        return depth

    def ratio(self, name: str, default: float) -> float:
        """Return a number above zero."""
        value = self.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
            raise InputError(f"{self.source}: {name} is {str(value)[:40]!r}; a number above 0")
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise InputError(f"{self.source}: {name} is {str(value)[:40]!r}; true or false")
        return value

    def numbers(self, name: str, length: int) -> list[int] | None:
        """Return a list of whole numbers, one a layer; None where it is absent or no list."""
        value = self.get(name)
        if not isinstance(value, list):
            return None
        if len(value) != length:
            raise InputError(f"{self.source}: {name} has {len(value)} entries for {length} layers")
        return [self._whole(name, item) for item in value]

    def divided(self, whole: int, parts: int, what: str) -> int:
        """Return ``whole / parts``, which must come out whole."""
        if whole % parts:
            raise InputError(f"{self.source}: {what}: {whole} does not divide by {parts}")
        return whole // parts
