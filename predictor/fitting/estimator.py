"""What scikit-learn expects of an estimator, without importing it: that costs a second."""

from __future__ import annotations

import inspect
from typing import Any, Self

from predictor.errors import InputError


class Estimator:
    """Base of the estimators: settings in ``__init__``, what is learned ends in ``_``.

    Follows scikit-learn's protocol (``get_params``, ``set_params``), so ``sklearn.clone`` works.
    """

    @classmethod
    def _setting_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 (scikit-learn's name)
        """Return the settings by name."""
        return {name: getattr(self, name) for name in self._setting_names()}

    def set_params(self, **settings: Any) -> Self:
        """Change settings by name.

        Raises
        ------
        InputError
            If there is no such setting.
        """
        for name, value in settings.items():
            if name not in self._setting_names():
                known = ", ".join(self._setting_names())
                raise InputError(f"{type(self).__name__} has no setting '{name}'; it has {known}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({settings})"

    def _check_fitted(self) -> None:
        if not any(name.endswith("_") and not name.startswith("_") for name in vars(self)):
            raise InputError(f"this {type(self).__name__} is not fitted yet; call fit first")
