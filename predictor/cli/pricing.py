"""Options that say on what, and at what price, training runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce, wraps
from pathlib import Path
from typing import Any

import click

from predictor.architecture.accelerators import (
    PRECISIONS,
    Accelerator,
    accelerator_named,
    read_accelerators,
)
from predictor.architecture.cost import KG_CO2_PER_KWH, MFU, PUE, Rates
from predictor.curves.pace import BASES, Basis


@dataclass(frozen=True)
class Prices:
    """Rates, None where no price was asked for, and what the cost is told from."""

    rates: Rates | None
    basis: Basis


_OPTIONS = (
    click.option("--gpu", metavar="NAME", help="Accelerator, such as h100.  [default: none]"),
    click.option("--gpus", type=int, metavar="N", help="How many at once.  [default: 1]"),
    click.option(
        "--mfu",
        type=float,
        metavar="SHARE",
        help=f"Model FLOPs utilisation, where cost is told from FLOPs.  [default: {MFU:g}]",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        help="Precision whose peak rate counts.  [default: bf16, else fp16]",
    ),
    click.option(
        "--usd-per-hour",
        type=float,
        metavar="USD",
        help="Price of one accelerator for an hour.  [default: a typical one, with its date]",
    ),
    click.option(
        "--pue",
        type=float,
        metavar="X",
        help=f"Power of the site over that of its computers.  [default: {PUE:g}]",
    ),
    click.option(
        "--grid",
        type=float,
        metavar="KG",
        help=f"Kilograms of CO2 per kWh.  [default: {KG_CO2_PER_KWH:g}, the world's mean]",
    ),
    click.option(
        "--accelerators",
        type=click.Path(path_type=Path),
        metavar="TABLE",
        help="Table of accelerators to use.  [default: the one that comes with Predictor]",
    ),
    click.option(
        "--cost-from",
        type=click.Choice(BASES),
        default="auto",
        show_default=True,
        help="Tell cost from logged wall_time or flops, or from 6 x params x tokens; "
        "auto: the first that is there.",
    ),
)


def pricing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options and hand them over as one argument, ``prices``."""

    @wraps(command)
    def priced(**given: Any) -> Any:
        names = ("gpu", "gpus", "mfu", "precision", "usd_per_hour", "pue", "grid", "accelerators")
        chosen = {name: given.pop(name) for name in names}
        basis = given.pop("cost_from")
        return command(**given, prices=Prices(_rates(**chosen), basis))

    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), priced)


def _rates(
    gpu: str | None,
    accelerators: Path | None,
    gpus: int | None,
    grid: float | None,
    **numbers: Any,
) -> Rates | None:
    named = {**numbers, "count": gpus, "kg_co2_per_kwh": grid}
    given = {name: value for name, value in named.items() if value is not None}
    if gpu is None and not given:
        return None
    one: Accelerator | None = None
    if gpu is not None:
        one = accelerator_named(gpu, read_accelerators(accelerators))
    return Rates(one, **given)
