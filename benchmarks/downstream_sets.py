"""Ladders of models with known larger models, from the folder of real data and from a generator."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from predictor.difficulty.ladder import History, Ladder
from predictor.fitting.law import Array

_ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PREDICTOR_SHARED_DATA", _ROOT / "shared" / "data"))

#: The published ladder: models of 122M to 12B, target 70B (FLOPs).
PUBLISHED = np.array([39.9, 120.8, 307.8, 688.8, 1386, 4553, 50544, 141444]) * 1e18
PUBLISHED_TARGET = 3.81e24

# --- item-losses ---------------------------------------------------------------------------------
ITEM_LOSSES = {
    "arcc": "arc:challenge",
    "arce": "arc:easy",
    "coqa": "commonsense_qa",
    "openbook": "openbookqa",
    "piqa": "piqa",
}
_CHANCE = {"arcc": 0.25, "arce": 0.25, "coqa": 0.2, "openbook": 0.25, "piqa": 0.5}
_TOKENS_A_STEP = 4_194_304


def item_losses(name: str, step: int, target: str) -> Ladder:
    """Return all models at one step; ``target``: "probability" or "accuracy"."""
    with np.load(DATA / "item-losses" / f"{name}.npz") as stored:
        column = list(stored["steps"]).index(step)
        loss = stored["loss"][:, :, column].astype(float)
        models = [str(model) for model in stored["models"]]
    table = pd.read_csv(DATA / "item-losses" / "accuracy.csv.gz")
    table = table[table["step"] == step].set_index("model").loc[models]
    params = table["params"].to_numpy(dtype=float)
    run = np.isfinite(loss).any(axis=0)
    order = np.array([k for k in np.argsort(params) if run[k]])
    rates = np.exp(-loss)[:, order]
    tokens = np.full(len(order), float(step * _TOKENS_A_STEP))
    accurate = target == "accuracy"
    score = table[ITEM_LOSSES[name]].to_numpy()[order] if accurate else np.nanmean(rates, axis=0)
    return Ladder(
        f"{name} {target}",
        tuple(models[k] for k in order),
        6 * params[order] * tokens,
        "flops",
        score,
        params=params[order],
        tokens=tokens,
        rates=rates,
        trials=np.full(rates.shape, np.inf),
        items=tuple(map(str, range(len(rates)))),
        loss=np.nanmean(loss, axis=0)[order],
        chance=_CHANCE.get(name, 0.0) if accurate else 0.0,
    )


# --- model-ladder --------------------------------------------------------------------------------
MODEL_LADDER = {  # task: file stems with weights, chance, published two-step prediction
    "MMLU": ({"mmlu_stem_test": 0.2245, "mmlu_humanities_test": 0.3351,
              "mmlu_social_sciences_test": 0.2191, "mmlu_other_test": 0.2213}, 0.25, 0.484),
    "HellaSwag": ({"hellaswag_val": 1.0}, 0.25, 0.825),
    "ARC-Challenge": ({"arc_challenge_test": 1.0}, 0.25, 0.515),
    "ARC-Easy": ({"arc_easy_test": 1.0}, 0.25, 0.766),
    "PIQA": ({"piqa_val": 1.0}, 0.5, 0.812),
    "CommonsenseQA": ({"csqa_val": 1.0}, 0.2, 0.757),
    "Social IQa": ({"socialiqa_val": 1.0}, 1 / 3, 0.587),
    "OpenBookQA": ({"openbookqa_test": 1.0}, 0.25, 0.442),
}  # fmt: skip
_SIZES = {"190M": (190354176, 1.903e9), "370M": (371262464, 3.444e9),
          "760M": (758220288, 6.374e9), "1B": (1279395840, 10.11e9)}  # fmt: skip
_LENGTHS = ("1xC", "2xC", "5xC", "10xC")
TARGET_7B = {"params": 6887575552.0, "tokens": 3945065873408.0}


def model_ladder(task: str, average: int = 5, skip: float = 0.1) -> Ladder:
    """Return the runs of 190M to 1.3B; loss and score averaged over the last checkpoints."""
    parts, chance, _ = MODEL_LADDER[task]
    rows, loss, score, rung = [], [], [], []
    for size, (params, flops_a_token) in _SIZES.items():
        for length in _LENGTHS:
            run = pd.read_csv(DATA / "model-ladder" / f"{size}-{length}.csv")
            own_loss, own_score = (_weighted(run, parts, kind) for kind in ("bpb", "score"))
            keep = np.isfinite(own_loss) & np.isfinite(own_score)
            tokens = (run["_step"] * run["batch_size_in_tokens"]).to_numpy()[keep]
            own_loss, own_score = own_loss[keep], own_score[keep]
            smooth = pd.Series(own_loss).rolling(average, min_periods=1).mean().to_numpy()
            even = pd.Series(own_score).rolling(average, min_periods=1).mean().to_numpy()
            first = int(np.ceil(skip * len(smooth)))
            rows.append((f"{size}-{length}", params, tokens[-1], flops_a_token * tokens[-1],
                         smooth[-1], even[-1]))  # fmt: skip
            loss.append(smooth[first:])
            score.append(even[first:])
            rung.append(np.full(len(smooth) - first, len(rows) - 1))
    order = np.argsort([row[3] for row in rows])
    place = np.argsort(order)
    columns = list(zip(*[rows[k] for k in order], strict=True))
    history = History(
        np.concatenate(loss), np.concatenate(score), place[np.concatenate(rung)].astype(np.intp)
    )
    params, tokens, flops, last_loss, last_score = (np.array(c, float) for c in columns[1:])
    return Ladder(task, tuple(columns[0]), flops, "flops", last_score, params=params,
                  tokens=tokens, loss=last_loss, chance=chance, history=history)  # fmt: skip


def model_ladder_truth(task: str) -> float:
    """Return the score of the 7B model."""
    run = pd.read_csv(DATA / "model-ladder" / "peteish7_eval_anneal.csv")
    return float(_weighted(run, MODEL_LADDER[task][0], "score")[-1])


def _weighted(run: pd.DataFrame, parts: dict[str, float], kind: str) -> Array:
    name = (
        "eval/downstream_bpb/{}_rc_5shot_bpb"
        if kind == "bpb"
        else "eval/downstream/{}_rc_5shot_len_norm"
    )
    return sum(w * run[name.format(stem)].to_numpy(dtype=float) for stem, w in parts.items())


# --- pythia-arithmetic ---------------------------------------------------------------------------
_PYTHIA = {"125m": 85056000, "350m": 302311424, "800m": 805736448, "1.3b": 1208602624,
           "2.7b": 2517652480, "6.7b": 6444163072}  # fmt: skip


def pythia(shots: int, checkpoint: int = 143000) -> Ladder:
    """Return all six sizes on the arithmetic items."""
    table = pd.read_csv(DATA / "pythia-arithmetic" / "items.csv.gz")
    table = table[(table["fewshot"] == shots) & (table["checkpoint"] == checkpoint)]
    rates = table.pivot_table(index="task", columns="model", values="acc")[list(_PYTHIA)]
    params = np.array(list(_PYTHIA.values()), dtype=float)
    tokens = np.full(len(params), checkpoint * 2097152.0)
    return Ladder(
        f"arithmetic {shots} shots",
        tuple(_PYTHIA),
        6 * params * tokens,
        "flops",
        rates.mean().to_numpy(),
        params=params,
        tokens=tokens,
        rates=rates.to_numpy(),
        trials=np.full(rates.shape, 50.0),
        items=tuple(rates.index),
    )


# --- code-items ----------------------------------------------------------------------------------
CODE_FAMILIES = {
    "humaneval_base_models": {
        "Qwen1.5": {"Qwen1.5-0.5B": 0.5, "Qwen1.5-1.8B": 1.8, "Qwen1.5-4B": 4, "Qwen1.5-7B": 7,
                    "Qwen1.5-14B": 14, "Qwen1.5-32B": 32},
        "LLaMA": {"llama_07B": 7, "llama_13B": 13, "llama_33B": 33},
        "Llama 2": {"llama2_07B": 7, "llama2_13B": 13},
    },
    "cruxeval_input": {
        "CodeLlama": {"codellama-7b": 7, "codellama-13b": 13},
        "DeepSeek": {"deepseek-base-1.3b": 1.3, "deepseek-base-6.7b": 6.7},
        "StarCoderBase": {"starcoderbase-7b": 7, "starcoderbase-16b": 16},
    },
    "generation": {
        "DSCoder-Base": {"DSCoder-1.3b-Base": 1.3, "DSCoder-6.7b-Base": 6.7,
                         "DSCoder-33b-Base": 33},
        "DSCoder-Ins": {"DSCoder-1.3b-Ins": 1.3, "DSCoder-6.7b-Ins": 6.7, "DSCoder-33b-Ins": 33},
        "CodeLlama-Base": {"CodeLlama-7b-Base": 7, "CodeLlama-13b-Base": 13,
                           "CodeLlama-34b-Base": 34},
        "Cllama-Ins": {"Cllama-7b-Ins": 7, "Cllama-13b-Ins": 13, "Cllama-34b-Ins": 34},
        "OC-DS": {"OC-DS-1.3B": 1.3, "OC-DS-6.7B": 6.7, "OC-DS-33B": 33},
        "StarCoder2": {"StarCoder2-3b": 3, "StarCoder2-7b": 7, "StarCoder2-15b": 15},
    },
}  # fmt: skip
CODE_FAMILIES["cruxeval_output"] = CODE_FAMILIES["cruxeval_input"]


def code(name: str, family: str) -> Ladder:
    """Return one family's models on one set of programming problems; compute is not known."""
    table = pd.read_csv(DATA / "code-items" / f"{name}.csv.gz")
    if name == "generation":
        table = table.pivot_table(index="question_id", columns="model", values="pass@1") / 100
    else:
        table = table.set_index("example_id")
    sizes = {m: s for m, s in CODE_FAMILIES[name][family].items() if m in table}
    rates = table[list(sizes)].to_numpy(dtype=float)
    params = np.array(list(sizes.values()), dtype=float) * 1e9
    return Ladder(
        f"{name} {family}",
        tuple(sizes),
        params,
        "params",
        np.nanmean(rates, axis=0),
        params=params,
        rates=rates,
        trials=np.full(rates.shape, 1.0 if name.startswith("human") else 10.0),
        items=tuple(map(str, table.index)),
    )


# --- public-models -------------------------------------------------------------------------------
def public_models() -> pd.DataFrame:
    """Return public base models: model, family, params, tokens, flops and benchmark scores."""
    folder = DATA / "public-models"
    table = pd.read_csv(folder / "obsscaling_base_llm_benchmark_eval.csv")
    more = pd.read_csv(folder / "obsscaling_base_llm_emergent_capability_eval.csv")
    table = table.merge(more, on="Model", how="left")
    names = {"Model": "model", "Model Family": "family", "Model Size (B)": "params",
             "Pretraining Data Size (T)": "tokens", "FLOPs (1E21)": "flops"}  # fmt: skip
    table = table.rename(columns=names).drop(columns=["ipa_transliterate_2_bleu"])
    return table.assign(
        params=table["params"] * 1e9, tokens=table["tokens"] * 1e12, flops=table["flops"] * 1e21
    )


# --- synthetic -----------------------------------------------------------------------------------
def synthetic(
    seed: int, items: int = 600, hidden: float = 0.15, capped: float = 0.1, trials: int = 100,
    groups: int = 8, spread: float = 0.15,
) -> tuple[Ladder, float, np.ndarray]:  # fmt: skip
    """Return a ladder that satisfies the method's assumptions, the truth, and the true groups.

    The answer loss of an item is ``alpha C^-beta + gamma``; items of a group share their
    parameters up to ``spread``. A share never emerges on the ladder, a share has a low ceiling.
    """
    rng = np.random.default_rng(seed)
    size = np.append(PUBLISHED, PUBLISHED_TARGET)
    z = np.log(size / size[0])
    group = rng.integers(0, groups, items)
    half = rng.uniform(-1.0, 9.0, groups)  # log compute at which the loss is 1
    beta = rng.uniform(0.2, 0.55, groups)[group] * np.exp(spread / 2 * rng.normal(size=items))
    start = half[group] + spread * 2 * rng.normal(size=items)
    floor = np.abs(rng.normal(0, 0.05, items))
    kind = rng.choice(3, items, p=[1 - hidden - capped, hidden, capped])
    start = np.where(kind == 1, rng.uniform(20, 30, items), start)
    floor = np.where(kind == 2, rng.uniform(1.2, 2.5, items), floor)
    beta = np.where(kind == 1, 0.5, beta)
    rates = np.exp(-np.exp(-beta[:, None] * (z - start[:, None])) - floor[:, None])
    truth = float(rates[:, -1].mean())
    seen = rng.binomial(trials, rates[:, :-1]) / trials
    ladder = Ladder(
        f"synthetic {seed}", tuple(f"m{k}" for k in range(len(PUBLISHED))), PUBLISHED, "flops",
        seen.mean(axis=0), rates=seen, trials=np.full(seen.shape, float(trials)),
        items=tuple(map(str, range(items))),
    )  # fmt: skip
    return ladder, truth, np.where(kind == 0, group, groups + kind - 1)
