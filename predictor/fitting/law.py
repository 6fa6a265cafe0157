"""A law is declared, not coded: names, bounds, starts, basis functions, source.

Every law has the form ``y = sum_j c_j * phi_j(x; theta)``: linear in the coefficients ``c``,
non-linear only in the few shape parameters ``theta``. The solver uses that; a law that is not of
this form declares no coefficients and gives its value as the one basis function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Values of the basis functions; a plain number stands for a constant function.
Basis = Callable[..., Sequence[Array | float]]
#: For each shape parameter, the derivatives of the basis functions by it.
Slopes = Callable[..., Sequence[Sequence[Array | float]]]
#: Parameters for x / unit, and the units -> parameters for x.
Rescale = Callable[[Array, Sequence[Array]], Array]

_COMPLEX_STEP = 1e-30
Part = TypeVar("Part", "Coefficient", "Shape")


@dataclass(frozen=True)
class Coefficient:
    """A parameter in which the law is linear.

    Parameters
    ----------
    name : str
        Name in the formula.
    lower, upper : float
        Bounds, in the units of y.
    """

    name: str
    lower: float = -inf
    upper: float = inf


@dataclass(frozen=True)
class Shape:
    """A parameter in which the law is not linear.

    Parameters
    ----------
    name : str
        Name in the formula.
    lower, upper : float
        Bounds, for x measured in its unit (its geometric mean over the data).
    starts : tuple of float
        Values from which the search starts, for x in its unit.
    """

    name: str
    lower: float
    upper: float
    starts: tuple[float, ...]


def unchanged(params: Array, _units: Sequence[Array]) -> Array:
    """Rescale nothing: for laws whose parameters do not depend on the unit of x."""
    return params


@dataclass(frozen=True)
class Law:
    """A declared functional form.

    Parameters
    ----------
    name : str
        Short name, as in ``--law``.
    title : str
        Name for people.
    formula : str
        The formula in the parameters' names.
    source : str
        Where the law comes from.
    coefficients : tuple of Coefficient
        Linear parameters, in the order of the basis functions.
    shapes : tuple of Shape
        Non-linear parameters.
    basis : callable
        ``basis(*axes, *theta)``: one array per coefficient. Axes come as (problems or 1, points),
        shape parameters as (problems, 1).
    slopes : callable, optional
        ``slopes(phi, *axes, *theta)``: for each shape parameter the derivative of every basis
        function, given the basis functions. Taken by complex steps where not declared.
    rescale : callable
        Turns parameters fitted on ``x / unit`` into parameters for ``x``; parameters last axis.
    axes : tuple of str
        Names of the inputs.
    dimensionless : tuple of str
        Those of them that are pure numbers, such as epochs: no unit is taken out of them.

    Examples
    --------
    >>> both = (Coefficient("c"), Coefficient("a"))
    >>> line = Law("line", "Straight line", "c + a x", "-", both, (), basis=lambda x: (1.0, x))
    >>> line.value(np.array([[1.0, 2.0]]), np.array([[0.5, 2.0]]))
    array([[2.5, 4.5]])
    """

    name: str
    title: str
    formula: str
    source: str
    coefficients: tuple[Coefficient, ...]
    shapes: tuple[Shape, ...]
    basis: Basis
    slopes: Slopes | None = None
    rescale: Rescale = unchanged
    axes: tuple[str, ...] = ("x",)
    dimensionless: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Parameter names: coefficients first, then shapes."""
        coefficients = tuple(part.name for part in self.coefficients)
        return coefficients + tuple(part.name for part in self.shapes)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of all parameters."""
        parts: list[Coefficient | Shape] = [*self.coefficients, *self.shapes]
        return np.array([p.lower for p in parts]), np.array([p.upper for p in parts])

    def with_bounds(self, **bounds: tuple[float, float]) -> Law:
        """Return the law with other bounds, by parameter name.

        Raises
        ------
        KeyError
            If the law has no such parameter.
        """
        if unknown := set(bounds) - set(self.names):
            raise KeyError(
                f"law {self.name} has no parameter {sorted(unknown)}; it has {self.names}"
            )

        def bounded(part: Part) -> Part:
            lower, upper = bounds.get(part.name, (part.lower, part.upper))
            return replace(part, lower=lower, upper=upper)

        return replace(
            self,
            coefficients=tuple(bounded(part) for part in self.coefficients),
            shapes=tuple(bounded(part) for part in self.shapes),
        )

    def value(self, x: Array | Sequence[Array], params: Array) -> Array:
        """Evaluate the law.

        Parameters
        ----------
        x : array or sequence of arrays, each (problems or 1, points)
            The inputs, one array an axis.
        params : array, (problems, parameters)
            Parameters in the order of :attr:`names`.

        Returns
        -------
        array, (problems, points)
        """
        axes, linear, theta = self._split(x, params)
        return self._combine(linear, self.basis(*axes, *theta), axes)

    def value_and_slopes(self, x: Array | Sequence[Array], params: Array) -> tuple[Array, Array]:
        """Evaluate the law and its derivatives by every parameter.

        Returns
        -------
        value : array, (problems, points)
        slopes : array, (problems, parameters, points)
        """
        axes, linear, theta = self._split(x, params)
        phi = self.basis(*axes, *theta)
        value = self._combine(linear, phi, axes)
        jacobian = np.empty((value.shape[0], len(self.names), value.shape[1]))
        for j in range(len(self.coefficients)):
            jacobian[:, j] = phi[j]
        first = len(self.coefficients)
        for k, slope in enumerate(self._basis_slopes(phi, axes, theta)):
            jacobian[:, first + k] = self._combine(linear, slope, axes)
        return value, jacobian

    def _split(
        self, x: Array | Sequence[Array], params: Array
    ) -> tuple[list[Array], list[Array], list[Array]]:
        axes = [np.asarray(x)] if len(self.axes) == 1 and isinstance(x, np.ndarray) else list(x)
        columns = [params[:, k, None] for k in range(params.shape[1])]
        count = len(self.coefficients)
        return axes, columns[:count], columns[count:]

    def _combine(
        self, linear: Sequence[Array], phi: Sequence[Array | float], axes: Sequence[Array]
    ) -> Array:
        if linear:
            # A number is a constant function; 0 is left out, as slopes are full of it.
            parts = [
                c * p
                for c, p in zip(linear, phi, strict=True)
                if not (isinstance(p, float) and p == 0)
            ]
        else:
            parts = [np.asarray(p) for p in phi]
        total = np.asarray(parts[-1])
        for part in parts[:-1]:
            total = total + part
        return total if total.shape[-1] == axes[0].shape[-1] else total + np.zeros_like(axes[0])

    def _basis_slopes(
        self, phi: Sequence[Array | float], axes: Sequence[Array], theta: Sequence[Array]
    ) -> Sequence[Sequence[Array | float]]:
        if self.slopes is not None:
            return self.slopes(phi, *axes, *theta)
        slopes: list[list[Array | float]] = []
        for k in range(len(theta)):
            nudged: list[Any] = [
                t + 1j * _COMPLEX_STEP if i == k else t for i, t in enumerate(theta)
            ]
            values = self.basis(*axes, *nudged)
            slopes.append([np.asarray(np.imag(p)) / _COMPLEX_STEP for p in values])
        return slopes
