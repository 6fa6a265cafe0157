"""The estimator and the command line of learning traces."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from predictor import LearningTrace, RunLog, forecast_many
from predictor.cli import run
from predictor.curves.trace_measures import decision_making_reliability, robustness_rate
from predictor.errors import InputError

X = np.arange(1_000.0, 41_000.0, 1_000.0)
ACCURACY = 0.95 - 3 * X**-0.5  # 0.855 at 1,000 examples, 0.935 at 40,000


def test_an_accuracy_is_stopped_where_the_layer_meets_the_tolerance():
    trace = LearningTrace(tolerance=0.02, axis="samples").fit(X, ACCURACY)
    # 3 / sqrt(22,500) is 0.02: 23,000 is the first size seen beyond it.
    assert trace.verdict_ == (
        "stop at samples=23000: no more than 0.02 to gain, the asymptote is 0.95"
    )
    assert trace.levels_["asymptote"].iloc[-1] == pytest.approx(0.95, abs=1e-5)
    assert trace.predict([1e5])[0] == pytest.approx(0.95 - 3 * 1e5**-0.5, abs=1e-4)
    low, high = trace.predict_interval([1e5])[0]
    assert low < 0.95 - 3 * 1e5**-0.5 < high <= 1


def test_percent_and_share_say_the_same():
    share = LearningTrace(tolerance=0.02).fit(X, ACCURACY)
    percent = LearningTrace(tolerance=2.0).fit(X, 100 * ACCURACY)
    assert percent.trace_.convergence == share.trace_.convergence
    np.testing.assert_allclose(percent.predict([1e5]), 100 * share.predict([1e5]), rtol=1e-6)


def test_go_on_and_cannot_say():
    assert LearningTrace(tolerance=0.001).fit(X, ACCURACY).verdict_ == (
        "go on: 0.015 may still be gained, more than 0.001"
    )
    restless = ACCURACY + 0.02 * np.sin(X)
    found = LearningTrace(tolerance=0.01).fit(X, restless)
    assert found.verdict_.startswith("cannot say when to stop")
    assert "PRED117" in found.forecast(80_000)[0].warnings


def test_a_rising_backbone_is_warned_of():
    # Asymptotes grow more hopeful with every level.
    found = LearningTrace().fit(X, ACCURACY - 0.01 + 0.001 * np.log(X))
    assert found.trace_.robustness < 0.5
    assert "PRED116" in {f.code for f in found.findings_}


def test_it_is_an_estimator():
    trace = LearningTrace(metric="loss", tolerance=0.1, anchoring="canonical")
    assert clone(trace).get_params() == trace.get_params()
    with pytest.raises(InputError, match="4 points, not 3"):
        trace.fit(X[:3], ACCURACY[:3])
    with pytest.raises(InputError, match="one value a point"):
        trace.fit(X, ACCURACY[:3])
    with pytest.raises(InputError, match="not fitted"):
        LearningTrace().predict([1.0])


def test_many_runs_by_trace():
    points = pd.concat(
        pd.DataFrame({"run": name, "metric": "accuracy", "samples": X[:n], "value": ACCURACY[:n]})
        for name, n in (("long", 40), ("short", 3))
    )
    long, short = forecast_many(RunLog.from_points(points), "accuracy", "samples", 1e5, law="trace")
    assert long.law == "trace"
    assert long.value == pytest.approx(0.95 - 3 * 1e5**-0.5, abs=1e-4)
    assert short.value is None
    assert "PRED101" in short.warnings


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "tagger.csv"
    pd.DataFrame({"samples": X, "accuracy": ACCURACY}).to_csv(path, index=False)
    return str(path)


def test_command_line_says_when_to_stop(capsys, log):
    arguments = ["forecast", log, "--law", "trace", "--tolerance", "0.02", "--at", "samples=100k"]
    assert run(arguments) == 0
    assert "stop at samples=23000: no more than 0.02 to gain" in capsys.readouterr().out
    assert run([*arguments, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["forecasts"][0]["law"] == "trace"
    assert "PRED115" in document["forecasts"][0]["warnings"]
    assert any("stop at samples=23000" in w["message"] for w in document["warnings"])


@pytest.mark.parametrize("more", [["--tolerance", "0.1"], ["--law", "trace", "--tolerance", "-1"]])
def test_tolerance_goes_with_trace_and_is_positive(capsys, log, more):
    assert run(["forecast", log, "--at", "samples=100k", *more]) == 2
    assert "--tolerance takes a positive number" in capsys.readouterr().err


def test_measures_refuse_what_they_cannot_judge():
    with pytest.raises(InputError, match="two levels"):
        robustness_rate([1.0])
    with pytest.raises(InputError, match="two runs"):
        decision_making_reliability(np.ones((1, 3)), np.ones((1, 3)))
    with pytest.raises(InputError, match="no two runs differ"):
        decision_making_reliability(np.ones((2, 3)), np.ones((2, 3)))
