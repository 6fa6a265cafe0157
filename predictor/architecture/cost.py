"""What training costs: hours, GPU-hours, dollars, energy and CO2, from FLOPs or from hours.

Nothing is hidden: utilisation, price, power and the grid are arguments, and their defaults name
where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from predictor.architecture.accelerators import Accelerator
from predictor.errors import InputError

#: Model FLOPs utilisation: 38 to 43 % in the training of Llama 3 405B on up to 16,384 H100 (arXiv
#: 2407.21783, table 4), 46 % of PaLM on TPU v4 (arXiv 2204.02311).
MFU = 0.4
#: Power of the whole site over that of its computers: mean of the Uptime Institute's survey 2024.
#: Sites of the large clouds report 1.1 to 1.2.
PUE = 1.56
#: Kilograms of CO2-equivalent per kilowatt-hour: the world's mean in 2024 (Ember, Global
#: Electricity Review 2025). Countries range from under 0.05 to above 0.7.
KG_CO2_PER_KWH = 0.473
#: Training FLOPs per parameter and token: 2 forward, 4 backward (Kaplan et al. 2020, 2001.08361).
FLOPS_PER_PARAMETER_AND_TOKEN = 6.0


@dataclass(frozen=True)
class Rates:
    """On what, and at what price, training runs.

    Parameters
    ----------
    accelerator : Accelerator, optional
        The accelerator; without one, FLOPs cannot be turned into hours, nor hours into energy.
    count : int
        How many of them work at once.
    mfu : float
        Model FLOPs utilisation in (0, 1]: share of the dense peak that goes into the model.
    precision : str, optional
        Precision whose peak counts; bf16 where not given, or fp16 where there is no bf16.
    usd_per_hour : float, optional
        Price of one accelerator for an hour; the accelerator's typical one where not given.
    pue : float
        Power usage effectiveness, 1 or more.
    kg_co2_per_kwh : float
        Carbon intensity of the grid, in kilograms of CO2-equivalent.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    accelerator: Accelerator | None = None
    count: int = 1
    mfu: float = MFU
    precision: str | None = None
    usd_per_hour: float | None = None
    pue: float = PUE
    kg_co2_per_kwh: float = KG_CO2_PER_KWH

    def __post_init__(self) -> None:
        _check("the number of accelerators", self.count, 1, 10_000_000)
        _check("mfu", self.mfu, 1e-6, 1)
        _check("the price", self.price if self.price is not None else 0.0, 0, 1e6)
        _check("pue", self.pue, 1, 100)
        _check("kg_co2_per_kwh", self.kg_co2_per_kwh, 0, 10)

    @property
    def price(self) -> float | None:
        """Price of one accelerator for an hour, in US dollars; None where none is known."""
        if self.usd_per_hour is not None or self.accelerator is None:
            return self.usd_per_hour
        return self.accelerator.usd_per_hour

    @property
    def peak_precision(self) -> str:
        """Precision whose peak counts."""
        half = self.accelerator is not None and "bf16" not in self.accelerator.peak_flops
        return self.precision or ("fp16" if half else "bf16")

    def flops_per_hour(self) -> float:
        """Return how many FLOPs of the model all accelerators together do in an hour.

        Raises
        ------
        InputError
            If no accelerator is named, or its peak at this precision is not known.
        """
        if self.accelerator is None:
            raise InputError("no accelerator is named, so FLOPs have no duration: name one")
        return self.accelerator.peak(self.peak_precision) * self.mfu * self.count * 3600.0

    def to_dict(self) -> dict[str, Any]:
        """Return the assumptions as plain values."""
        one = self.accelerator
        return {
            "gpu": one.name if one else None,
            "gpus": self.count,
            "mfu": self.mfu,
            "precision": self.peak_precision,
            "usd_per_hour": self.price,
            "watts": one.watts if one else None,
            "pue": self.pue,
            "kg_co2_per_kwh": self.kg_co2_per_kwh,
        }


@dataclass(frozen=True)
class Cost:
    """What training costs.

    Parameters
    ----------
    hours : float
        Wall-clock time.
    gpu_hours : float
        Hours times accelerators.
    usd : float or None
        US dollars; None where no price is known.
    kwh : float or None
        Energy of the accelerators at full board power and of the site's overhead (PUE), in
        kilowatt-hours; processors, memory and network are not in it. None where the power is not
        known.
    kg_co2 : float or None
        Kilograms of CO2-equivalent of that energy.
    """

    hours: float
    gpu_hours: float
    usd: float | None
    kwh: float | None
    kg_co2: float | None


def cost_of_hours(hours: float, rates: Rates) -> Cost:
    """Return what so many hours of wall-clock time cost.

    Parameters
    ----------
    hours : float
        Wall-clock time, 0 or more.
    rates : Rates
        On what, and at what price.

    Returns
    -------
    Cost

    Raises
    ------
    InputError
        If the hours are negative or not finite.

    Examples
    --------
    >>> cost_of_hours(10.0, Rates(count=8, usd_per_hour=2.0)).usd
    160.0
    """
    if not isfinite(hours) or hours < 0:
        raise InputError(f"hours must be 0 or more, not {hours:g}")
    gpu_hours = hours * rates.count
    watts = None if rates.accelerator is None else rates.accelerator.watts
    usd = None if rates.price is None else gpu_hours * rates.price
    kwh = None if watts is None else gpu_hours * watts / 1000 * rates.pue
    return Cost(hours, gpu_hours, usd, kwh, None if kwh is None else kwh * rates.kg_co2_per_kwh)


def cost_of_flops(flops: float, rates: Rates) -> Cost:
    """Return what so many FLOPs of training cost.

    Parameters
    ----------
    flops : float
        Floating-point operations of the model, forward and backward, 0 or more.
    rates : Rates
        On what, and at what price; it must name an accelerator.

    Returns
    -------
    Cost

    Raises
    ------
    InputError
        If no accelerator is named, its peak is not known, or the FLOPs are negative.

    Examples
    --------
    >>> from predictor.architecture.accelerators import accelerator_named
    >>> rates = Rates(accelerator_named("h100"), mfu=0.4, usd_per_hour=2.0)
    >>> round(cost_of_flops(1e21, rates).usd, 2)
    1403.77
    """
    if not isfinite(flops) or flops < 0:
        raise InputError(f"FLOPs must be 0 or more, not {flops:g}")
    return cost_of_hours(flops / rates.flops_per_hour(), rates)


def _check(what: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:
        raise InputError(f"{what} must lie between {lowest:g} and {highest:g}, not {value:g}")
