"""Forecast training runs from the logs you already have."""

from predictor._version import __version__

__all__ = ["__version__"]
