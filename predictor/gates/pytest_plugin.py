"""pytest: ``pytest --predictor-gate predictor.toml`` runs every check as a test item.

The fixture ``forecast`` is :func:`predictor.assert_forecast`. Nothing of Predictor is loaded in
test runs that use neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from predictor.gates.checks import Check, Gate


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--predictor-gate``."""
    parser.getgroup("predictor").addoption(
        "--predictor-gate",
        metavar="FILE",
        help="Gate file (predictor.toml or pyproject.toml) whose checks are run as tests.",
    )


@pytest.fixture
def forecast() -> Callable[..., Any]:
    """Return :func:`predictor.assert_forecast`."""
    from predictor.gates.assertion import assert_forecast

    return assert_forecast


def pytest_collection(session: pytest.Session) -> None:
    """Take the gate file in, whatever other paths are collected."""
    named = session.config.getoption("--predictor-gate")
    if named is not None:
        path = str(session.config.invocation_params.dir / named)
        if path not in session.config.args:
            session.config.args.append(path)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the gate file that was named."""
    named = parent.config.getoption("--predictor-gate")
    if named is None:
        return None
    wanted = (parent.config.invocation_params.dir / named).resolve()
    if file_path.resolve() != wanted:
        return None
    return GateFile.from_parent(parent, path=file_path)


class GateFile(pytest.File):
    """A gate file; its checks are its items."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one item a check."""
        from predictor.errors import PredictorError
        from predictor.gates.config import read_gate

        try:
            gate = read_gate(self.path)
        except PredictorError as error:
            raise self.CollectError(str(error)) from None
        for check in gate.checks:
            yield GateItem.from_parent(self, name=check.name, gate=gate, check=check)


class GateItem(pytest.Item):
    """One check of a gate."""

    def __init__(self, *, gate: Gate, check: Check, **rest: Any) -> None:
        super().__init__(**rest)
        self._gate, self._check = gate, check

    def runtest(self) -> None:
        """Carry the check out; fail unless it passes or only warns."""
        import warnings

        from predictor.gates.checking import check_gates
        from predictor.gates.verdict import Status

        one = self._gate.model_copy(update={"checks": [self._check]})
        result = check_gates(one.model_dump(exclude_none=True), root=self.path.parent)
        for verdict in result.verdicts:
            if verdict.status is Status.WARN:
                warnings.warn(verdict.message, stacklevel=1)
        if not result.passed:
            raise GateFailure(result.summary())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> str:
        """Return the verdicts in words."""
        if isinstance(excinfo.value, GateFailure):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say where the check stands."""
        return self.path, None, f"gate: {self.name}"


class GateFailure(Exception):
    """A check did not pass."""
