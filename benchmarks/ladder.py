"""What the language model ladder shows: its power law, its seed noise, what emerges, its trouble.

    python benchmarks/ladder.py [--draw]

Prints the tables of ``datasets/ladder/card.md``; ``--draw`` renews the figure beside it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from predictor import ResponseAlignment, ScalingLaw, dataset_path, load_dataset, run_health
from predictor.curves.question import ask, only_runs, pose, seen_until
from predictor.report.charts import as_svg

BUDGET = "8M"
#: From this pass rate on an item counts as solved, up to the other as unsolved.
SOLVED, UNSOLVED = 0.9, 0.05


def table(frame: pd.DataFrame, digits: int = 3) -> str:
    """Return a frame as a Markdown table."""
    rows = [[f"{v:.{digits}f}" if isinstance(v, float) else str(v) for v in row]
            for row in frame.itertuples(index=False)]  # fmt: skip
    head = [list(map(str, frame.columns)), ["---"] * frame.shape[1]]
    return "\n".join(f"| {' | '.join(row)} |" for row in [*head, *rows])


def power_law(runs: pd.DataFrame) -> ScalingLaw:
    """Print the law over parameters and tokens, and how far runs lie off it."""
    main = runs[runs["series"] == "bytes"]
    law = ScalingLaw("chinchilla", draws=200).fit(main)
    off = 100 * np.expm1(law.residuals()["residual"])
    told = ", ".join(
        f"{name} {value:.4g} ({error:.2g})"
        for (name, value), error in zip(law.params.items(), law.bse, strict=True)
    )
    print(f"Chinchilla's law over {len(main)} byte-level runs of seed 0: {told}")
    print(f"off the law: root mean square {np.sqrt((off**2).mean()):.2f} %, median "
          f"{off.abs().median():.2f} %, worst {off.abs().max():.2f} %")  # fmt: skip
    for name, part in main.groupby("tokens"):
        slope = np.polyfit(np.log(part["params"]), np.log(part["loss"]), 1)
        rest = np.log(part["loss"]) - np.polyval(slope, np.log(part["params"]))
        print(f"  {name / 1e6:.0f}M tokens: loss ~ params^{slope[0]:.3f}, off by up to "
              f"{100 * rest.abs().max():.1f} %")  # fmt: skip
    return law


def seed_noise(runs: pd.DataFrame) -> None:
    """Print mean and spread over seeds, and how many spreads the next size is away."""
    main = runs[(runs["vocabulary"] == "bytes") & (runs["schedule"] == "wsd")]
    main = main[main["trouble"] == "none"]
    groups = main.groupby(["tokens", "size", "params"], sort=False)["loss"]
    found = groups.agg(["mean", "std", "count"]).reset_index().sort_values(["tokens", "params"])
    pooled = np.sqrt((found["std"] ** 2).mean())
    print(f"\nspread over three seeds, all sizes and budgets together: {pooled:.4f} nats")
    wide = found.pivot(index="tokens", columns="size", values="mean")[
        list(dict.fromkeys(found["size"]))
    ]
    steps = -wide.diff(axis=1).iloc[:, 1:]
    wide.insert(0, "tokens", [f"{tokens / 1e6:.0f}M" for tokens in wide.index])
    print(table(wide))
    least = steps.min(axis=1)
    told = ", ".join(
        f"{value:.3f} ({value / pooled:.1f} spreads) at {tokens / 1e6:.0f}M"
        for tokens, value in least.items()
    )
    print(f"smallest step between neighbouring sizes: {told}")


def pass_rates(items: pd.DataFrame) -> None:
    """Print pass rates by skill, difficulty and size, and how many items emerge."""
    own = items[items["family"].eq("bytes") & items["model"].str.endswith(f"-{BUDGET}")].copy()
    own = own.astype({"benchmark": str, "difficulty": str})
    own["rate"] = own["passes"] / own["trials"]
    sizes = own.drop_duplicates("model").sort_values("params")["model"].tolist()
    cells = ["benchmark", "difficulty"]
    matrix = own.pivot_table(index=cells, columns="model", values="rate")[sizes]
    matrix.columns = [name.split("-")[0] for name in sizes]
    counts = own.groupby(cells)["item"].nunique()
    matrix.insert(0, "items", counts)
    print(f"\nmean pass rate at {BUDGET} tokens")
    print(table(matrix.reset_index(), 2))
    each = own.pivot_table(index=["benchmark", "item"], columns="model", values="rate")[sizes]
    trivial = (each >= SOLVED).all(axis=1)
    never = (each <= UNSOLVED).all(axis=1)
    emerge = (each.iloc[:, :2] <= 0.5).all(axis=1) & (each.iloc[:, -2:] >= SOLVED).any(axis=1)
    told = pd.DataFrame({"items": 1, "trivial": trivial, "emerging": emerge, "never": never})
    sums = told.astype(int).groupby(level=0).sum().reset_index()
    print(
        f"\ntrivial: {SOLVED} or more at every size; never: at most {UNSOLVED} at every size; "
        f"emerging: at most 0.5 at the two smallest, {SOLVED} at one of the two largest"
    )
    print(table(sums))
    print({name: int(value) for name, value in sums.drop(columns="benchmark").sum().items()})


def schedules(runs: pd.DataFrame) -> None:
    """Print how schedules and vocabularies end."""
    own = runs[
        (runs["tokens"] // 1_000_000 == 3) & (runs["seed"] == 0) & runs["trouble"].eq("none")
    ]
    print("\nat 4M tokens")
    print(table(own[["run", "schedule", "vocabulary", "loss", "bits_per_byte"]], 4))


def trouble(runs: pd.DataFrame) -> None:
    """Print what the health check finds in the labelled runs, and in how many of the others."""
    health = run_health(load_dataset("ladder"), metrics=("loss", "grad_norm"))
    labels = runs.set_index("run")["trouble"]
    found = health.to_frame()
    verdicts = pd.Series({one.run: one.verdict for one in health.runs})
    print("\nverdicts of the health check")
    print(pd.crosstab(labels.reindex(verdicts.index), verdicts).to_string())
    print(table(found[found["run"].map(labels) != "none"]))
    others = found[found["run"].map(labels) == "none"]
    print(f"elsewhere {len(others)} spikes or events:")
    print(table(others.head(12)))


def half_way(runs: pd.DataFrame) -> None:
    """Print how forecasts of the end from the first half fare, run by run of the longer ones."""
    log = load_dataset("ladder")
    rows = []
    for run in runs.loc[runs["trouble"].eq("none") & (runs["tokens"] > 7e6), "run"]:
        end = float(runs.set_index("run")["steps"][run])
        own = only_runs(log, [run])
        question = pose(own, metric="eval_loss", axis="step", places=[{"step": end}])
        told = ask(seen_until(own, "step", end / 2), question).forecasts[0]
        truth = float(own.curve(run, "eval_loss")["value"].iloc[-1])
        rows.append((run, told.value, told.lower, told.upper, truth))
    found = pd.DataFrame(rows, columns=["run", "forecast", "lower", "upper", "truth"])
    found["off, %"] = 100 * (found["forecast"] / found["truth"] - 1)
    inside = found["truth"].between(found["lower"], found["upper"])
    print("\nthe end forecast from the first half")
    print(table(found))
    print(f"{inside.sum()} of {len(found)} inside their 90 % interval, median off "
          f"{found['off, %'].abs().median():.1f} %")  # fmt: skip


def strategies() -> None:
    """Print scores of the response strategies and the accuracies after training on each."""
    responses = pd.read_csv(dataset_path("ladder-responses"))
    after = load_dataset("ladder-accuracies").groupby(["model", "strategy"])["accuracy"]
    for model, part in responses.groupby("model"):
        shown = pd.DataFrame({"strategy": part["strategy"].unique()})
        for kind in ("self_perplexity", "perplexity"):
            fitted = ResponseAlignment(score=kind).fit(part).decision_
            shown[kind] = shown["strategy"].map(
                dict(zip(fitted.strategies, fitted.score, strict=True))
            )
        shown["accuracy, %"] = shown["strategy"].map(after.mean()[model])
        shown["lowest"] = shown["strategy"].map(after.min()[model])
        shown["highest"] = shown["strategy"].map(after.max()[model])
        print(f"\nanswers of seven strategies: {model}")
        print(table(shown, 2))


def training_time(points: pd.DataFrame, runs: pd.DataFrame) -> float:
    """Return hours of training, what several budgets share counted once."""
    total = 0.0
    for _, part in runs.groupby(runs["run"].str.replace(r"-\d+M$", "", regex=True)):
        log = points[points["run"].isin(part["run"])]
        lengths = log.groupby("run")["wall_time"].max()
        total += float(lengths.max())
        for run in part["run"]:
            if run != lengths.idxmax():
                own = log[log["run"] == run]
                decayed = own.loc[own["lr"] < own["lr"].max(), "wall_time"]
                total += float(own["wall_time"].max() - decayed[own["step"] > 50].min())
    return total / 3600


def draw(law: ScalingLaw) -> None:
    """Draw loss over parameters at each budget, runs as points and the law as lines."""
    import altair as alt

    data = law.table_.runs.assign(budget=law.table_.runs["tokens"].map(lambda t: f"{t / 1e6:.0f}M"))
    order = sorted(data["budget"].unique(), key=lambda name: int(name[:-1]))
    rows = []
    for budget in order:
        tokens = float(data.loc[data["budget"] == budget, "tokens"].iloc[0])
        params = np.geomspace(data["params"].min(), data["params"].max(), 40)
        loss = law.predict(pd.DataFrame({"params": params, "tokens": tokens}))
        rows.append(pd.DataFrame({"params": params, "loss": loss, "budget": budget}))
    x = alt.X(
        "params:Q",
        scale=alt.Scale(type="log", nice=False),
        title="parameters outside the embedding",
    )
    y = alt.Y(
        "loss:Q",
        scale=alt.Scale(type="log", zero=False, nice=False),
        title="held-out loss, nats a byte",
    )
    colour = alt.Color("budget:N", sort=order, title="tokens")
    shown = data[["params", "loss", "budget"]]
    points = alt.Chart(shown).mark_point(filled=True, size=32).encode(x=x, y=y, color=colour)
    lines = alt.Chart(pd.concat(rows)).mark_line(strokeWidth=1).encode(x=x, y=y, color=colour)
    chart = alt.layer(lines, points).properties(width=440, height=300)
    place = dataset_path("ladder-runs").with_name("loss.svg")
    place.write_text(as_svg(chart), encoding="utf-8")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draw", action="store_true", help="renew the card's figure")
    settings = parser.parse_args()
    runs = load_dataset("ladder-runs")
    points = pd.read_parquet(dataset_path("ladder"))
    print(
        f"{len(runs)} runs, {len(points):,} logged steps, {training_time(points, runs):.1f} hours"
    )
    law = power_law(runs)
    seed_noise(runs)
    pass_rates(load_dataset("ladder-items").items)
    schedules(runs)
    trouble(runs)
    half_way(runs)
    strategies()
    if settings.draw:
        draw(law)


if __name__ == "__main__":
    main()
