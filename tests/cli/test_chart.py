"""The chart in the terminal: what stands where."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.cli.chart import draw

X = np.geomspace(1, 100, 9)
Y = np.linspace(5, 3, 9)
PLACES = np.geomspace(100, 10_000, 12)
CENTRE = np.linspace(3, 2, 12)


def rows(text):
    """Return the plot without frame and labels."""
    return [line.split("┤", 1)[1] for line in text.splitlines() if "┤" in line]


def chart(value=CENTRE, half=0.2, logged=(X, Y), **settings):
    settings = {"metric": "loss", "axis": "step", "width": 41, "height": 9} | settings
    return draw(logged, (PLACES, value, value - half, value + half), **settings)


def test_frame_labels_and_legend():
    text = chart()
    lines = text.splitlines()
    assert lines[0] == "loss   • logged  ─ forecast  ░ interval"
    assert lines[-1].strip() == "step: 1 to 10000, logarithmic"
    assert text.endswith("\n")
    assert len(rows(text)) == 9
    assert all(len(row) <= 41 for row in rows(text))
    high, low = (float(lines[k].split("┤")[0]) for k in (1, 9))
    assert 1.7 < low < 1.8
    assert 5 < high < 5.1


def test_logged_points_stand_left_on_a_logarithmic_axis_and_the_forecast_right():
    plot = rows(chart())
    columns = sorted(k for row in plot for k, c in enumerate(row) if c == "•")
    # Two of four decades hold the nine points, evenly: every 2.5 of 41 columns.
    np.testing.assert_allclose(columns, np.linspace(0, 20, 9), atol=0.5)
    ahead = {k for row in plot for k, c in enumerate(row) if c in "─░"}
    assert min(ahead) >= 20
    assert max(ahead) == 40


def test_curve_falls_from_the_top_and_the_centre_lies_within_its_band():
    plot = rows(chart(half=0.5))
    first = [k for k, row in enumerate(plot) if row[:1] == "•"]
    assert first == [0]
    for column in range(22, 40):
        marks = "".join(row.ljust(41)[column] for row in plot).strip()
        assert marks.count("─") == 1
        assert set(marks) <= {"─", "░"}
        assert len(marks) >= 3


def test_nothing_is_drawn_ahead_where_nothing_is_known():
    plot = "".join(rows(chart(value=np.full(12, np.nan))))
    assert "•" in plot
    assert "─" not in plot
    assert "░" not in plot


def test_unknown_end_of_a_band_leaves_numbers_finite():
    value = np.where(PLACES > 1000, np.nan, CENTRE)
    assert "nan" not in chart(value=value)


@pytest.mark.parametrize("level", [0.0, 2.5, -3.0])
def test_constant_curve(level):
    logged = (X, np.full(9, level))
    text = chart(value=np.full(12, level), half=0.0, logged=logged)
    assert "•" in text
    assert "nan" not in text


def test_single_point():
    text = draw(
        (X[:1], Y[:1]), (X[:1], Y[:1], Y[:1], Y[:1]), metric="m", axis="step", width=20, height=5
    )
    assert text.count("•") == 2  # legend and point


def test_first_steep_part_does_not_flatten_the_rest():
    x = np.geomspace(1, 100, 200)
    y = np.concatenate([[1000.0], np.linspace(5, 3, 199)])
    high = float(chart(logged=(x, y)).splitlines()[1].split("┤")[0])
    assert high < 6
