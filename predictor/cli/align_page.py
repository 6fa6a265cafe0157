"""What a person reads of a ranking of response strategies."""

from __future__ import annotations

from predictor.alignment.answer import switching_gains
from predictor.alignment.decision import Decision
from predictor.alignment.experience import AlignmentExperience
from predictor.alignment.response_alignment import ResponseAlignment
from predictor.alignment.scores import MIXED, SCORES
from predictor.cli.output import printable, table_text
from predictor.findings import KINDS
from predictor.report.words import decision_lines

_BAR = 12


def align_text(alignment: ResponseAlignment, experience: AlignmentExperience | None) -> str:
    """Return the ranking, the decision in words, tasks, and what past rounds say."""
    title = "perplexity and dissimilarity mixed"
    if alignment.score_ != MIXED:
        title = SCORES[alignment.score_].title
    parts = [
        f"{title} ({alignment.better_} is better), {alignment.aggregation} over examples\n"
        f"{_ranking(alignment, alignment.decision_)}",
        "".join(f"{printable(line)}\n" for line in decision_lines(alignment.decision_)),
    ]
    parts += [_tasks(alignment)] if alignment.tasks_ else []
    if experience is not None:
        parts.append(_past(alignment, experience))
    codes = sorted({finding.code for finding in alignment.findings_})
    parts.append("".join(f"{code} {KINDS[code].title}\n" for code in codes))
    return "\n".join(part for part in parts if part)


def _ranking(alignment: ResponseAlignment, decision: Decision) -> str:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("rank", justify="right")
    table.add_column("strategy")
    interval = f"{100 * decision.level:g} % interval"
    for name in ("score", interval, "p(best)"):
        table.add_column(name, justify="right")
    table.add_column("")
    for name in ("regret", "examples", "tokens"):
        table.add_column(name, justify="right")
    tokens = {}
    if "tokens" in alignment.strategies_:
        rows = alignment.strategies_
        tokens = dict(zip(rows["strategy"], rows["tokens"], strict=True))
    for i in decision.order:
        name = decision.strategies[i]
        share = float(decision.p_best[i])
        table.add_row(
            str(decision.rank[i]), printable(name), f"{decision.score[i]:.4g}",
            f"{decision.lower[i]:.4g} to {decision.upper[i]:.4g}", f"{share:.3f}",
            "\N{FULL BLOCK}" * round(_BAR * share), f"{decision.regret[i]:.3g}",
            str(decision.examples[i]), f"{tokens[name]:.0f}" if name in tokens else "",
        )  # fmt: skip
    return table_text(table)


def _tasks(alignment: ResponseAlignment) -> str:
    lines = []
    for task, one in alignment.tasks_.items():
        p_best = float(one.p_best[int(one.order[0])])
        others = "" if one.decisive else f"; any of {', '.join(one.best_set)}"
        lines.append(f"  {task}: {one.best} (p {p_best:.2f}{others})")
    return "\n".join(["By task", *map(printable, lines)]) + "\n"


def _past(alignment: ResponseAlignment, experience: AlignmentExperience) -> str:
    lines = ["Past rounds"]
    for name, one in experience.evaluations_.items():
        low, high = one.intervals["weighted_rho"]
        lines.append(
            f"  {printable(name)}: weighted rho {one.weighted_rho:.2f} ({low:.2f} to {high:.2f}), "
            f"pick {one.accuracy:.2f}, random {one.random:.2f}, best {one.upper_bound:.2f}; best "
            f"score with probability {experience.p_score_[name]:.2f}"
        )
    gains = switching_gains(alignment, experience)
    if not gains and len(alignment.strategies_) > 1:
        lines.append(
            f"  no gain can be told: past rounds hold {printable(', '.join(experience.p_score_))}, "
            f"ranked is by {alignment.score_}; name the past score's column after it"
        )
    lines += [
        f"  {printable(gain.strategy)} over {printable(gain.over)}: {gain.value:+.2f} "
        f"({gain.lower:+.2f} to {gain.upper:+.2f}), better with probability {gain.p_better:.2f}"
        for gain in gains
    ]
    return "\n".join(lines) + "\n"
