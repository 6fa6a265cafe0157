"""The solver against the certified non-linear fits of NIST's Statistical Reference Datasets.

The ``.dat`` files are NIST's own (public domain), unchanged: data, certified values to 11 digits,
and two published starts, the first of them far from the solution.
"""

from __future__ import annotations

import re
from math import inf
from pathlib import Path

import numpy as np
import pytest

from predictor.fitting.law import Coefficient, Law, Shape
from predictor.fitting.solver import solve

FOLDER = Path(__file__).parent / "nist"


def law(linear, shapes, basis, source="NIST StRD"):
    """Declare a law with free coefficients; shapes are ``name=(lower, starts)``."""
    return Law(
        "nist", "NIST", "-", source,
        tuple(Coefficient(name) for name in linear),
        tuple(Shape(name, low, inf, starts) for name, (low, starts) in shapes.items()),
        basis,
    )  # fmt: skip


WIDE = (-inf, ())
LAWS = {
    "Misra1a": law(["b1"], {"b2": WIDE}, lambda x, b2: (1 - np.exp(-b2 * x),)),
    "Misra1b": law(["b1"], {"b2": WIDE}, lambda x, b2: (1 - (1 + b2 * x / 2) ** -2.0,)),
    "Chwirut2": law(
        [],
        {"b1": WIDE, "b2": WIDE, "b3": WIDE},
        lambda x, b1, b2, b3: (np.exp(-b1 * x) / (b2 + b3 * x),),
    ),
    "BoxBOD": law(["b1"], {"b2": (0.0, ())}, lambda x, b2: (1 - np.exp(-b2 * x),)),
    "Thurber": law(
        ["b1", "b2", "b3", "b4"],
        {"b5": WIDE, "b6": WIDE, "b7": WIDE},
        lambda x, b5, b6, b7: [x**k / (1 + b5 * x + b6 * x**2 + b7 * x**3) for k in range(4)],
    ),
    "MGH09": law(
        ["b1"],
        {"b2": WIDE, "b3": WIDE, "b4": WIDE},
        lambda x, b2, b3, b4: ((x**2 + x * b2) / (x**2 + x * b3 + b4),),
    ),
    "Rat42": law(
        ["b1"], {"b2": WIDE, "b3": WIDE}, lambda x, b2, b3: (1 / (1 + np.exp(b2 - b3 * x)),)
    ),
    "Rat43": law(
        ["b1"],
        {"b2": WIDE, "b3": WIDE, "b4": (1e-6, ())},
        lambda x, b2, b3, b4: ((1 + np.exp(b2 - b3 * x)) ** (-1 / b4),),
    ),
    "Eckerle4": law(
        ["b1"],
        {"b2": (1e-6, ()), "b3": WIDE},
        lambda x, b2, b3: (np.exp(-0.5 * ((x - b3) / b2) ** 2) / b2,),
    ),
    "Bennett5": law(["b1"], {"b2": WIDE, "b3": WIDE}, lambda x, b2, b3: ((b2 + x) ** (-1 / b3),)),
}


def read(name):
    """Return x, y, starts (2, k), certified values (k,) and certified residual sum of squares."""
    lines = (FOLDER / f"{name}.dat").read_text().splitlines()
    rows = [line.split("=")[1].split() for line in lines[:60] if re.match(r"\s*b\d+ =", line)]
    table = np.array(rows, dtype=float)
    residual = next(line for line in lines if line.startswith("Residual Sum of Squares"))
    data = np.array([line.split() for line in lines[60:] if line.split()], dtype=float)
    return data[:, 1], data[:, 0], table[:, :2].T, table[:, 2], float(residual.split(":")[1])


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", LAWS)
def test_certified_values_from_both_published_starts(name, start):
    x, y, starts, certified, sum_of_squares = read(name)

    found = solve(
        LAWS[name],
        x,
        y,
        residual="linear",
        starts=starts[start],
        tolerance=1e-18,
        max_iterations=2000,
    )

    np.testing.assert_allclose(found.params[0], certified, rtol=5e-7)
    assert found.objective[0] * 2 == pytest.approx(sum_of_squares, rel=1e-8)
    assert found.converged[0]
