"""What is known of the models: parameters, tokens, compute, family."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from predictor.errors import InputError
from predictor.findings import Finding
from predictor.logs.columns import RUN_NAMES, axis_columns, first_named, params_factor
from predictor.logs.source import Source

FACTS = ("params", "tokens", "flops")
_MODELS = ("model", "model_name", "model_id", *RUN_NAMES)
_FAMILIES = ("family", "model_family", "series")


def read_meta(path: Path) -> pd.DataFrame:
    """Read a table of models, CSV or TSV: indexed by model, any of params, tokens, flops, family.

    Raises
    ------
    InputError
        If the table cannot be read, names no models or one of them twice, or has a fact that is
        no positive number.
    """
    source = Source(path, str(path), path.stem)
    text = source.decode(source.document())
    separator = "\t" if "\t" in text.split("\n", 1)[0] else ","
    try:
        table = pd.read_csv(StringIO(text), sep=separator, dtype=str, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise source.error(f"is no table ({' '.join(str(error).split())})") from None
    columns = [str(name).lstrip("\ufeff") for name in table.columns]
    table.columns = pd.Index(columns)
    model = first_named(columns, _MODELS)
    if model is None:
        raise source.error(f"has no column 'model'; it has {', '.join(columns[:8])}")
    twice = table[model][table[model].duplicated()]
    if len(twice):
        raise source.error(f"names model '{twice.iloc[0]}' twice; one row a model is needed")
    facts = canonical_facts(table.set_index(model), source)
    return facts.rename_axis("model")


def canonical_facts(table: pd.DataFrame, source: Source | None = None) -> pd.DataFrame:
    """Return ``params, tokens, flops, family`` of a table with any of the usual column names."""
    columns = [str(name) for name in table.columns]
    found = {axis: place for axis, place in axis_columns(columns).items() if axis in FACTS}
    for name in columns:
        factor = params_factor(name)
        if factor is not None and "params" not in found:
            found["params"] = (name, factor)
    facts = pd.DataFrame(index=table.index)
    for fact in FACTS:
        if fact in found:
            name, factor = found[fact]
            facts[fact] = _positive(table[name], name, source) * factor
        else:
            facts[fact] = np.nan
    family = first_named(columns, _FAMILIES)
    facts["family"] = table[family].astype("string") if family else pd.NA
    return facts


def _positive(column: pd.Series, name: str, source: Source | None) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    bad = column.notna() & ~(numbers > 0)
    if bad.any():
        what = f"{name} of '{bad.index[bad][0]}' is {column[bad].iloc[0]}: no positive number"
        raise source.error(what) if source else InputError(what)
    return numbers.astype(float)


def completed(logged: pd.DataFrame, meta: pd.DataFrame | None) -> pd.DataFrame:
    """Return logged facts with those of the meta table, which win; models not in it are left out.

    Raises
    ------
    InputError
        If the meta table knows none of the models.
    """
    if meta is None:
        return logged
    if not set(meta.index) & set(logged.index):
        raise InputError(
            f"the table of --meta knows none of the models; the log has '{logged.index[0]}' ..., "
            f"the table '{meta.index[0]}' ..."
        )
    there = logged[logged.index.isin(meta.index)]
    return meta.reindex(there.index).combine_first(there)


def family_of(facts: pd.DataFrame, family: str | None) -> pd.DataFrame:
    """Return the models of one family: a ladder is of one family.

    Raises
    ------
    InputError
        If there is no such family, or several and none was named.
    """
    there = facts["family"].dropna().unique()
    if family is None:
        if len(there) > 1:
            shown = ", ".join(map(str, there[:6]))
            raise InputError(f"models of several families; choose one with --family: {shown} ...")
        return facts
    chosen = facts[facts["family"] == family]
    if not len(chosen):
        raise InputError(f"no model of family '{family}'; there are {', '.join(map(str, there))}")
    return chosen


def with_sizes(facts: pd.DataFrame) -> tuple[pd.DataFrame, str, list[Finding]]:
    """Return models with a column ``size``, smallest first, its axis, and what was noticed.

    Compute where it is logged, else 6 N D; parameters where tokens are unknown. A few models
    without compute among others that have it are left out.

    Raises
    ------
    InputError
        If a model has neither compute nor parameters.
    """
    product = 6 * facts["params"] * facts["tokens"]
    derived = facts["flops"].isna() & product.notna()
    flops = facts["flops"].combine_first(product)
    known = flops.notna()
    if known.sum() >= max(_FEWEST, len(facts) / 2) or known.all():
        findings = [Finding("PRED011", _DERIVED)] if derived.any() else []
        if not known.all():
            names = ", ".join(map(str, facts.index[~known][:5]))
            findings.append(Finding("PRED008", f"models without compute left out: {names}"))
        return _sorted(facts[known], flops[known]), "flops", findings
    if facts["params"].notna().all():
        return _sorted(facts, facts["params"]), "params", [Finding("PRED410", _STANDS_IN)]
    lacking = facts.index[facts["params"].isna()][0]
    raise InputError(
        f"model '{lacking}' has neither flops nor params (and tokens): add columns, or a table "
        "with them by --meta"
    )


_FEWEST = 3
_DERIVED = "compute is 6 x params x tokens, not logged"
_STANDS_IN = "compute is not known; parameters stand in for it"


def _sorted(facts: pd.DataFrame, size: pd.Series) -> pd.DataFrame:
    return facts.assign(size=size.astype(float)).sort_values("size", kind="stable")
