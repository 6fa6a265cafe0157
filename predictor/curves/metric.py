"""What is known of a metric by its name: which way is better, and where it must stay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

import numpy as np

from predictor.fitting.law import Array
from predictor.fitting.problem import Residual

_FALLING = (
    "loss|err|error|error_rate|ppl|perplexity|nll|bpb|bpc|bpt|mse|mae|rmse|mape|wer|cer|ter|fid|kl|brier"
    "|cross_?entropy|xent|ce|logloss|bits_per_byte|regret|eer"
)
_SHARE = (
    "acc|accuracy|f1|auc|auroc|auprc|precision|recall|rouge\\w*|bleu\\w*|exact_?match|em|iou|dice|map|map50"
    "|pass|pass_?rate|win_?rate|score_rate|hit_?rate|ndcg|mrr|top\\d|chrf\\w*|meteor|ap|balanced_accuracy"
)
_WORD = r"(?:^|[^a-z]){}(?:$|[^a-z])"
_FALLING_NAME = re.compile(_WORD.format(f"(?:{_FALLING})"))
_SHARE_NAME = re.compile(_WORD.format(f"(?:{_SHARE})"))
#: Losses that start with one of these are not bounded by zero.
_SIGNED_NAME = re.compile(r"policy|actor|elbo|surrogate|entropy_loss|reward")


@dataclass(frozen=True)
class MetricKind:
    """Direction and range of a metric.

    Parameters
    ----------
    better : {"lower", "higher"}
        Which way training moves it when all goes well.
    floor, ceiling : float
        Range that values cannot leave; infinite where not known.

    Examples
    --------
    >>> kind_of("val_accuracy", np.array([0.5, 0.8]))
    MetricKind(better='higher', floor=0.0, ceiling=1.0)
    """

    better: str
    floor: float = -inf
    ceiling: float = inf

    @property
    def residual(self) -> Residual:
        """Log residuals where there is a bound to approach, linear ones elsewhere."""
        return "log" if np.isfinite(self.bound) else "linear"

    @property
    def bound(self) -> float:
        """The bound that a good run approaches."""
        return self.floor if self.better == "lower" else self.ceiling

    def to_fall(self, values: Array) -> Array:
        """Turn values into something that falls: the distance to the bound, or a sign change."""
        if self.residual == "linear":
            return values if self.better == "lower" else -values
        return values - self.floor if self.better == "lower" else self.ceiling - values

    def from_fall(self, falling: Array) -> Array:
        """Turn a falling quantity back into the metric, kept within its range."""
        if self.residual == "linear":
            values = falling if self.better == "lower" else -falling
        else:
            values = self.floor + falling if self.better == "lower" else self.ceiling - falling
        return np.clip(values, self.floor, self.ceiling)


def kind_of(name: str, values: Array) -> MetricKind:
    """Tell the kind of a metric from its name, and where that says nothing from its values.

    Parameters
    ----------
    name : str
        Name as logged, such as ``"eval/loss"``.
    values : array, (points,)
        Logged values, in the order of training.

    Returns
    -------
    MetricKind
    """
    lowered = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    low, high = float(values.min()), float(values.max())
    if _SHARE_NAME.search(lowered) and not _FALLING_NAME.search(lowered):
        return _share(low, high)
    if _FALLING_NAME.search(lowered):
        bounded = low >= 0 and not _SIGNED_NAME.search(lowered)
        rate = re.search(r"error_?rate|(?:^|[^a-z])err(?:or)?(?:$|[^a-z])", lowered)
        return MetricKind("lower", 0.0 if bounded else -inf, 1.0 if rate and high <= 1 else inf)
    third = max(1, len(values) // 3)
    falls = float(np.median(values[-third:])) <= float(np.median(values[:third]))
    return MetricKind("lower" if falls else "higher", 0.0 if low > 0 and falls else -inf)


def _share(low: float, high: float) -> MetricKind:
    if low < 0 or high > 100:
        return MetricKind("higher")
    return MetricKind("higher", 0.0, 1.0 if high <= 1 else 100.0)
