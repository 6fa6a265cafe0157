"""The errors a caller can mend, each with the exit status it has on the command line."""

from __future__ import annotations


class PredictorError(Exception):
    """Base of every error that Predictor raises on purpose.

    Its text is one line for a person: what was given, what is wrong, what to do.
    """

    exit_status = 4


class InputError(PredictorError, ValueError):
    """The call or the input is wrong: which file, row or option, and what to do (exit status 2)."""

    exit_status = 2


class CannotForecastError(PredictorError):
    """The data are sound but cannot carry the forecast that was asked for (exit status 3)."""

    exit_status = 3


class MissingExtraError(InputError):
    """An optional dependency is needed for this input and is not installed (exit status 2)."""

    def __init__(self, needed_for: str, package: str, extra: str) -> None:
        super().__init__(
            f"{needed_for} needs the package '{package}', which is not installed: "
            f"pip install 'predictor[{extra}]'"
        )
