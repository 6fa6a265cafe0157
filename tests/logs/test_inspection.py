"""What ``predictor inspect`` says of a log."""

from __future__ import annotations

import json
from pathlib import Path

from predictor.logs import read_logs
from predictor.logs.inspection import inspect_logs


def _put(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_runs(tmp_path: Path) -> None:
    path = _put(tmp_path / "a.csv", "step,tokens,loss,params\n1,10,3.0,1000\n2,20,2.5,1000\n")
    (run,) = inspect_logs(read_logs(path))
    assert json.loads(json.dumps(run)) == run
    assert (run["run"], run["format"], run["points"]) == ("a", "table", 2)
    assert run["metrics"] == ["loss"]
    assert run["axes"] == ["step", "tokens"]
    assert (run["params"], run["tokens"], run["flops"]) == (1000.0, 20.0, None)
    (curve,) = run["curves"]
    assert (curve["first"], curve["last"]) == (1.0, 2.0)
    assert (curve["first_value"], curve["last_value"]) == (3.0, 2.5)


def test_items(tmp_path: Path) -> None:
    path = _put(tmp_path / "a.csv", "model,benchmark,item,score\nm,b,1,1\nm,b,2,0\nm,b,3,0.5\n")
    (model,) = inspect_logs(read_logs(path))
    assert json.loads(json.dumps(model)) == model
    assert (model["model"], model["items"], model["pass_rate"]) == ("m", 3, 0.5)


def test_responses(tmp_path: Path) -> None:
    path = _put(tmp_path / "a.csv", "strategy,example,ppl\ns,1,2.0\ns,2,3.0\nt,1,2.5\n")
    first, second = inspect_logs(read_logs(path))
    assert (first["strategy"], first["examples"], first["columns"]) == ("s", 2, ["ppl"])
    assert second["examples"] == 1
