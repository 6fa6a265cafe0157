"""How far forecasts may be trusted: hold out, forecast, compare with what came.

The package can be called: ``predictor.backtest(log, "loss")`` is
:func:`predictor.backtest.rolling.backtest`.
"""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """The package and its main function share a name: both ``predictor.backtest``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from predictor.backtest.rolling import backtest

        return backtest(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
