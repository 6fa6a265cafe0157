"""What Predictor notices about logs and forecasts: a stable code, a severity, a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters to someone who acts on the forecast."""

    INFO = "info"
    WARNING = "warning"
    BLOCKING = "blocking"


@dataclass(frozen=True)
class FindingKind:
    """One kind of finding, as documented in ``docs/findings.md``."""

    code: str
    title: str
    severity: Severity


_KINDS = (
    # Logs
    FindingKind("PRED001", "not-a-number values left out", Severity.WARNING),
    FindingKind("PRED002", "infinite values left out", Severity.WARNING),
    FindingKind("PRED003", "repeated steps, the last one kept", Severity.INFO),
    FindingKind("PRED004", "restart: the log goes back and repeats steps", Severity.INFO),
    FindingKind("PRED005", "rows out of order, sorted", Severity.INFO),
    FindingKind("PRED006", "sampled export suspected", Severity.WARNING),
    FindingKind("PRED007", "file is cut off, the part before the cut was read", Severity.WARNING),
    FindingKind("PRED008", "part of the input was ignored", Severity.INFO),
    FindingKind("PRED009", "gap in the log", Severity.INFO),
    FindingKind("PRED010", "values that are not numbers were ignored", Severity.INFO),
    FindingKind("PRED011", "axis or count derived, not logged", Severity.INFO),
    FindingKind("PRED012", "partial evaluation", Severity.WARNING),
    # Forecasts
    FindingKind("PRED101", "too few points to forecast from", Severity.BLOCKING),
    FindingKind("PRED102", "far extrapolation", Severity.WARNING),
    FindingKind("PRED103", "a parameter is at its bound", Severity.INFO),
    FindingKind("PRED104", "the curve is constant", Severity.WARNING),
    FindingKind("PRED105", "points without a positive place on the axis left out", Severity.INFO),
    FindingKind(
        "PRED106", "interval calibrated on reference curves, not on this log", Severity.INFO
    ),
    FindingKind("PRED107", "the laws disagree", Severity.WARNING),
    FindingKind("PRED108", "learning rate changes and the law does not know it", Severity.WARNING),
    FindingKind("PRED109", "the run diverges", Severity.WARNING),
    FindingKind("PRED110", "the target lies within the data", Severity.INFO),
    FindingKind("PRED111", "double descent", Severity.WARNING),
    FindingKind("PRED112", "no trend beyond the noise", Severity.WARNING),
    FindingKind("PRED113", "the forecast is not a finite number", Severity.BLOCKING),
    FindingKind("PRED114", "extrapolation beyond what these points can carry", Severity.BLOCKING),
    FindingKind("PRED115", "what a learning trace says of stopping", Severity.INFO),
    FindingKind("PRED116", "the layer of convergence is no bound", Severity.WARNING),
    FindingKind("PRED117", "the learning trace has not settled", Severity.WARNING),
    # Targets, costs and comparisons
    FindingKind("PRED130", "the log has reached the target already", Severity.INFO),
    FindingKind("PRED131", "the target may not be reached", Severity.WARNING),
    FindingKind("PRED132", "the target is out of reach", Severity.WARNING),
    FindingKind("PRED133", "the cost cannot be told", Severity.WARNING),
    FindingKind("PRED134", "the cost rests on an assumption", Severity.INFO),
    FindingKind("PRED135", "no crossing within the data", Severity.INFO),
    FindingKind("PRED136", "the crossing is extrapolated", Severity.WARNING),
    FindingKind("PRED137", "compared before the learning rate has fallen", Severity.WARNING),
    FindingKind("PRED138", "one repeat only", Severity.INFO),
    FindingKind("PRED139", "the runs cannot all be forecast so far", Severity.WARNING),
    FindingKind("PRED141", "too short to be backtested", Severity.WARNING),
    FindingKind("PRED151", "plateau", Severity.INFO),
    # Information capacity
    FindingKind("PRED301", "no published bias for this data set", Severity.WARNING),
    FindingKind("PRED302", "a series of one size", Severity.INFO),
    FindingKind("PRED303", "two data sets or tokenizers in one series", Severity.WARNING),
    FindingKind("PRED304", "nats given as bits, by the look of it", Severity.WARNING),
    FindingKind("PRED305", "samples longer than published values cut them", Severity.WARNING),
    FindingKind("PRED306", "interval as wide as published series scatter", Severity.INFO),
    FindingKind("PRED307", "an assumption about an architecture", Severity.WARNING),
    FindingKind("PRED308", "no samples logged, so no standard errors", Severity.INFO),
    FindingKind("PRED309", "the bias does not fit this data set", Severity.WARNING),
    # Learning-rate schedules
    FindingKind("PRED120", "the learning rate ahead is known", Severity.INFO),
    FindingKind("PRED121", "a warm-up that is not in the log is assumed", Severity.INFO),
    FindingKind("PRED122", "no run shows the learning rate fall", Severity.WARNING),
    FindingKind("PRED123", "the schedule goes beyond what the runs show", Severity.WARNING),
    FindingKind("PRED124", "the runs do not follow one law", Severity.WARNING),
    FindingKind("PRED125", "runs left out of the schedule law", Severity.INFO),
    FindingKind("PRED127", "a learning rate may fall and is not logged", Severity.WARNING),
    FindingKind("PRED126", "the learning rate ahead is not known", Severity.BLOCKING),
    # Scaling
    FindingKind("PRED201", "too few runs for a scaling law", Severity.BLOCKING),
    FindingKind("PRED202", "one ratio of tokens to parameters only", Severity.WARNING),
    FindingKind("PRED203", "too few model sizes or amounts of data", Severity.WARNING),
    FindingKind("PRED204", "narrow range of compute", Severity.WARNING),
    FindingKind("PRED205", "duplicated runs", Severity.WARNING),
    FindingKind("PRED206", "runs that lie far off the law", Severity.WARNING),
    FindingKind("PRED207", "the loss may not be in nats per token", Severity.WARNING),
    FindingKind("PRED208", "extrapolation beyond ten times the largest compute", Severity.WARNING),
    FindingKind("PRED209", "mid-training checkpoints among final results", Severity.WARNING),
    FindingKind("PRED210", "parameters counted in two ways", Severity.WARNING),
    FindingKind("PRED211", "logged compute is not 6 x params x tokens", Severity.WARNING),
    FindingKind("PRED212", "exponents that the runs do not tell", Severity.WARNING),
    FindingKind("PRED213", "the law leaves curvature over", Severity.WARNING),
    FindingKind("PRED214", "scatter that changes with compute", Severity.INFO),
    FindingKind("PRED215", "one run decides the law", Severity.WARNING),
    FindingKind("PRED216", "too few runs to calibrate the interval", Severity.WARNING),
    FindingKind("PRED217", "runs of different settings in one table", Severity.WARNING),
    FindingKind("PRED218", "repeated data, and the law does not know it", Severity.WARNING),
    FindingKind("PRED219", "target below the irreducible loss", Severity.BLOCKING),
    FindingKind("PRED223", "a size or amount of data unlike any run's", Severity.BLOCKING),
    FindingKind("PRED222", "no lowest loss between the sizes of a budget", Severity.WARNING),
    FindingKind("PRED221", "another ratio of tokens to parameters than any run", Severity.BLOCKING),
    FindingKind("PRED220", "the optimum lies outside the sizes that were trained", Severity.INFO),
    # Benchmarks
    FindingKind("PRED401", "too few models to forecast a benchmark from", Severity.BLOCKING),
    FindingKind("PRED402", "emergence not seen yet", Severity.BLOCKING),
    FindingKind("PRED403", "larger models score lower", Severity.WARNING),
    FindingKind("PRED404", "ratio of tokens to parameters is not constant", Severity.INFO),
    FindingKind("PRED405", "too few items", Severity.WARNING),
    FindingKind("PRED406", "target farther than 30 times the largest model", Severity.WARNING),
    FindingKind("PRED407", "no cluster of items can be extrapolated", Severity.INFO),
    FindingKind("PRED408", "not forecastable from these models", Severity.BLOCKING),
    FindingKind("PRED409", "items missing for some models", Severity.WARNING),
    FindingKind("PRED410", "compute unknown, parameters stand in for it", Severity.WARNING),
    FindingKind("PRED411", "clusters change with the bandwidth", Severity.INFO),
    FindingKind("PRED412", "the anchor does not fit the ladder", Severity.WARNING),
    FindingKind("PRED413", "parameters of clusters not identified by the ladder", Severity.INFO),
    FindingKind("PRED414", "checkpoints averaged with their neighbours", Severity.INFO),
    FindingKind("PRED415", "too few backtests on this ladder", Severity.INFO),
    FindingKind("PRED416", "the methods disagree", Severity.WARNING),
    FindingKind("PRED417", "the target is no larger than the ladder", Severity.INFO),
    FindingKind("PRED418", "few trials an item", Severity.INFO),
    FindingKind("PRED419", "checkpoint outside the forecast band", Severity.WARNING),
    # Response strategies
    FindingKind("PRED501", "one strategy: nothing to choose from", Severity.BLOCKING),
    FindingKind("PRED502", "empty responses left out", Severity.WARNING),
    FindingKind("PRED503", "perplexity and log-likelihood disagree", Severity.WARNING),
    FindingKind("PRED504", "perplexity by byte, as no tokens are counted", Severity.WARNING),
    FindingKind("PRED505", "repeated examples averaged", Severity.INFO),
    FindingKind("PRED506", "few examples of a strategy", Severity.WARNING),
    FindingKind("PRED507", "a strategy may be first by its length", Severity.WARNING),
    FindingKind("PRED508", "a strategy may be first by its format", Severity.WARNING),
    FindingKind("PRED509", "examples that not every strategy has left out", Severity.INFO),
    FindingKind("PRED510", "strategies scored on different examples", Severity.WARNING),
    FindingKind("PRED511", "strategies that are not on every task", Severity.WARNING),
    FindingKind("PRED512", "differences within noise", Severity.WARNING),
    FindingKind("PRED513", "a score tells little of accuracy after training", Severity.INFO),
    FindingKind("PRED514", "responses without a result", Severity.WARNING),
    FindingKind("PRED515", "strategies without the score", Severity.WARNING),
    # Run health
    FindingKind("PRED601", "too few points to tell a spike", Severity.BLOCKING),
    FindingKind("PRED602", "narrow spike", Severity.INFO),
    FindingKind("PRED603", "wide spike", Severity.WARNING),
    FindingKind("PRED604", "divergence: a rise to the end of the log", Severity.WARNING),
    FindingKind("PRED605", "no fall over the last part of the log", Severity.INFO),
    FindingKind("PRED606", "logging stalled", Severity.WARNING),
    FindingKind("PRED607", "steps skipped or without a number", Severity.WARNING),
    FindingKind("PRED608", "the log ends before the planned end", Severity.INFO),
    FindingKind("PRED609", "too few early steps", Severity.INFO),
    FindingKind("PRED610", "runs differ in more than their early signals", Severity.WARNING),
    FindingKind("PRED611", "early signals are not known to tell the end", Severity.WARNING),
    FindingKind("PRED612", "weights that are not finite", Severity.WARNING),
    FindingKind("PRED613", "loss scale collapses", Severity.WARNING),
    FindingKind("PRED614", "condition numbers left out for their time", Severity.INFO),
    FindingKind("PRED615", "weights that follow no Weibull law", Severity.INFO),
    FindingKind("PRED616", "what limits the run cannot be told", Severity.WARNING),
    # Workspace
    FindingKind("PRED701", "a stored file is missing", Severity.WARNING),
    FindingKind("PRED702", "a stored file is damaged", Severity.WARNING),
    FindingKind("PRED703", "a file that belongs to nothing stored", Severity.INFO),
    FindingKind("PRED704", "the database of the workspace is damaged", Severity.WARNING),
    FindingKind("PRED711", "too few forecasts to score", Severity.INFO),
    FindingKind("PRED712", "forecasts of what was logged already", Severity.INFO),
)

KINDS: dict[str, FindingKind] = {kind.code: kind for kind in _KINDS}


@dataclass(frozen=True)
class Finding:
    """One thing noticed, in words.

    Parameters
    ----------
    code : str
        A code of :data:`KINDS`, such as ``"PRED003"``.
    message : str
        One sentence with the numbers of this case.
    run : str, optional
        The run it is about; None when it is about the whole input.
    source : str, optional
        The file it was seen in.

    Examples
    --------
    >>> Finding("PRED001", "3 values of loss are not a number", run="a").severity.value
    'warning'
    """

    code: str
    message: str
    run: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        if self.code not in KINDS:
            raise KeyError(self.code)

    @property
    def severity(self) -> Severity:
        """Severity of the finding's kind."""
        return KINDS[self.code].severity

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values, empty fields left out."""
        found = {key: value for key, value in asdict(self).items() if value is not None}
        return {**found, "severity": self.severity.value}


def grouped(findings: Iterable[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield each thing that was noticed once, with the run, and the number of others it holds for.

    Examples
    --------
    >>> twice = [Finding("PRED003", "step 5 twice", run) for run in ("a", "b")]
    >>> [(one.code, whose) for one, whose in grouped(twice)]
    [('PRED003', 'a and 1 more')]
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.message), []).append(finding)
    for same in groups.values():
        runs = list(dict.fromkeys(finding.run for finding in same if finding.run is not None))
        more = f" and {len(runs) - 1} more" if runs[1:] else ""
        yield same[0], f"{runs[0]}{more}" if runs else ""
