"""Where naive Bayes and logistic regression cross, and how honest a forecast crossing is.

    pip install --no-deps --target FOLDER lcdb==0.1.0     (MIT; 480 MB unpacked)
    PYTHONPATH=FOLDER python benchmarks/crossings.py [--cache FOLDER]

On every data set of the learning curve database (Mohr et al., ECML PKDD 2022) that has both: mean
error over up to 125 shared splits a size. What really happened is read off these means: sizes where
the difference is more than two standard errors tell who is better there, and a crossing lies
between two such sizes with different winners. First the crossings within all data, then forecasts:
the sizes up to the middle (log axis) are shown, and the rest is asked for. A compact copy of what
is needed is kept in the cache folder.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from predictor.curves.crossing import find_crossing

BAYES = ("BernoulliNB", "MultinomialNB")
REGRESSION = "LogisticRegression"
FEWEST_SIZES = 6
LEVEL = 0.9


def database(cache: Path) -> pd.DataFrame:
    """Return openmlid, learner, size, split and error of the three learners."""
    kept = cache / "lcdb-bayes-regression.parquet"
    if kept.exists():
        return pd.read_parquet(kept)
    package = find_spec("lcdb")
    if package is None or not package.submodule_search_locations:
        sys.exit("lcdb is not installed: pip install --no-deps --target FOLDER lcdb==0.1.0")
    import duckdb

    table = Path(next(iter(package.submodule_search_locations))) / "database-accuracy.csv"
    names = ", ".join(f"'{name}'" for name in (*BAYES, REGRESSION))
    found = duckdb.sql(
        "select openmlid, split_part(learner, '.', -1) as learner, size_train as size, "
        "100 * outer_seed + inner_seed as split, avg(1 - score_test) as error "
        f"from read_csv('{table}') where split_part(learner, '.', -1) in ({names}) "
        "group by all order by all"
    ).df()
    cache.mkdir(parents=True, exist_ok=True)
    found.to_parquet(kept)
    return found


def errors(table: pd.DataFrame, data_set: int, bayes: str) -> tuple[np.ndarray, ...] | None:
    """Return sizes, and errors (splits, sizes) of both learners; None where there is too little."""
    part = table[table["openmlid"] == data_set]
    one, two = (
        part[part["learner"] == name].pivot_table(index="split", columns="size", values="error")
        for name in (bayes, REGRESSION)
    )
    sizes = one.columns.intersection(two.columns)
    splits = one.index.intersection(two.index)
    one, two = one.loc[splits, sizes], two.loc[splits, sizes]
    enough = ((one.notna() & two.notna()).sum() >= 5).to_numpy()
    if enough.sum() < FEWEST_SIZES:
        return None
    return sizes.to_numpy(float)[enough], one.to_numpy()[:, enough], two.to_numpy()[:, enough]


def winners(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return 1 where the second is better, -1 where the first is, 0 where one cannot tell."""
    apart = one - two
    count = np.isfinite(apart).sum(axis=0)
    mean = np.nanmean(apart, axis=0)
    error = np.nanstd(apart, axis=0, ddof=1) / np.sqrt(count)
    return np.where(np.abs(mean) > 2 * error, np.sign(mean), 0).astype(int)


def brackets(sizes: np.ndarray, who: np.ndarray) -> list[tuple[float, float]]:
    """Return between which sizes the winner changes."""
    clear = np.flatnonzero(who)
    return [(sizes[a], sizes[b]) for a, b in pairwise(clear) if who[a] != who[b]]


def outside(value: float, bracket: tuple[float, float]) -> float:
    """Return by how many doublings a place lies outside a bracket; 0 within it."""
    low, high = np.log2(bracket)
    return float(max(low - np.log2(value), np.log2(value) - high, 0.0))


def within_all(table: pd.DataFrame, bayes: str) -> pd.DataFrame:
    """Compare the crossings that are found with those that there are, on all sizes."""
    rows = []
    for data_set in table["openmlid"].unique():
        found = errors(table, data_set, bayes)
        if found is None:
            continue
        sizes, one, two = found
        real = brackets(sizes, winners(one, two))
        cross = find_crossing(sizes, one, two, names=(bayes, REGRESSION), level=LEVEL)
        said = cross.value is not None and not cross.extrapolated
        row = {"none": cross.none, "one": cross.one, "several": cross.several}
        row |= {"real": len(real), "said": said, "off": np.nan, "inside": np.nan}
        if real and said:
            low, high = cross.lower or 0.0, cross.upper or np.inf
            row["off"] = min(outside(cross.value, bracket) for bracket in real)
            row["inside"] = any(low <= b and a <= high for a, b in real)
            row["after"] = cross.better_after
        rows.append(row)
    return pd.DataFrame(rows)


def ahead(table: pd.DataFrame, bayes: str) -> pd.DataFrame:
    """Forecast crossings from the lower half of the sizes (log axis)."""
    rows = []
    for data_set in table["openmlid"].unique():
        found = errors(table, data_set, bayes)
        if found is None:
            continue
        sizes, one, two = found
        shown = sizes <= np.sqrt(sizes[0] * sizes[-1])
        who = winners(one, two)
        if shown.sum() < 4 or not who[-1] or not who[shown].any():
            continue
        seen = who[shown]
        now = seen[np.flatnonzero(seen)[-1]]
        last = sizes[shown][np.flatnonzero(seen)[-1]]
        later = [b for b in brackets(sizes, who) if b[0] >= last]
        rows.append(asked(sizes, one, two, shown) | {
            "changes": now != who[-1], "bracket": later[0] if later else None, "end": sizes[-1],
            "start": sizes[shown][-1], "second_wins": who[-1] > 0, "now_second": now > 0,
        })  # fmt: skip
    return pd.DataFrame(rows)


def asked(
    sizes: np.ndarray, one: np.ndarray, two: np.ndarray, shown: np.ndarray
) -> dict[str, object]:
    """Return the forecast crossing, and with what probability the second is better at the end."""
    from predictor.curves.comparison import probability_best
    from predictor.curves.forecasting import forecast_curves
    from predictor.curves.prepared import prepare

    cross = find_crossing(sizes[shown], one[:, shown], two[:, shown], level=LEVEL)
    parts = [prepare(sizes[shown], np.nanmean(y[:, shown], axis=0), "error") for y in (one, two)]
    outcomes = forecast_curves(parts, [sizes[-1:]] * 2)
    chances = probability_best([outcome.predictive for outcome in outcomes])
    beyond = cross.extrapolated and cross.value is not None
    ends = (cross.lower or 0.0, cross.upper or np.inf) if beyond else (np.nan, np.nan)
    return {
        "value": cross.value if beyond else np.nan,
        "lower": ends[0],
        "upper": ends[1],
        "wins": np.nan if chances is None else chances[1],
    }


def shares(found: pd.DataFrame) -> pd.Series:
    """Sum up crossings within the data."""
    hit = found[found["real"].gt(0) & found["said"]]
    said = found.groupby(found["real"].clip(upper=2))["said"].mean()
    return pd.Series(
        {
            "data sets": len(found),
            "% of draws with none": 100 * found["none"].mean(),
            "one": 100 * found["one"].mean(),
            "several": 100 * found["several"].mean(),
            "really none": (found["real"] == 0).sum(),
            "really one": (found["real"] == 1).sum(),
            "really several": (found["real"] > 1).sum(),
            "% of real crossings (one) that are found": 100 * said.get(1, np.nan),
            "% of data sets with none where one is found": 100 * said.get(0, np.nan),
            "median doublings off (0: between the sizes where it is)": hit["off"].median(),
            "% within one doubling": 100 * (hit["off"] <= 1).mean(),
            "% of 90 % intervals that meet it": 100 * hit["inside"].astype(float).mean(),
        }
    )


def honesty(found: pd.DataFrame) -> pd.Series:
    """Sum up forecast crossings."""
    said = found["value"].notna() & (found["value"] <= found["end"])
    change = found["changes"] & found["bracket"].notna()
    hit = found[said & change]
    places = list(zip(hit["bracket"], hit["value"], hit["lower"], hit["upper"], strict=True))
    meets = [low <= b[1] and b[0] <= high for b, _, low, high in places]
    off = [outside(value, b) for b, value, _, _ in places]
    said_who = found[found["wins"].notna()]
    brier = (said_who["wins"] - said_who["second_wins"]) ** 2
    same = said_who["now_second"] != said_who["second_wins"]
    turned = (said_who["wins"] > 0.5) != said_who["now_second"]
    return pd.Series(
        {
            "data sets": len(found),
            "the winner changes": change.sum(),
            "crossing forecast before the end": said.sum(),
            "  of these it came": (said & change).sum(),
            "changes that were not forecast": (change & ~said).sum(),
            "median doublings off": np.median(off) if off else np.nan,
            "% of 90 % intervals that meet it": 100 * np.mean(meets) if meets else np.nan,
            "another winner is likelier at the end": turned.sum(),
            "  of these it came so": (turned & said_who["changes"]).sum(),
            "who is better at the end: cannot say": len(found) - len(said_who),
            "Brier score of 'who is better at the end'": brier.mean(),
            "  of 'who is better now stays so' (1 or 0)": same.mean(),
        }
    )


def reliability(found: pd.DataFrame) -> pd.DataFrame:
    """Return how often logistic regression was better at the end, by forecast probability."""
    band = pd.cut(found["wins"], [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0001], right=False)
    grouped = found.groupby(band, observed=True)
    return grouped.agg(
        data_sets=("wins", "size"), said=("wins", "mean"), happened=("second_wins", "mean")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--cache", type=Path, default=home / "predictor")
    table = database(parser.parse_args().cache)
    inside = {name: within_all(table, name) for name in BAYES}
    print("Crossings within all sizes")
    print(pd.DataFrame({n: shares(f) for n, f in inside.items()}).round(2).to_string())
    later = {name: ahead(table, name) for name in BAYES}
    print("\nForecast from the lower half of the sizes (log axis)")
    print(pd.DataFrame({n: honesty(f) for n, f in later.items()}).round(3).to_string())
    print("\nProbability that logistic regression is better at the end, and what happened")
    print(reliability(pd.concat(later.values())).round(3).to_string())


if __name__ == "__main__":
    main()
