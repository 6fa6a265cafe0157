"""What a column of a log is, by the field's usual names in any case."""

from __future__ import annotations

import re
from dataclasses import dataclass

AXIS_NAMES: dict[str, tuple[str, ...]] = {
    "step": (
        "step", "global_step", "_step", "iteration", "iter", "update", "steps", "iterations",
        "updates", "num_updates", "train_step", "training_step", "optimizer_step", "optim_step",
        "checkpoint_step", "training_iteration", "step_num", "n_iter",
    ),
    "tokens": (
        "tokens", "num_input_tokens_seen", "consumed_tokens", "tokens_seen", "total_tokens",
        "seen_tokens", "num_tokens_seen", "n_tokens_seen", "total_tokens_seen", "train_tokens",
        "training_tokens", "num_tokens", "n_tokens", "consumed_train_tokens", "tokens_processed",
        "token", "pretraining_data_size", "tokens_trained",
    ),
    "samples": (
        "samples", "consumed_samples", "train_size", "n_train", "size_train", "seen_examples",
        "examples_seen", "samples_seen", "seen_samples", "consumed_train_samples",
        "training_examples", "training_samples", "train_examples", "train_samples", "num_examples",
        "n_examples", "examples", "training_set_size", "num_train", "training_size",
        "dataset_size", "sample_size", "anchor",
    ),
    "epoch": ("epoch", "epochs", "current_epoch", "train_epoch", "epoch_num"),
    "flops": (
        "flops", "total_flos", "compute", "total_flops", "training_flops", "train_flops", "flop",
        "flos", "total_training_flops", "cumulative_flops", "training_compute", "train_compute",
    ),
    "wall_time": (
        "_runtime", "wall_time", "elapsed", "walltime", "elapsed_time", "time_elapsed",
        "elapsed_seconds", "elapsed_s", "wall_clock", "wall_clock_time", "wallclock",
        "relative_time", "runtime", "_timestamp", "timestamp", "time_total_s", "train_time",
        "total_time",
    ),
}  # fmt: skip

LEARNING_RATES = (
    "lr", "learning_rate", "learning_rate_group0", "lr_group0", "lr_0", "current_lr", "lrs",
)  # fmt: skip

#: Spellings of a run's number of parameters, the plain count first.
PARAMS = (
    "params", "n_params", "num_params", "parameters", "n_parameters", "num_parameters",
    "model_params", "parameter_count", "param_count", "total_params", "model_size",
    "non_embedding_params", "params_no_embed",
)  # fmt: skip

#: Columns that name a run by themselves, the best first.
RUN_NAMES = (
    "run", "run_name", "name", "run_id", "curve", "curve_id", "experiment", "experiment_name",
    "exp", "exp_name", "trial", "trial_id", "job", "job_id", "model", "model_name",
)  # fmt: skip

#: Numbers that describe a run and are no measurement, where they stay fixed within it.
SETTINGS = frozenset({
    *PARAMS, "seed", "random_seed", "outer_seed", "inner_seed", "data_seed", "init_seed", "fold",
    "repeat", "replicate", "batch_size", "global_batch_size", "micro_batch_size",
    "train_batch_size", "batch_size_in_tokens", "tokens_per_batch", "tokens_per_step", "openmlid",
    "dataset_id", "task_id",
    "d_model", "n_embd", "n_layer", "n_layers", "num_layers", "n_head", "n_heads", "num_heads",
    "hidden", "hidden_size", "width", "depth", "vocab_size", "seq_len", "sequence_length",
    "context_length", "max_seq_len", "weight_decay", "warmup", "warmup_steps", "dropout", "beta1",
    "beta2", "learning_rate_peak", "peak_lr", "max_lr", "base_lr", "min_lr", "unique_tokens",
    "chinchilla_multiplier", "token_multiplier", "max_steps", "total_steps", "n_shot",
    "num_fewshot", "fewshot", "rank", "lora_r", "lora_alpha",
})  # fmt: skip

SPLITS = ("split", "phase", "stage", "subset", "mode", "benchmark")
METRIC_NAMES = ("metric", "metric_name", "tag", "key", "variable", "measure", "scalar")
VALUES = ("value", "metric_value", "val")
#: Marks of rows, such as which ones were fitted: neither places nor measurements.
FLAGS = frozenset({"training", "is_train", "is_training", "train_mask", "holdout", "is_test"})
INDEXES = frozenset({"", "index", "unnamed:_0", "unnamed", "row", "level_0"})

_PREFIXES = frozenset({
    "train", "trainer", "training", "throughput", "progress", "optim", "general", "global", "meta",
    "time", "lr", "counters",
})  # fmt: skip
_SCALED = re.compile(r"^(?P<name>.+?)_*[(\[](?P<unit>[kmbtg]|\d+e\d+)[)\]]$")
_UNITS = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
_GIGAFLOPS = re.compile(r"^(?P<name>(total|training|train|cumulative)_(.*_)?)g(?P<flops>flops?)$")
_OPTIMIZER_RATE = re.compile(r"^lr-(adam|sgd|lion|adafactor|muon|rmsprop|lamb|optim)\w*(/pg\d+)?$")
_MEASURE = re.compile(
    r"loss|acc|error|err\b|ppl|perplexity|score|bleu|rouge|f1|auc|bpb|bpc|nll|entropy|grad|norm|"
    r"reward|precision|recall|value|rate",
)


@dataclass(frozen=True)
class Place:
    """Where a column stands on one of the axes: ``axis`` and the factor to the axis's unit."""

    axis: str
    rank: int
    factor: float = 1.0


def canonical(name: str) -> str:
    """Return a column name in lower case with underscores.

    Examples
    --------
    >>> canonical(" Seen Examples")
    'seen_examples'
    """
    return re.sub(r"[\s]+", "_", name.strip().casefold())


def place_of(name: str) -> Place | None:
    """Return the axis that a column is, by name, or None.

    Examples
    --------
    >>> place_of("throughput/total_tokens").axis, place_of("FLOPs (1E21)").factor
    ('tokens', 1e+21)
    """
    base, factor = _unscaled(_without_prefix(canonical(name)))
    for axis, names in AXIS_NAMES.items():
        if base in names:
            return Place(axis, names.index(base), factor)
    return None


def params_factor(name: str) -> float | None:
    """Return the factor that turns this column into a count of parameters, or None."""
    base, factor = _unscaled(canonical(name))
    return factor if base in PARAMS else None


def is_learning_rate(name: str) -> bool:
    """Return whether the column is the learning rate in force."""
    plain = canonical(name)
    return _without_prefix(plain) in LEARNING_RATES or bool(_OPTIMIZER_RATE.match(plain))


def is_setting(name: str) -> bool:
    """Return whether a number under this name describes the run rather than measures it."""
    plain = canonical(name)
    return plain in SETTINGS or params_factor(plain) is not None


def looks_measured(name: str) -> bool:
    """Return whether the name is that of a measurement, such as a loss."""
    return bool(_MEASURE.search(canonical(name)))


def first_named(columns: list[str], names: tuple[str, ...]) -> str | None:
    """Return the column whose name comes first in ``names``, or None."""
    by_name = {canonical(column): column for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def axis_columns(columns: list[str]) -> dict[str, tuple[str, float]]:
    """Return for each axis the column that carries it and the factor to the axis's unit."""
    found: dict[str, tuple[int, str, float]] = {}
    for column in columns:
        place = place_of(column)
        if place and (place.axis not in found or place.rank < found[place.axis][0]):
            found[place.axis] = (place.rank, column, place.factor)
    return {axis: (column, factor) for axis, (_, column, factor) in found.items()}


def _without_prefix(plain: str) -> str:
    prefix, slash, rest = plain.rpartition("/")
    return rest if slash and prefix in _PREFIXES else plain


def _unscaled(plain: str) -> tuple[str, float]:
    giga = _GIGAFLOPS.match(plain)
    if giga:
        return giga["name"] + giga["flops"], 1e9
    scaled = _SCALED.match(plain)
    if not scaled:
        return plain, 1.0
    unit = scaled["unit"]
    return scaled["name"], _UNITS.get(unit) or float(unit)
