"""A small chart for the terminal: a curve, its forecast and the band around it."""

from __future__ import annotations

import numpy as np

from predictor.fitting.law import Array

_BAND, _CENTRE, _LOGGED = "░", "─", "•"


def draw(
    logged: tuple[Array, Array],
    ahead: tuple[Array, Array, Array, Array],
    *,
    metric: str,
    axis: str,
    width: int = 72,
    height: int = 14,
) -> str:
    """Draw a curve on a logarithmic axis.

    Parameters
    ----------
    logged : (x, y)
        The curve.
    ahead : (x, value, lower, upper)
        The forecast from the last point on.
    metric, axis : str
        Labels.
    width, height : int
        Size of the plot in characters.

    Returns
    -------
    str
        Lines of text.
    """
    x, y = logged
    places, value, lower, upper = ahead
    low, high = _range(y, np.concatenate([value, lower, upper]))
    grid = np.full((height, width), " ", dtype="<U1")
    start, end = np.log(x[0]), np.log(max(places[-1], x[-1]))
    columns = np.exp(np.linspace(start, end, width)).clip(x[0], max(places[-1], x[-1]))

    def row(values: Array) -> Array:
        share = (high - values) / (high - low)
        return np.clip(np.round(share * (height - 1)), 0, height - 1).astype(int)

    known = np.isfinite(value)
    for column, place in enumerate(columns):
        if known.any() and places[0] <= place <= places[-1]:
            centre, bottom, top = (
                np.interp(place, places[known], v[known]) for v in (value, lower, upper)
            )
            grid[row(top) : row(bottom) + 1, column] = _BAND
            grid[row(centre), column] = _CENTRE
    at = np.round((np.log(x) - start) / max(end - start, 1e-12) * (width - 1)).astype(int)
    grid[row(y), at] = _LOGGED
    return _framed(grid, low, high, metric, f"{axis}: {x[0]:g} to {columns[-1]:g}, logarithmic")


def _range(y: Array, ahead: Array) -> tuple[float, float]:
    """Leave out the first steep part of a curve: it would flatten the rest."""
    ahead = ahead[np.isfinite(ahead)]
    inner = np.quantile(y, [0.02, 0.98])
    low, high = (float(f([*inner, *ahead])) for f in (min, max))
    margin = 0.02 * (high - low) or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def _framed(grid: Array, low: float, high: float, metric: str, below: str) -> str:
    labels = {0: f"{high:.4g}", len(grid) - 1: f"{low:.4g}"}
    size = max(len(label) for label in labels.values())
    lines = [
        f"{labels.get(k, ''):>{size}} ┤{''.join(line).rstrip()}" for k, line in enumerate(grid)
    ]
    legend = f"{_LOGGED} logged  {_CENTRE} forecast  {_BAND} interval"
    return "\n".join([f"{metric}   {legend}", *lines, f"{'':>{size}}  {below}"]) + "\n"
