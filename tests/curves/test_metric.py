"""Names of metrics as they are logged, and the kind each is taken to be."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from predictor.curves.metric import MetricKind, kind_of

LOSS = MetricKind("lower", 0.0)
SHARE = MetricKind("higher", 0.0, 1.0)
PERCENT = MetricKind("higher", 0.0, 100.0)
RATE = MetricKind("lower", 0.0, 1.0)
FALLING, RISING = np.array([0.9, 0.7, 0.6, 0.55, 0.5]), np.array([0.1, 0.4, 0.6, 0.65, 0.7])


@pytest.mark.parametrize("name", [
    "loss", "val_loss", "train/loss", "eval/loss", "trainLoss", "lm loss validation",
    "perplexity", "eval-ppl", "test.nll", "bits_per_byte", "bpb", "rmse", "val_mse", "MAE",
    "cross_entropy", "wer", "FID", "kl", "loss/train",
])  # fmt: skip
def test_what_falls_to_zero(name):
    assert kind_of(name, FALLING * 5) == LOSS


@pytest.mark.parametrize("name", [
    "accuracy", "eval/accuracy", "top1_acc", "val_acc", "f1", "macro_f1", "AUC", "eval/auroc",
    "exact_match", "rougeL", "rouge2", "pass@1", "mAP", "win_rate", "hellaswag/acc_norm", "ndcg@10",
    "valAccuracy", "top5", "precision", "recall",
])  # fmt: skip
def test_shares_of_one(name):
    assert kind_of(name, RISING) == SHARE


@pytest.mark.parametrize("name", ["BLEU", "eval/bleu", "accuracy", "chrf++", "rouge1", "top1_acc"])
def test_shares_in_percent(name):
    assert kind_of(name, 100 * RISING) == PERCENT


@pytest.mark.parametrize("name", ["error_rate", "val/error", "top1_err", "errorRate"])
def test_error_rates_end_at_one(name):
    assert kind_of(name, FALLING) == RATE
    assert kind_of(name, 100 * FALLING) == LOSS


@pytest.mark.parametrize("name", ["policy_loss", "ELBO loss", "actor/loss", "surrogate_loss"])
def test_losses_that_may_go_below_zero(name):
    assert kind_of(name, FALLING) == MetricKind("lower")


def test_loss_seen_below_zero_has_no_floor():
    assert kind_of("loss", FALLING - 0.6) == MetricKind("lower")


@pytest.mark.parametrize("name", ["reward", "episode_return", "ELBO", "score", "elo"])
def test_direction_of_an_unknown_name_is_read_from_the_values(name):
    assert kind_of(name, RISING * 300) == MetricKind("higher")
    assert kind_of(name, -FALLING * 300) == MetricKind("higher")
    assert kind_of(name, 200 - RISING * 300).better == "lower"


def test_unknown_falling_positive_metric_is_taken_to_fall_to_zero():
    assert kind_of("badness", FALLING) == LOSS


@pytest.mark.parametrize("name", ["accumulation", "face", "recallable", "parity", "embedding_norm"])
def test_letters_inside_a_word_tell_nothing(name):
    assert kind_of(name, RISING * 300).ceiling == inf


def test_accuracy_beyond_every_known_range_has_no_bounds():
    assert kind_of("acc", np.array([50.0, 250.0])) == MetricKind("higher")
    assert kind_of("f1", np.array([-0.2, 0.3])) == MetricKind("higher")


@pytest.mark.parametrize(
    ("kind", "residual", "bound"),
    [(LOSS, "log", 0.0), (SHARE, "log", 1.0), (PERCENT, "log", 100.0), (RATE, "log", 0.0),
     (MetricKind("lower"), "linear", -inf), (MetricKind("higher"), "linear", inf),
     (MetricKind("higher", 0.0), "linear", inf)],
)  # fmt: skip
def test_residual_is_logarithmic_where_there_is_a_bound_to_approach(kind, residual, bound):
    assert kind.residual == residual
    assert kind.bound == bound


@pytest.mark.parametrize(
    "kind", [LOSS, SHARE, PERCENT, RATE, MetricKind("lower"), MetricKind("higher")]
)
def test_fall_and_back(kind):
    values = np.array([0.2, 0.6, 0.9])
    fallen = kind.to_fall(values)
    np.testing.assert_allclose(kind.from_fall(fallen), values)
    improved = values + (0.05 if kind.better == "higher" else -0.05)
    assert (kind.to_fall(improved) < fallen).all()


def test_way_back_stays_within_the_range():
    assert SHARE.from_fall(np.array([-0.5, 3.0])).tolist() == [1.0, 0.0]
    assert RATE.from_fall(np.array([-0.5, 3.0])).tolist() == [0.0, 1.0]
