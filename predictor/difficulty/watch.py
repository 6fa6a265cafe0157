"""A checkpoint now in training: whether it scores where the small models say it should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from predictor.difficulty.outlook import Outlook
from predictor.errors import InputError
from predictor.findings import Finding


def watch(outlooks: Sequence[Outlook], actual: Mapping[str, float]) -> list[Finding]:
    """Compare scores that were measured with the forecasts for the same place.

    Parameters
    ----------
    outlooks : sequence of Outlook
        Forecasts at one place: the checkpoint's compute.
    actual : mapping of str to float
        Measured score by benchmark, in [0, 1].

    Returns
    -------
    list of Finding
        PRED419 for every score outside its interval.

    Raises
    ------
    InputError
        If a benchmark is not among the forecasts, or a score is no share.
    """
    known = {one.ladder.benchmark: one.forecasts for one in outlooks}
    found = []
    for name, score in actual.items():
        if name not in known:
            raise InputError(f"no benchmark '{name}' was forecast; there are {', '.join(known)}")
        if not 0 <= score <= 1:
            raise InputError(f"the score of '{name}' must lie between 0 and 1, not {score:g}")
        forecast = known[name][0]
        if forecast.lower is None or forecast.upper is None:
            continue
        if not forecast.lower <= score <= forecast.upper:
            side = "below" if score < forecast.lower else "above"
            found.append(
                Finding(
                    "PRED419",
                    f"{name}: {score:.4g} lies {side} the {100 * forecast.level:g} % interval "
                    f"{forecast.lower:.4g} to {forecast.upper:.4g}",
                )
            )
    return found
