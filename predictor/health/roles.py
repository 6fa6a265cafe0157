"""What a tensor of a language model does, by its name."""

from __future__ import annotations

import re

#: The first pattern that fits decides. Names as Llama, GPT-2, GPT-NeoX, BERT, T5, OPT, Falcon,
#: Mixtral and DeepSeek checkpoints have them.
_ROLES = (
    ("norm", r"norm|(^|[._])ln(_|[._\d]|$)"),
    ("embedding", r"embed|(^|\.)w[tp]e(\.|$)|lm_head|shared\.weight|(^|\.)decoder\.weight$|"
                  r"^output\.weight"),
    ("merged QKV", r"query_key_value|qkv|c_attn|in_proj|w_pack|att_proj"),
    ("attention out", r"o_proj|out_proj|out_lin|attention\.output\.dense|att(entio)?n\.dense|"
                      r"attn\.c_proj|attn_out|"
                      r"attention\.wo|self_?attention\.o(\.|$)|encdecattention\.o(\.|$)|attn\.proj"),
    ("attention in", r"[qkv]_(a_|b_)?proj|kv_a_proj|kv_b_proj|(^|\.)(query|key|value)(\.|$)|"
                     r"attention\.w[qkv]|attention\.[qkv](\.|$)|q_lin|k_lin|v_lin"),
    ("feed-forward", r"mlp|ffn|feed_?forward|ff_(proj|out)|(^|\.)fc[12]|"
                     r"intermediate\.dense|output\.dense|"
                     r"dense_h_to_4h|dense_4h_to_h|gate_proj|up_proj|down_proj|experts|lin[12]|"
                     r"densereludense"),
)  # fmt: skip
_PATTERNS = tuple((role, re.compile(pattern)) for role, pattern in _ROLES)
_LAYER = re.compile(r"(?:layers?|blocks?|h|block)\.(\d+)")


def role_of(name: str) -> str:
    """Return what a tensor does: one of six roles, or "other".

    Examples
    --------
    >>> [role_of(n) for n in ("model.layers.0.self_attn.q_proj.weight", "h.3.attn.c_attn.weight",
    ...                       "encoder.layer.2.output.dense.weight", "wte.weight")]
    ['attention in', 'merged QKV', 'feed-forward', 'embedding']
    """
    lowered = name.lower()
    return next((role for role, pattern in _PATTERNS if pattern.search(lowered)), "other")


def layer_of(name: str) -> int | None:
    """Return the layer that a tensor is in, where its name tells.

    Examples
    --------
    >>> layer_of("model.layers.11.mlp.up_proj.weight"), layer_of("wte.weight")
    (11, None)
    """
    found = _LAYER.search(name.lower())
    return int(found.group(1)) if found else None
