"""What each chart says, in words: the number, its interval, how far beyond the data, warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from predictor.findings import KINDS, Severity

if TYPE_CHECKING:
    import pandas as pd

    from predictor.alignment.decision import Decision
    from predictor.alignment.response_alignment import ResponseAlignment
    from predictor.backtest.result import Backtest
    from predictor.capacity.information_capacity import InformationCapacity
    from predictor.curves.question import Answer
    from predictor.curves.schedule.plan import Schedule
    from predictor.difficulty.cod import Chain
    from predictor.difficulty.outlook import Outlook
    from predictor.difficulty.suite import Suite
    from predictor.fitting.forecast import Forecast
    from predictor.gates.verdict import GateResult
    from predictor.health.checkpoint import CheckpointHealth
    from predictor.health.run_health import RunReport
    from predictor.scaling.allocation import Allocation
    from predictor.scaling.question import ScalingAnswer

_MOST_NAMES = 12


def forecast_words(forecast: Forecast) -> str:
    """Say what is forecast, how surely, how far beyond the data, and what to beware of.

    Examples
    --------
    >>> from predictor.fitting.forecast import Forecast
    >>> forecast_words(
    ...     Forecast("a", "loss", {"step": 200.0}, 2.5, 2.4, 2.6, 0.9, "power", 40, 2.0)
    ... )
    'loss at step=200 is 2.5 (90 % interval 2.4 to 2.6), 2 times as far as the data go.'
    """
    place = ", ".join(f"{axis}={value:g}" for axis, value in forecast.at.items())
    subject = f"{forecast.metric} at {place}" if place else forecast.metric
    if forecast.value is None:
        return f"{subject} cannot be forecast: {_titles(forecast.warnings)}."
    said = (
        f"{subject} is {forecast.value:.4g} ({100 * forecast.level:g} % interval "
        f"{forecast.lower:.4g} to {forecast.upper:.4g})"
    )
    ahead = forecast.extrapolation
    if ahead is not None:
        said += f", {ahead:.3g} times as far as the data go" if ahead > 1 else ", within the data"
    return " ".join([f"{said}.", *caution(forecast.warnings)])


def caution(codes: Iterable[str]) -> list[str]:
    """Return what to beware of, and what else to know, in a sentence each.

    Examples
    --------
    >>> caution(["PRED102"])
    ['Beware: far extrapolation (PRED102).']
    """
    listed = list(dict.fromkeys(codes))
    notes = [code for code in listed if KINDS[code].severity is Severity.INFO]
    warnings = [code for code in listed if code not in notes]
    said = (("Beware", warnings), ("Note", notes))
    return [f"{head}: {_titles(group)}." for head, group in said if group]


def _titles(codes: Iterable[str]) -> str:
    return "; ".join(f"{KINDS[code].title} ({code})" for code in codes)


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def curve_words(answer: Answer, run: str) -> str:
    """Say where one run goes.

    Parameters
    ----------
    answer : Answer
        From :func:`predictor.curves.question.ask`.
    run : str
        Name of the run.
    """
    own = [forecast for forecast in answer.forecasts if forecast.run == run]
    parts = [forecast_words(forecast) for forecast in own]
    parts += [f"{sentence}." for sentence in (shares_words(answer, run),) if sentence]
    verdict = answer.outcomes[run].verdict
    return " ".join([*parts, *([verdict] if verdict else [])])


def shares_words(answer: Answer, run: str) -> str:
    """Say how much each law counts; nothing where there is one."""
    shares = sorted(answer.outcomes[run].shares.items(), key=lambda pair: -pair[1])
    if len(shares) < 2:
        return ""
    parts = ", ".join(f"{law} {100 * share:.0f} %" for law, share in shares)
    return f"Weights of the laws, by prior and backtest on the curve's own past: {parts}"


def schedules_words(schedules: Sequence[Schedule], ends: Sequence[float]) -> str:
    """Say which schedule ends lowest."""
    ranked = sorted(zip(ends, (one.name for one in schedules), strict=True))
    ends_at = ", ".join(f"{name} {end:.4g}" for end, name in ranked[1:_MOST_NAMES])
    rest = f", before {ends_at}" if ends_at else ""
    return f"{ranked[0][1]} ends lowest, at a loss of {ranked[0][0]:.4g}{rest}."


def scaling_words(answer: ScalingAnswer) -> str:
    """Say which law was fitted, what it forecasts, and how to spend each budget."""
    known = answer.estimator
    if known is None:
        reasons = "; ".join(dict.fromkeys(finding.message for finding in answer.findings))
        return f"No law can be fitted to this table: {reasons}."
    law, error = known.fit_.law, known.residuals()["residual"]
    estimates = ", ".join(f"{name} {value:.4g}" for name, value in known.params.items())
    parts = [
        f"{law.title}, fitted to {len(known.table_)} runs: {estimates}. Runs lie off it by "
        f"{100 * float(error.abs().median()):.2g} % in the middle, {100 * error.abs().max():.2g} % "
        "at most."
    ]
    parts += [forecast_words(forecast) for forecast in answer.forecasts]
    parts += [allocation_words(one) for one in answer.allocations]
    told = {code for forecast in answer.forecasts for code in forecast.warnings}
    return " ".join([*parts, *caution(f.code for f in answer.findings if f.code not in told)])


def allocation_words(one: Allocation) -> str:
    """Say how to spend a budget."""
    split = (
        f"{one.flops:.3g} FLOPs are best spent on {one.params:.3g} parameters "
        f"({one.params_lower:.3g} to {one.params_upper:.3g}) and {one.tokens:.3g} tokens "
        f"({one.tokens_lower:.3g} to {one.tokens_upper:.3g})"
    )
    if one.value is None:
        return f"{split}; the loss there cannot be forecast."
    level = f"{100 * one.level:g} % interval"
    return f"{split}, for a loss of {one.value:.4g} ({level} {one.lower:.4g} to {one.upper:.4g})."


def downstream_words(suite: Suite, chains: Mapping[str, Chain | None] | None = None) -> str:
    """Say what each benchmark will score, by which methods, and which items tell.

    Parameters
    ----------
    suite : Suite
        From :func:`predictor.difficulty.suite.forecast_suite`.
    chains : mapping of str to Chain, optional
        Clusters of items by benchmark.
    """
    parts = [forecast_words(forecast) for forecast in suite.forecasts]
    for one in suite.outlooks:
        used = sorted(one.weights.items(), key=lambda pair: -pair[1])
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in used if share >= 0.005)
        if shares and any(forecast.trusted for forecast in one.forecasts):
            parts.append(f"Methods for {one.ladder.benchmark}: {shares}.")
        chain = (chains or {}).get(one.ladder.benchmark)
        parts += [] if chain is None else [cluster_words(one, chain)]
    return " ".join(parts)


def cluster_words(one: Outlook, chain: Chain) -> str:
    """Say how many items are in no cluster, and how many can be predicted."""
    from predictor.difficulty.features import solved
    from predictor.difficulty.subset import outlier_count

    unsolved = int((~solved(one.ladder.rates)).sum())
    strange = outlier_count(chain.curves.clustering) - unsolved
    return (
        f"Outliers: {strange} items like no others, {unsolved} that no model solves. "
        f"Predictable: {100 * chain.predictable_share:.0f} % of the items."
    )


def capacity_words(
    capacity: InformationCapacity, dataset: str | None = None, cost: str = "flops"
) -> str:
    """Say which model is first on a data set, what it is measured with, and what nobody beats."""
    shown = list(capacity.bias_) if dataset is None else [dataset]
    parts = [
        f"{_leader(capacity, name)} {bias_words(capacity, name)}. "
        f"{front_words(capacity, cost, name)}."
        for name in shown
    ]
    return " ".join([*parts, *caution(finding.code for finding in capacity.findings_)])


def _leader(capacity: InformationCapacity, dataset: str) -> str:
    rows = capacity.models_
    rows = rows[(rows["dataset"] == dataset) & rows["final"]]
    first = rows.sort_values("information_capacity", ascending=False).iloc[0]
    said = (
        f"On {dataset}, {first['model']} has the highest information capacity, "
        f"{first['information_capacity']:.4f}"
    )
    if first["lower"] == first["lower"]:
        level = f"{100 * capacity.level:g} % interval"
        said += f" ({level} {first['lower']:.4f} to {first['upper']:.4f})"
    tied = list(first["tied_with"])
    return said + (f", tied with {_names(tied)}." if tied else ".")


def bias_words(capacity: InformationCapacity, dataset: str) -> str:
    """Say which bias was used, and how alike it makes the models of a series."""
    bias = capacity.bias_[dataset]
    text = f"Bias {bias.value:.2f} bits a token, {bias.source}"
    if bias.lower is not None:
        text += f" ({100 * bias.level:g} % interval {bias.lower:.2f} to {bias.upper:.2f})"
    if bias.coefficient_of_variation is not None:
        several = (
            f"the {bias.series} series of two or more sizes" if bias.series > 1 else "a series"
        )
        text += f"; within {several} IC varies by {100 * bias.coefficient_of_variation:.2f} %"
    return text


def front_words(capacity: InformationCapacity, cost: str, dataset: str) -> str:
    """Say which models no other beats at their cost."""
    front = capacity.pareto(cost, dataset)  # type: ignore[arg-type]
    best = front[front["on_front"]].sort_values("cost")
    names = ", ".join(map(str, best["model"]))
    return f"Not beaten at their {cost}, the cheapest first: {names}"


def alignment_words(alignment: ResponseAlignment) -> str:
    """Say which strategy is best, how surely, and what that is worth."""
    words = decision_words(alignment.decision_)
    return " ".join([words, *caution(finding.code for finding in alignment.findings_)])


def decision_words(decision: Decision) -> str:
    """Say which strategy to take."""
    return " ".join(decision_lines(decision))


def decision_lines(decision: Decision) -> list[str]:
    """Say which strategy to take, a sentence a line."""
    from predictor.alignment.decision import noise_in_words

    if len(decision.strategies) < 2:
        return ["One strategy: there is nothing to choose from."]
    best, share = decision.best, float(decision.p_best[int(decision.order[0])])
    if decision.decisive:
        return [f"'{best}' has the best score with probability {share:.3f}."]
    lines = []
    if decision.noisy:
        words = noise_in_words(decision)
        lines.append(f"{words[0].upper()}{words[1:]}.")
    if decision.rival is not None:
        lines.append(
            f"'{best}' may be first only by its length: at one length '{decision.rival}' would "
            "be (PRED507)."
        )
    return lines


def gate_words(result: GateResult) -> str:
    """Say how many checks passed, and what the others say."""
    counts = Counter(str(verdict.status) for verdict in result.verdicts)
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    rest = [v for v in result.verdicts if str(v.status) != "pass"][:_MOST_NAMES]
    lines = [f"{verdict.status}: {verdict.name}: {verdict.message}." for verdict in rest]
    return " ".join([f"The gate: {result.status} ({told or 'no check'}).", *lines])


def health_words(report: RunReport) -> str:
    """Say whether a run is sound, and what was seen in it."""
    parts = [f"{report.verdict}, from {report.points:,} points of the loss."]
    if report.spikes:
        kinds = Counter(spike.kind for spike in report.spikes)
        worst = max(report.spikes, key=lambda spike: spike.height)
        counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        parts.append(
            f"Spikes: {counted}; the highest in {worst.signal} at {report.axis} {worst.start:g}, "
            f"{worst.clean:.4g} to {worst.peak:.4g}."
        )
    parts += [f"{event.kind}: {event.message}." for event in report.events[:_MOST_NAMES]]
    if report.alarm is not None:
        parts.append(f"Seen first at {report.axis} {report.alarm:g}{warned_words(report)}.")
    return " ".join([*parts, *caution(finding.code for finding in report.findings)])


def warned_words(report: RunReport) -> str:
    """Say by how much the alarm came before the loss doubled; nothing where there is none."""
    if report.warned is None:
        return ""
    if report.warned < 0:
        return f", after the loss doubled at {report.doubled:g}"
    return f", {report.warned:g} {report.axis}s before the loss exceeded twice its median"


def weights_words(weights: CheckpointHealth) -> str:
    """Say how far the weights of the last checkpoint have come from how they were initialised."""
    from predictor.health.weibull import INITIAL_K

    own = weights.tensors
    last = own[own["checkpoint"] == own["checkpoint"].iloc[-1]].dropna(subset=["k"])
    if last.empty:
        return "No tensor is large enough for Weibull's law."
    bands = ", ".join(f"{count} {band}" for band, count in last["band"].value_counts().items())
    median, low, high = (float(last["k"].quantile(q)) for q in (0.5, 0.0, 1.0))
    said = f"Weibull's k of {len(last)} tensors: median {median:.3f} ({low:.3f} to {high:.3f})"
    parts = [f"{said}, {INITIAL_K:.3f} as initialised; {bands}."]
    return " ".join([*parts, *caution(finding.code for finding in weights.findings)])


def trust_words(report: Backtest) -> str:
    """Say how far off forecasts of what is known were, and how often their intervals held."""
    lines = []
    for row in report.laws.to_dict("records"):
        if not row["n"]:
            lines.append(f"{row['law']} could not say anything, {row['cannot_say']} times.")
            continue
        held = row["coverage"]
        inside = "" if held != held else (
            f"; {100 * held:.0f} % of the truths within its {100 * report.level:g} % intervals"
        )  # fmt: skip
        lines.append(
            f"{row['law']}: off by {row['median_ape']:.2g} % in the middle of {row['n']} "
            f"forecasts{inside}."
        )
    said = " ".join(lines) or "Nothing could be hidden and forecast: the runs are too short."
    return " ".join([said, *caution(finding.code for finding in report.findings)])


def scored_words(laws: pd.DataFrame) -> str:
    """Say how past forecasts did, by law and level; see :class:`predictor.store.trust.TrustReport`.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"law": "auto", "level": 0.9, "n": 12, "median_error_percent": 1.5,
    ...        "coverage": 0.75, "coverage_lower": 0.5, "coverage_upper": 0.9}
    >>> print(scored_words(pd.DataFrame([row])))
    auto: off by 1.5 % in the middle of 12 forecasts; 75 % of the truths within its 90 % intervals
    (so many forecasts leave open 50 to 90 %).
    """
    return " ".join(
        f"{row['law']}: off by {row['median_error_percent']:.2g} % in the middle of {row['n']} "
        f"forecast{'s' * (row['n'] != 1)}; {100 * row['coverage']:.0f} % of the truths within its "
        f"{100 * row['level']:g} % intervals (so many forecasts leave open "
        f"{100 * row['coverage_lower']:.0f} to {100 * row['coverage_upper']:.0f} %)."
        for row in laws.to_dict("records")
    )


def calibration_words(report: Backtest, law: str) -> str:
    """Say which share of truths lay within intervals of each level; nothing where none is told."""
    table = report.calibration
    rows = table.loc[table["law"] == law, ["level", "coverage"]].to_numpy(dtype=float)
    said = ", ".join(f"{100 * level:g} %: {100 * share:.0f} %" for level, share in rows)
    return f"share of truths within intervals of a level: {said}" if said else ""
