"""The multi-power law on the curves it was published with: figures to the digit, and better ones.

Luo et al., ICLR 2025, arXiv 2503.12811; parameters and errors from the authors' repository. The
curves lie in the folder named by ``PREDICTOR_SHARED_DATA``; without it these tests are skipped.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from predictor import ScheduleLaw, read_logs
from predictor.curves.schedule.fitting import ScheduleFit
from predictor.curves.schedule.observed import observed_runs

TRAIN = ("cosine_24000", "constant_24000", "wsdcon_9")
PEAK = 3e-4
#: L0, A, alpha, B, C, beta, gamma.
PARAMETERS = {
    25: (3.04045406, 0.52468604, 0.50786857, 363.78751622, 2.06560812, 0.58279013, 0.64142257),
    100: (2.6514477, 0.60115152, 0.45295811, 437.9464276, 2.13245612, 0.59785199, 0.65523644),
}
#: R2, MAE, RMSE, mean and worst relative error: means over the six test curves.
ERRORS = {
    25: (0.9988, 0.00376, 0.00465, 0.00110, 0.00409),
    100: (0.9983, 0.00435, 0.00592, 0.00142, 0.00583),
}


def measures(truth, said):
    off = np.abs(said - truth)
    lost = (off**2).sum() / ((truth - truth.mean()) ** 2).sum()
    relative = off / truth
    return 1 - lost, off.mean(), np.sqrt((off**2).mean()), relative.mean(), relative.max()


@pytest.fixture(scope="module", params=[25, 100])
def size(request):
    return request.param


@pytest.fixture(scope="module")
def folder(shared_data, size):
    found = shared_data / "lr-schedule-curves" / f"csv_{size}"
    if not found.is_dir():
        pytest.skip(f"no curves at {found}")
    return found


@pytest.fixture(scope="module")
def runs(folder):
    return {run.run: run for run in observed_runs(read_logs([folder]), "loss", 2160)}


def curves_tested(folder, runs):
    """Yield schedule, steps and losses of the six test curves, every logged point."""
    for name, run in runs.items():
        if name not in TRAIN:
            table = pd.read_csv(folder / f"{name}.csv")
            table = table[table["step"] != 24_000]
            yield run.schedule, table["step"].to_numpy(float), table["loss"].to_numpy()


def test_published_parameters_give_the_published_errors(folder, runs, size):
    floor, gain, alpha, drop, c, beta, gamma = PARAMETERS[size]
    in_peaks = [
        floor, gain * PEAK**-alpha, drop * PEAK, alpha, c * PEAK ** (1 - gamma), beta, gamma
    ]  # fmt: skip
    none = np.zeros((7, 7))
    law = ScheduleFit("multi-power", np.array(in_peaks), none, PEAK, 1.0, 1e-3, 0.0, True)
    found = [measures(y, law.value(plan, step)) for plan, step, y in curves_tested(folder, runs)]
    assert len(found) == 6
    half_a_digit = (5e-5, 5e-6, 5e-6, 5e-6, 5e-6)
    # Panels instead of single steps cost up to as much again.
    for mean, published, rounding in zip(
        np.mean(found, axis=0), ERRORS[size], half_a_digit, strict=True
    ):
        assert mean == pytest.approx(published, abs=4 * rounding)


def test_fit_forecasts_the_six_curves_better_than_published(folder, runs, size):
    model = ScheduleLaw(law="multi-power").fit([runs[name] for name in TRAIN])
    found, inside = [], []
    for plan, step, loss in curves_tested(folder, runs):
        found.append(measures(loss, model.predict(plan, step)))
        ends = model.predict_interval(plan, step)
        inside.append((ends[:, 0] <= loss) & (loss <= ends[:, 1]))
        assert np.median((ends[:, 1] - ends[:, 0]) / loss) < 0.015
    r2, *errors = np.mean(found, axis=0)
    assert r2 >= ERRORS[size][0]
    assert (np.array(errors) <= ERRORS[size][1:]).all()
    assert np.concatenate(inside).mean() >= 0.85


def test_second_halves_are_forecast_within_one_percent(runs):
    for run in runs.values():
        half = run.until(run.step[-1] / 2)
        model = ScheduleLaw(law="multi-power").fit([half])
        end = run.step[-1:]
        assert model.predict(run.schedule, end)[0] == pytest.approx(run.value[-1], rel=0.01)
        lower, upper = model.predict_interval(run.schedule, end)[0]
        assert lower < run.value[-1] < upper
