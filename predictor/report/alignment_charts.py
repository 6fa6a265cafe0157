"""Charts of response strategies: scores, probability of being best, score against length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predictor.alignment.response_alignment import ResponseAlignment

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


def scores_chart(strategies: pd.DataFrame, title: str) -> alt.LayerChart | alt.FacetChart:
    """Draw each strategy's score with its interval, the best on top.

    Parameters
    ----------
    strategies : DataFrame
        ``ResponseAlignment.strategies_``.
    title : str
        Name of the score.
    """
    import altair as alt

    order = strategies["strategy"].tolist()
    hover = [alt.Tooltip("strategy:N")]
    hover += [alt.Tooltip(f"{name}:Q", format=".4g") for name in ("score", "lower", "upper")]
    y = alt.Y("strategy:N", sort=order, title=None)
    scale = alt.Scale(zero=False)
    base = alt.Chart(strategies).encode(y=y, tooltip=hover)
    rule = base.mark_rule().encode(x=alt.X("lower:Q", title=title, scale=scale), x2="upper:Q")
    point = base.mark_circle(size=70, opacity=1).encode(
        x=alt.X("score:Q", title=title, scale=scale)
    )
    return alt.layer(rule, point).properties(width=420, title="Scores and intervals")


def p_best_chart(strategies: pd.DataFrame) -> alt.Chart:
    """Draw the probability that each strategy has the best score.

    Parameters
    ----------
    strategies : DataFrame
        ``ResponseAlignment.strategies_``.
    """
    import altair as alt

    order = strategies["strategy"].tolist()
    return (
        alt.Chart(strategies)
        .mark_bar()
        .encode(
            y=alt.Y("strategy:N", sort=order, title=None),
            x=alt.X("p_best:Q", title="probability of the best score",
                    scale=alt.Scale(domain=[0, 1])),
            tooltip=["strategy:N", alt.Tooltip("p_best:Q", format=".3f")],
        )
        .properties(width=420, title="Probability of being best")
    )  # fmt: skip


def length_chart(strategies: pd.DataFrame, title: str) -> alt.LayerChart | alt.FacetChart:
    """Draw scores against mean numbers of tokens: is the best only the shortest.

    Parameters
    ----------
    strategies : DataFrame
        ``ResponseAlignment.strategies_`` with ``tokens``.
    title : str
        Name of the score.
    """
    import altair as alt

    base = alt.Chart(strategies).encode(
        x=alt.X("tokens:Q", title="tokens of a response, mean", scale=alt.Scale(zero=False)),
        y=alt.Y("score:Q", title=title, scale=alt.Scale(zero=False)),
        tooltip=[alt.Tooltip("strategy:N"), alt.Tooltip("tokens:Q", format=".1f"),
                 alt.Tooltip("score:Q", format=".4g")],
    )  # fmt: skip
    names = base.mark_text(align="left", dx=7).encode(text="strategy:N")
    return alt.layer(base.mark_circle(size=70, opacity=1), names).properties(
        width=420, height=220, title="Score against length"
    )


def alignment_chart(alignment: ResponseAlignment) -> alt.VConcatChart:
    """Return all charts of a fitted ranking, one below the other."""
    import altair as alt

    rows = alignment.strategies_
    title = f"{alignment.score_} ({alignment.better_} is better)"
    charts: list[alt.Chart | alt.LayerChart | alt.FacetChart] = [
        scores_chart(rows, title),
        p_best_chart(rows),
    ]
    if "tokens" in rows and rows["tokens"].notna().any():
        charts.append(length_chart(rows, title))
    return alt.vconcat(*charts)
