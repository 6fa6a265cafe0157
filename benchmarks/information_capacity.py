"""Information capacity against what is published, and what siblings predict of each other.

    python benchmarks/information_capacity.py

Parameters and FLOPs of public models against their reports; the published formula against the
published readings; the bias fitted again; every size of every series left out and predicted from
its siblings, against power laws; bits per character against benchmark scores. All but the first
table need the folder of real data (PREDICTOR_SHARED_DATA).
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from public_configs import CONFIGS

from predictor import count_flops, count_parameters, read_config
from predictor.capacity.bias import fit_bias, shared_bias
from predictor.capacity.left_out import leave_one_out
from predictor.capacity.within_series import PUBLISHED_SPREAD, backtest_scores, gain_at

SHARED = Path(
    os.environ.get("PREDICTOR_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data")
)
LEVEL = 0.9


def show(title: str, frame: pd.DataFrame, digits: int = 3) -> None:
    """Print one table."""
    print(f"\n{title}\n{frame.round(digits).to_string(index=False)}")


def hand_checked() -> pd.DataFrame:
    """Return FLOPs of five models by formulas written out here, model by model.

    Twice the weights that a token meets, by the totals that reports and checkpoints state, less
    what no product needs (embeddings, norms, biases); and the core, 511.5 keys before a token.
    """
    keys = 511.5
    by_hand = {
        # 124,439,808 parameters, 786,432 positions; 12 layers of 9,984 norms and biases, 1,536.
        "GPT-2 small": 2 * (124_439_808 - 786_432 - 12 * 9_984 - 1_536) + 12 * 4 * 768 * keys,
        # 8,030,261,248 parameters: an embedding of 128,256 x 4,096 and 65 norms are no product.
        "Llama-3-8B": 2 * (8_030_261_248 - 128_256 * 4096 - 65 * 4096) + 32 * 4 * 4096 * keys,
        # 46,702,792,704 parameters, of which six of eight experts idle: 12.9 B as its report says.
        "Mixtral-8x7B": 2 * (46_702_792_704 - 32 * 6 * 3 * 4096 * 14336 - 32_000 * 4096 - 65 * 4096)
        + 32 * 4 * 4096 * keys,
        # 235,741,434,880 parameters, 154 of 160 experts idle in 59 layers: 21 B as its report
        # says; absorbed latent attention sees 2 x 512 + 64 numbers a key in each of 128 heads.
        "DeepSeek-V2": 2
        * (
            235_741_434_880 - 59 * 154 * 3 * 5120 * 1536 - 102_400 * 5120
            - 60 * (2 * 5120 + 1536 + 512) - 5120
        )
        + 60 * 2 * 128 * (2 * 512 + 64) * keys,
        # 24 layers: 4 d^2 as the paper counts (q, k: d^2/2; v, g, o: d^2), a gate of rank 16, a
        # network of 3 x 2,048 x 5,632; the state of 4 heads of 256 x 512 decays, is added to, read.
        "GLA 1.3B": 2 * 24 * (4 * 2048**2 + 16 * (2048 + 1024) + 3 * 2048 * 5632)
        + 24 * 5 * 4 * 256 * 512 + 2 * 2048 * 32_000,
    }  # fmt: skip
    rows = []
    for name, flops in by_hand.items():
        model = read_config(CONFIGS[name])
        counted, params = count_flops(model), count_parameters(model)
        rows.append(
            {
                "model": name,
                "parameters": params.total,
                "met by a token": params.active,
                "FLOPs/token": counted.total,
                "by hand": flops,
                "off %": 100 * (counted.total / flops - 1),
                "at prefill": count_flops(model, phase="prefill").total,
            }
        )
    return pd.DataFrame(rows)


def readings() -> pd.DataFrame | None:
    """Return the published readings with log2 FLOPs and series numbered."""
    path = SHARED / "information-capacity" / "mixed_text.csv"
    if not path.exists():
        print(f"\nno real data at {path}: set PREDICTOR_SHARED_DATA")
        return None
    frame = pd.read_csv(path)
    return frame.assign(
        x=np.log2(frame["flops_formula"]),
        gain=frame["gain_bits_per_token"],
        group=pd.factorize(frame["series"])[0],
    )


def paper_flops(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the published formula on public configs beside the figure's readings."""
    rows = []
    for row in frame.itertuples():
        model = read_config(CONFIGS[row.model])
        paper = count_flops(model, convention="paper").total
        rows.append(
            {
                "model": row.model,
                "read": row.flops_fig,
                "paper": paper,
                "off %": 100 * (paper / row.flops_fig - 1),
                "exact": count_flops(model).total,
                "IC read": row.ic_mixed,
                "IC": (row.gain - 24) / np.log2(paper),
            }
        )
    return pd.DataFrame(rows)


def biases(frame: pd.DataFrame) -> pd.DataFrame:
    """Return b by least squares, and what other readings of 'sizes agree' would make of it."""
    several = frame[frame.groupby("series")["model"].transform("count") > 1]
    x, gain, groups = (several[c].to_numpy() for c in ("x", "gain", "group"))
    fitted = fit_bias(x, gain, groups, LEVEL)
    grid = np.arange(-30, -15, 0.01)
    capacity = (gain + grid[:, None]) / x
    found: dict[str, list[np.ndarray]] = {"sd": [], "variance": [], "CV": []}
    for group in np.unique(groups):
        values = capacity[:, groups == group]
        found["sd"].append(values.std(axis=1, ddof=1))
        found["variance"].append(values.var(axis=1, ddof=1))
        found["CV"].append(values.std(axis=1, ddof=1) / np.abs(values.mean(axis=1)))
    rows = [("least squares (closed form)", fitted.value, fitted.lower, fitted.upper)]
    for name, values in found.items():
        rows.append(
            (f"mean within-series {name}", grid[np.argmin(np.mean(values, axis=0))], *2 * [np.nan])
        )
    for series in several["series"].unique():
        kept = (several["series"] != series).to_numpy()
        without = shared_bias(x[kept], gain[kept], groups[kept])
        rows.append((f"least squares without {series}", without, np.nan, np.nan))
    print(f"\nmean within-series coefficient of variation at b = {fitted.value:.2f}: "
          f"{100 * (fitted.coefficient_of_variation or np.nan):.2f} %")  # fmt: skip
    return pd.DataFrame(rows, columns=["b that makes sizes agree", "b", "lower", "upper"])


def left_out(frame: pd.DataFrame) -> pd.DataFrame:
    """Predict every size that has siblings without itself, bias fitted again each time."""
    x, gain, groups = (frame[c].to_numpy() for c in ("x", "gain", "group"))
    found = leave_one_out(x, gain, groups, None, LEVEL)
    found["series"] = frame["series"].to_numpy()[found["index"]]
    found["width"] = found["upper"] - found["lower"]
    smallest, published = [], []
    for index in found["index"]:
        own = (groups == groups[index]) & (np.arange(len(x)) != index)
        rest = np.arange(len(x)) != index
        b = shared_bias(x[rest], gain[rest], groups[rest])
        least = [np.flatnonzero(own)[np.argmin(x[own])]]
        smallest.append(gain_at(x[[index]], x[least], gain[least], b)[0])
        published.append(gain_at(x[[index]], x[own], gain[own], -24.0)[0])
    found = found.assign(**{"IC, smallest only": smallest, "IC, b = -24": published})
    names = {"predicted": "IC", "power_law": "power law"}
    return found.rename(columns={**names, "power_law_shared": "power law, one exponent"})


METHODS = ["IC", "IC, b = -24", "IC, smallest only", "power law", "power law, one exponent"]


def by_series(found: pd.DataFrame) -> pd.DataFrame:
    """Return mean absolute errors in bits a token by series and over all, and coverage."""
    errors = found[METHODS].sub(found["gain"], axis=0).abs()
    frame = pd.concat([found[["series"]], errors], axis=1).groupby("series", sort=False).mean()
    frame["sizes"] = found.groupby("series", sort=False).size()
    both = errors[errors["power law"].notna()]
    frame.loc["all"] = [*errors.mean(), len(found)]
    frame.loc["all with two siblings or more"] = [*both.mean(), len(both)]
    frame.loc["worst"] = [*errors.max(), len(found)]
    return frame.reset_index()


#: Names of the leaderboard's models in the table of benchmark scores.
SCORED = {
    "Llama-2-7b": "meta-llama/Llama-2-7b-hf", "Llama-2-13b": "meta-llama/Llama-2-13b-hf",
    "Llama-2-70b": "meta-llama/Llama-2-70b-hf", "Llama-1-7b": "huggyllama/llama-7b",
    "Llama-1-13b": "huggyllama/llama-13b", "Llama-1-30b": "huggyllama/llama-30b",
    "Llama-1-65b": "huggyllama/llama-65b", "Llama-3-8b": "meta-llama/Meta-Llama-3-8B",
    "Llama-3-70b": "meta-llama/Meta-Llama-3-70B", "Qwen-1.5-7b": "Qwen/Qwen1.5-7B",
    "Qwen-1.5-14b": "Qwen/Qwen1.5-14B", "Qwen-1.5-32b": "Qwen/Qwen1.5-32B",
    "Qwen-1.5-72b": "Qwen/Qwen1.5-72B", "Qwen-7b": "Qwen/Qwen-7B", "Qwen-14b": "Qwen/Qwen-14B",
    "Qwen-72b": "Qwen/Qwen-72B", "Mistral-7b": "mistralai/Mistral-7B-v0.1",
    "Mixtral-8x7B": "mistralai/Mixtral-8x7B-v0.1", "Yi-6b": "01-ai/Yi-6B", "Yi-34b": "01-ai/Yi-34B",
    "Falcon-7b": "tiiuae/falcon-7b", "Falcon-40b": "tiiuae/falcon-40b",
    "Deepseek-llm-7b": "deepseek-ai/deepseek-llm-7b-base",
    "Deepseek-llm-67b": "deepseek-ai/deepseek-llm-67b-base",
}  # fmt: skip
#: Of the source's five on knowledge and common sense, those that are there.
KNOWLEDGE = ["MMLU", "ARC-C", "HellaSwag"]


def leaderboard() -> pd.DataFrame:
    """Return correlations of bits per character with benchmark scores of the same models."""
    bits = pd.read_csv(SHARED / "compression-leaderboard" / "bits_per_character.csv")
    scores = pd.read_csv(SHARED / "public-models" / "obsscaling_base_llm_benchmark_eval.csv")
    joined = bits.assign(Model=bits["model"].map(SCORED)).merge(scores, on="Model")
    joined["knowledge"] = joined[KNOWLEDGE].mean(axis=1)
    joined["mean of three"] = joined[["knowledge", "HumanEval", "GSM8K"]].mean(axis=1)
    pairs = [
        ("cc_bpc", "knowledge"), ("python_bpc", "HumanEval"), ("arxiv_math_bpc", "GSM8K"),
        ("average_bpc", "mean of three"),
    ]  # fmt: skip
    rows = []
    for corpus, score in pairs:
        both = joined[[corpus, score]].dropna()
        rows.append((corpus, score, len(both), both.corr().iloc[0, 1]))
    return pd.DataFrame(rows, columns=["bits per character on", "score", "models", "correlation"])


#: Accuracy tasks of the ladder that have bits per byte of the right answer.
TASKS = ("mmlu_stem_test", "hellaswag_val", "arc_challenge_test", "arc_easy_test", "piqa_val",
         "csqa_val", "socialiqa_val", "openbookqa_test")  # fmt: skip


def ladder() -> pd.DataFrame:
    """Return correlations, over the final checkpoints of a ladder, of bits and accuracy."""
    folder = SHARED / "model-ladder"
    paths = [*sorted(folder.glob("*xC.csv")), folder / "peteish7_eval_anneal.csv"]
    last = pd.concat([pd.read_csv(path).tail(1) for path in paths], ignore_index=True)
    rows = []
    for task in TASKS:
        bits = last[f"eval/downstream_bpb/{task}_rc_5shot_bpb"]
        accuracy = last[f"eval/downstream/{task}_rc_5shot_len_norm"]
        loss = last["eval/c4_en-validation/CrossEntropyLoss"]
        rows.append((task, len(last), bits.corr(accuracy), loss.corr(accuracy)))
    columns = ["task", "models", "bits per byte of the answer", "C4 loss"]
    return pd.DataFrame(rows, columns=columns)


def main() -> None:
    show("Parameters and FLOPs, counted and by hand", hand_checked())
    frame = readings()
    if frame is None:
        return
    show("The published formula on public configs, and IC there and back", paper_flops(frame), 5)
    show("Bias fitted to the readings", biases(frame), 2)
    found = left_out(frame)
    show("One size left out: mean absolute error of the gain, bits a token", by_series(found), 4)
    spread = backtest_scores(*(frame[c].to_numpy() for c in ("x", "gain", "group")), None)
    print(
        f"\n{100 * LEVEL:g} % intervals hold {found['inside'].sum()} of {len(found)} "
        f"({100 * found['inside'].mean():.0f} %), median width {found['width'].median():.3f}; "
        f"spread of errors over their scale {np.sqrt(np.mean(spread**2)):.4f} "
        f"(shipped: {PUBLISHED_SPREAD})"
    )
    show("Bits per character and benchmark scores", leaderboard())
    show("A model ladder: bits and accuracy at the end of each run (correlation)", ladder())


if __name__ == "__main__":
    main()
