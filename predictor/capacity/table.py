"""Read a compression table: one row a model and data set, or one a sample."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictor.architecture.config import read_config
from predictor.architecture.flops import Convention, count_flops
from predictor.architecture.memory import count_memory
from predictor.architecture.model import Model
from predictor.capacity.columns import by_canonical_name
from predictor.capacity.compression import PUBLISHED_CUT, Compression, Samples
from predictor.capacity.sample_files import gather, is_sample, parsed, read_samples, scored
from predictor.capacity.units import compression_of
from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.documents import read_json
from predictor.logs.source import Source

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 20_000
_MOST_SAMPLES = 1_000_000
#: Forward FLOPs of a token that a language model can have.
_LEAST_FLOPS, _MOST_FLOPS = 2.0, 1e16
#: Fields of a config that a row may hold instead of a path to one; see architecture.fields.
_CONFIG_FIELDS = (("hidden_size", "hidden", "n_embd", "d_model"), ("vocab_size", "vocab"))


@dataclass(frozen=True)
class Measurement:
    """One model, or one checkpoint of it, on one data set.

    Parameters
    ----------
    model, series, dataset : str
        Names; the series is the model's own name where none is told.
    compression : Compression
        What was measured.
    flops_per_token : float
        Forward FLOPs of a token.
    flops_source : str
        "given", or the convention by which they were counted from the config.
    checkpoint : float, optional
        Step or tokens of a checkpoint in training.
    memory_bytes, latency : float, optional
        Bytes of weights (16 bits) and cache, and measured time a token, where known.
    samples : Samples, optional
        What was logged of each sample.
    """

    model: str
    series: str
    dataset: str
    compression: Compression
    flops_per_token: float
    flops_source: str
    checkpoint: float | None = None
    memory_bytes: float | None = None
    latency: float | None = None
    samples: Samples | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """How to read a table.

    Parameters
    ----------
    convention : {"exact", "paper"}
        How FLOPs are counted from configs.
    max_tokens : int
        Tokens that a sample is cut to, and that FLOPs are the mean over.
    folder : Path
        Where paths in the table begin.
    dataset : str
        Name of the data set where no column tells it.
    """

    convention: Convention = "exact"
    max_tokens: int = PUBLISHED_CUT
    folder: Path = Path()
    dataset: str = "text"

    def path(self, text: str) -> Path:
        """Return a path named in the table: beside the table, else as it stands."""
        beside = self.folder / text
        return beside if beside.exists() else Path(text)


def read_table(
    path: Path, *, convention: Convention = "exact", max_tokens: int = PUBLISHED_CUT
) -> tuple[list[Measurement], list[Finding]]:
    """Read a table of compressions from CSV, TSV, JSONL, JSON or Parquet.

    Parameters
    ----------
    path : Path
        The table: a row a model and data set, or (JSONL) a row a sample.
    convention : {"exact", "paper"}
        How FLOPs are counted from configs.
    max_tokens : int
        Tokens that a sample is cut to, and that FLOPs are the mean over.

    Returns
    -------
    measurements : list of Measurement
    findings : list of Finding

    Raises
    ------
    InputError
        If a row lacks what is needed or holds an impossible value; names file, row and column.
    """
    settings = Settings(convention, max_tokens, path.parent, path.stem)
    source = Source(path, str(path), path.stem)
    rows = list(_sample_rows(source))
    if rows:
        return _from_samples(rows, source, settings)
    from predictor.logs.frames import read_table as read_frame

    table = read_frame(source)
    found, findings = from_frame(table.frame, settings, str(path))
    return found, [*table.findings, *findings]


def from_frame(
    frame: pd.DataFrame, settings: Settings, name: str = "table"
) -> tuple[list[Measurement], list[Finding]]:
    """Return the measurements of a frame that is already read; see :func:`read_table`."""
    columns = [str(column) for column in frame.columns]
    if is_sample(dict.fromkeys(columns)):
        records = [dict(zip(columns, row, strict=True)) for row in frame.to_numpy()]
        source = Source(Path(name), name, settings.dataset)
        return _from_samples(list(enumerate(records, start=2)), source, settings)
    known = by_canonical_name(columns)
    if "model" not in known:
        raise InputError(
            f"{name}: no column 'model'; it has {', '.join(map(str, frame.columns[:8]))}"
        )
    if len(frame) > _MOST_ROWS:
        raise InputError(f"{name}: {len(frame):,} rows, more than {_MOST_ROWS:,} models")
    found: list[Measurement] = []
    findings: list[Finding] = []
    for number, values in enumerate(frame.to_dict("records"), start=1):
        row = {str(k): v for k, v in values.items()}
        row |= {canonical: values[own] for canonical, own in known.items()}
        where = f"{name}, data row {number} ({str(row['model'])[:60]})"
        measured, noticed = _measurement(row, where, settings)
        found.append(measured)
        findings += noticed
    _check_twins(found, name)
    return found, findings


def _measurement(
    row: Mapping[str, Any], where: str, settings: Settings, samples: Samples | None = None
) -> tuple[Measurement, list[Finding]]:
    if not _text(row, "model"):
        raise InputError(f"{where}: no model name")
    model = _config(row, where, settings)
    if model is not None:
        row = {**row, "vocab": model.vocab}
    findings: list[Finding] = []
    if samples is None:
        samples, findings = _samples(row, where, settings)
    compression = _compression(row, samples, where, settings)
    flops, counted = _flops(row, model, where, settings)
    memory = _positive(row, "memory_bytes", where)
    if memory is None and model is not None and model.kind != "unknown":
        memory = count_memory(model, tokens=settings.max_tokens).total
    notes = model.notes if model is not None and counted == "exact" else ()
    findings += [Finding("PRED307", note, run=_text(row, "model")) for note in notes]
    name = _text(row, "model")
    measured = Measurement(
        model=name,
        series=_text(row, "series") or name,
        dataset=_text(row, "dataset") or settings.dataset,
        compression=compression,
        flops_per_token=flops,
        flops_source=counted,
        checkpoint=_positive(row, "checkpoint", where, zero=True),
        memory_bytes=memory,
        latency=_positive(row, "latency", where),
        samples=samples,
    )
    return measured, findings


def _samples(
    row: Mapping[str, Any], where: str, settings: Settings
) -> tuple[Samples | None, list[Finding]]:
    path = _text(row, "samples")
    if not path or path.replace(".", "").isdigit():  # a number of samples, not their file
        return None, []
    tokens = _positive(row, "tokens", where)
    return read_samples(settings.path(path), cut=settings.max_tokens, tokens=tokens)


def _compression(
    row: Mapping[str, Any], samples: Samples | None, where: str, settings: Settings
) -> Compression:
    if samples is not None:
        measured = samples.measure()
        names = ("text_bits_per_token", "nll_bits_per_token")
        rates = {name: getattr(measured, name) for name in names}
        compression_of({**rates, "vocab": row.get("vocab")}, where)
        return measured
    results = _text(row, "results")
    if results:
        row = {**row, "bits_per_byte": _harness(settings.path(results), row, where)}
    return compression_of(row, where)


def _harness(path: Path, row: Mapping[str, Any], where: str) -> float:
    """Return bits per byte from results of lm-evaluation-harness."""
    from math import log2

    content = read_json(Source(path, str(path), path.stem))
    tasks = content.get("results") if isinstance(content, dict) else None
    tasks = tasks if isinstance(tasks, dict) else {}
    wanted = _text(row, "dataset")
    for task, scores in tasks.items():
        if not isinstance(scores, dict) or (wanted and wanted in tasks and task != wanted):
            continue
        plain = {str(key).partition(",")[0]: value for key, value in scores.items()}
        if isinstance(plain.get("bits_per_byte"), int | float):
            return float(plain["bits_per_byte"])
        perplexity = plain.get("byte_perplexity")
        if isinstance(perplexity, int | float) and perplexity > 1:
            return log2(perplexity)
    raise InputError(f"{where}: {path} has no task with bits_per_byte or byte_perplexity")


def _config(row: Mapping[str, Any], where: str, settings: Settings) -> Model | None:
    path = _text(row, "config")
    if path:
        try:
            return read_config(settings.path(path))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    if all(any(_is_there(row.get(name)) for name in names) for names in _CONFIG_FIELDS):
        fields = {name: _plain(value) for name, value in row.items() if _is_there(value)}
        try:
            return read_config({k: v for k, v in fields.items() if k != "config"})
        except InputError as error:
            if _positive(row, "flops_per_token", where) is not None:
                return None
            raise InputError(f"{where}: {error}") from None
    return None


def _flops(
    row: Mapping[str, Any], model: Model | None, where: str, settings: Settings
) -> tuple[float, str]:
    given = _positive(row, "flops_per_token", where)
    if given is not None:
        if not _LEAST_FLOPS < given < _MOST_FLOPS:
            raise InputError(
                f"{where}: flops_per_token is {given:g}; the FLOPs of one token are needed, not "
                "giga or tera, nor those of a training run"
            )
        return given, "given"
    if model is None:
        raise InputError(
            f"{where}: no FLOPs; give flops_per_token, or config (the path of a config.json), or "
            "its fields hidden_size, num_hidden_layers, num_attention_heads, ..."
        )
    convention, tokens = settings.convention, settings.max_tokens
    return count_flops(model, tokens=tokens, convention=convention).total, convention


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value).strip() if _is_there(value) else ""


def _is_there(value: Any) -> bool:
    return value is not None and value == value and str(value).strip() != ""


def _plain(value: Any) -> Any:
    """Return whole numbers as such: a table's columns come as floats."""
    if isinstance(value, float) and value == int(value):
        return int(value)
    text = str(value).strip().lower()
    return {"true": True, "false": False}.get(text, value)


def _positive(row: Mapping[str, Any], name: str, where: str, *, zero: bool = False) -> float | None:
    if not _is_there(row.get(name)):
        return None
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise InputError(f"{where}: {name} is {str(row[name])[:40]!r}, no number") from None
    if not (0 < value < float("inf") or (zero and value == 0)):
        raise InputError(f"{where}: {name} is {value:g}; a number above 0 is needed")
    return value


def _sample_rows(source: Source) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a JSONL file of samples; none where it is a table of another kind."""
    if source.text_head.lstrip()[:1] != "{":
        return
    for number, line in source.lines():
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if number == 1 and not (isinstance(row, dict) and is_sample(row)):
            return
        if number > _MOST_SAMPLES:
            raise source.error(
                f"more than {_MOST_SAMPLES:,} samples; give a file a model, in a column 'samples'"
            )
        yield number, parsed(line, source, number)


def _from_samples(
    rows: list[tuple[int, dict[str, Any]]], source: Source, settings: Settings
) -> tuple[list[Measurement], list[Finding]]:
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for number, row in rows:
        known = by_canonical_name(list(row))
        key = tuple(str(row[known[n]]) if n in known else "" for n in _KEYS)
        groups.setdefault(key, []).append((number, row))
    if len(groups) > _MOST_ROWS:
        raise source.error(f"samples of {len(groups):,} models, more than {_MOST_ROWS:,}")
    found, findings = [], []
    for group in groups.values():
        measured, noticed = _one_model(group, source, settings)
        found.append(measured)
        findings += noticed
    return found, findings


_KEYS = ("model", "dataset", "checkpoint")


def _one_model(
    group: list[tuple[int, dict[str, Any]]], source: Source, settings: Settings
) -> tuple[Measurement, list[Finding]]:
    name = source.name
    each = (scored(row, f"{name}, line {n}", settings.max_tokens) for n, row in group)
    samples, findings = gather(each, name, settings.max_tokens, None)
    number, first = group[0]
    known = by_canonical_name(list(first))
    row = {**first, **{canonical: first[own] for canonical, own in known.items()}}
    row["model"] = row.get("model") or source.run_hint
    where = f"{name}, line {number} ({str(row['model'])[:60]})"
    measured, noticed = _measurement(row, where, settings, samples)
    return measured, [*findings, *noticed]


def _check_twins(found: list[Measurement], name: str) -> None:
    seen: dict[tuple[str, str, float | None], Measurement] = {}
    for one in found:
        key = (one.model, one.dataset, one.checkpoint)
        twin = seen.setdefault(key, one)
        if twin is not one:
            raise InputError(
                f"{name}: {one.model} has two rows on '{one.dataset}'; are two data sets mixed "
                "under one name? Name them apart in a column 'dataset', or checkpoints in a "
                "column 'checkpoint'"
            )
