"""What a page begins with, where a log does not say what is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from predictor.store.workspace import Given, Workspace


def keep(folder: Path, header: str, values: list[str]) -> None:
    rows = "".join(f"{step},{value}\n" for step, value in enumerate(values, start=1))
    with Workspace.open(folder) as workspace:
        workspace.add([Given("run.csv", f"step,{header}\n{rows}".encode())])


def test_metrics_of_unknown_names_leave_the_choice(pages: Any, tmp_path: Path) -> None:
    keep(tmp_path, "foo,bar", [f"{2 + 3 / n:.4f},{1 + 2 / n:.4f}" for n in range(1, 20)])
    for page in ("home", "curves", "gates"):
        app = pages.open(tmp_path, page)
        assert not app.exception, page
        assert not [error for error in app.error if "metric" in error.value], page
    app = pages.open(tmp_path, "curves")
    assert next(box for box in app.selectbox if box.key == "metric").value == "foo"
    assert len(pages.charts(app)) == 1


def test_an_accuracy_begins_with_a_lower_bound(pages: Any, tmp_path: Path) -> None:
    keep(tmp_path, "val_accuracy", [f"{0.9 - 0.5 / n:.4f}" for n in range(1, 20)])
    app = pages.open(tmp_path, "gates")
    assert not app.exception
    (toml,) = (code.value for code in app.code)
    assert "lower = 0.87" in toml
    assert "upper" not in toml
