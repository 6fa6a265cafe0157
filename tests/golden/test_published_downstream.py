"""The published two-step predictions of a 7B model (see the folder's NOTE), within half a point."""

from __future__ import annotations

import sys

import pytest

from predictor.difficulty.methods import methods_of
from predictor.difficulty.outlook import outlook

from ..conftest import ROOT

#: Published predictions, by task.
PUBLISHED = {
    "MMLU": 0.484,
    "HellaSwag": 0.825,
    "ARC-Challenge": 0.515,
    "ARC-Easy": 0.766,
    "PIQA": 0.812,
    "CommonsenseQA": 0.757,
    "Social IQa": 0.587,
    "OpenBookQA": 0.442,
}


@pytest.mark.parametrize("task", PUBLISHED)
def test_two_step_says_what_was_published(shared_data, task, monkeypatch):
    monkeypatch.setenv("PREDICTOR_SHARED_DATA", str(shared_data))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import downstream_sets

    ladder = downstream_sets.model_ladder(task)
    place = ladder.place(**downstream_sets.TARGET_7B)
    found = outlook(ladder, [place], methods_of("two-step"), draws=2)
    assert found.each["two-step"][0] == pytest.approx(PUBLISHED[task], abs=0.005)
    sys.modules.pop("downstream_sets", None)
