"""Turn the working folder of ``train.py`` and ``evaluate.py`` into the files that are shipped.

    python datasets/ladder/pack.py [--work FOLDER] [--output FOLDER]

Writes every run's log in one Parquet table, eight of them again as their tools write them
(TensorBoard, a trainer's state, JSONL, CSV), a table of runs, results per item, compression of
held-out text, and two checkpoints of two sizes. The same working folder gives the same bytes.
Needs pandas, pyarrow and tensorboard.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
#: When the ladder was trained, in seconds since 1970: 2026-11-26.
DAY = 1_795_651_200
FORMATS = {
    "tensorboard": ("25k-spikes-s0-2M", "55k-cosine-s0-4M"),
    "trainer_state": ("25k-diverges-s0-2M", "55k-constant-s0-4M"),
    "jsonl": ("147k-s0-4M", "7k-bpe512-s0-4M"),
    "csv": ("55k-s0-4M", "25k-bpe1024-s0-4M"),
}
CHECKPOINTS = ("3k-s0-1M", "3k-s0-8M", "55k-s0-1M", "55k-s0-8M")
VALIDATED = {"eval_loss": "eval/loss", "bits_per_byte": "eval/bits_per_byte"}
TRAINED = {"loss": "train/loss", "grad_norm": "train/grad_norm", "lr": "train/learning_rate"}


def series_of(outcome: dict) -> str:
    """Return which part of the ladder a run belongs to."""
    if outcome["trouble"]:
        return "trouble"
    if outcome["schedule"] != "wsd":
        return "schedules"
    return "bytes-seeds" if outcome["seed"] else outcome["vocabulary"]


def read(work: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row a run, and one row a step of every run."""
    outcomes, logs = [], []
    for path in sorted(work.glob("*.json.gz")):
        if path.name.endswith(".results.json.gz"):
            continue
        with gzip.open(path, "rt") as file:
            found = json.load(file)
        outcomes.append(found["outcome"])
        logs.append(pd.DataFrame(found["log"]).assign(run=found["outcome"]["run"]))
    runs = pd.DataFrame(outcomes)
    runs["series"] = [series_of(outcome) for outcome in outcomes]
    runs["trouble"] = runs["trouble"].replace("", "none")
    runs["flops"] = runs["tokens"] * 3 * forward_flops(runs)
    order = ["params", "vocabulary", "schedule", "trouble", "seed", "tokens"]
    runs = runs.sort_values(order, key=_ranked).reset_index(drop=True)
    points = pd.concat(logs, ignore_index=True).rename(columns={"time": "wall_time"})
    return runs, points.merge(runs[["run", "params"]], on="run", how="left")


def _ranked(column: pd.Series) -> pd.Series:
    first = {"bytes": "0", "wsd": "0", "none": "0"}
    return column.replace(first) if column.dtype == object else column


def forward_flops(runs: pd.DataFrame) -> pd.Series:
    """Return FLOPs of a forward pass a token: 2 a parameter, the output layer's among them."""
    vocabulary = runs["vocabulary"].map({"bytes": 256, "bpe512": 512, "bpe1024": 1024})
    width = runs["embedding_params"] // (vocabulary + 128)
    return 2 * (runs["params"] + vocabulary * width)


def results(work: Path, runs: pd.DataFrame, part: str) -> pd.DataFrame:
    """Return rows of one part of the evaluations, run by run."""
    found = []
    for run in runs.loc[runs["trouble"] == "none", "run"]:
        with gzip.open(work / f"{run}.results.json.gz", "rt") as file:
            found.append(pd.DataFrame(json.load(file)[part]).assign(run=run))
    return pd.concat(found, ignore_index=True)


def item_table(work: Path, runs: pd.DataFrame) -> pd.DataFrame:
    """Return trials and passes of every model and item."""
    facts = runs.rename(columns={"run": "model", "series": "family"})
    facts = facts[["model", "params", "tokens", "flops", "family"]]
    rows = results(work, runs, "items").rename(columns={"run": "model"})
    rows["difficulty"] = [re.sub(r"-?\d\d$", "", item) or "all" for item in rows["item"]]
    rows = rows.merge(facts, on="model", how="left")
    return rows[[*facts, "benchmark", "item", "difficulty", "trials", "passes"]]


def compression_table(work: Path, runs: pd.DataFrame) -> pd.DataFrame:
    """Return bytes, tokens and log-likelihood of held-out text: the four budgets as checkpoints."""
    rows = results(work, runs, "compression").merge(
        runs.assign(flops_per_token=forward_flops(runs)), on="run", suffixes=("", "_trained")
    )
    rows = rows[rows["schedule"] == "wsd"]
    rows["model"] = rows["run"].str.replace(r"-\d+M$", "", regex=True)
    rows["series"] = rows["vocabulary"] + rows["seed"].map(lambda seed: f"-s{seed}" if seed else "")
    rows = rows.rename(columns={"steps": "checkpoint"})
    return rows[[
        "model", "series", "dataset", "checkpoint", "sample", "bytes", "tokens", "logprob_sum",
        "flops_per_token",
    ]]  # fmt: skip


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a table, compressed, without pandas' own metadata."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    pq.write_table(table, path, compression="zstd", compression_level=19)


def write_tensorboard(folder: Path, log: pd.DataFrame) -> None:
    """Write an event file, record by record, as TensorBoard's own writer does."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(parents=True)
    with (folder / f"events.out.tfevents.{DAY}.ladder").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=DAY, file_version="brain.Event:2").SerializeToString())
        for row in log.to_dict("records"):
            tags = {**TRAINED, "tokens": "train/tokens", **VALIDATED}
            values = [
                Summary.Value(tag=tag, simple_value=row[name])
                for name, tag in tags.items() if pd.notna(row[name])
            ]  # fmt: skip
            for value in values:
                event = Event(
                    wall_time=DAY + row["wall_time"], step=int(row["step"]),
                    summary=Summary(value=[value]),
                )  # fmt: skip
                writer.write(event.SerializeToString())
        writer.flush()


def write_trainer_state(folder: Path, log: pd.DataFrame, run: pd.Series) -> None:
    """Write what a trainer saves: its settings, and a row for every step and validation."""
    last = int(log["step"].max())
    history: list[dict[str, float]] = []
    for row in log.to_dict("records"):
        place = {"epoch": round(row["step"] / last, 5), "step": int(row["step"])}
        history.append({
            "epoch": place["epoch"], "grad_norm": row["grad_norm"], "learning_rate": row["lr"],
            "loss": row["loss"], "num_input_tokens_seen": int(row["tokens"]),
            "step": place["step"], "train_runtime": row["wall_time"],
        })  # fmt: skip
        if pd.notna(row["eval_loss"]):
            told = {f"eval_{n}": row[c] for n, c in (("loss", "eval_loss"),
                    ("bits_per_byte", "bits_per_byte"))}  # fmt: skip
            history.append({"epoch": place["epoch"], **told, "step": place["step"]})
    state = {
        "best_metric": None, "best_model_checkpoint": None, "epoch": 1.0, "global_step": last,
        "is_hyper_param_search": False, "is_local_process_zero": True,
        "is_world_process_zero": True, "log_history": history, "logging_steps": 1,
        "max_steps": last, "num_input_tokens_seen": int(run["tokens"]), "num_train_epochs": 1,
        "save_steps": last, "total_flos": float(run["flops"]), "train_batch_size": 16,
        "trial_name": None, "trial_params": None,
    }  # fmt: skip
    folder.mkdir(parents=True)
    text = json.dumps(state, indent=1)
    (folder / "trainer_state.json").write_text(text + "\n", encoding="utf-8")


def write_lines(path: Path, log: pd.DataFrame) -> None:
    """Write one JSON object a step, without what was not measured there."""
    rows = [{k: v for k, v in row.items() if pd.notna(v)} for row in log.to_dict("records")]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def write_formats(folder: Path, runs: pd.DataFrame, points: pd.DataFrame) -> None:
    """Write some logs in the formats of the tools that people log with."""
    for form, names in FORMATS.items():
        for name in names:
            log = points[points["run"] == name].drop(columns="run").reset_index(drop=True)
            if form == "tensorboard":
                write_tensorboard(folder / name, log)
            elif form == "trainer_state":
                write_trainer_state(folder / name, log, runs.set_index("run").loc[name])
            elif form == "jsonl":
                write_lines(folder / f"{name}.jsonl", log)
            else:
                log.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def main() -> None:
    """Write the shipped files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("ladder-work"), help="what was trained")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the shipped files")
    settings = parser.parse_args()
    work, output = settings.work, settings.output
    runs, points = read(work)
    points["run"] = pd.Categorical(points["run"], runs["run"])
    columns = [
        "run", "params", "step", "tokens", "wall_time", "lr", "loss", "grad_norm", "eval_loss",
        "bits_per_byte",
    ]  # fmt: skip
    points = points.sort_values(["run", "step"])[columns].astype({"run": str})
    runs = runs[[
        "run", "series", "size", "params", "embedding_params", "tokens", "flops", "steps",
        "batch_tokens", "schedule", "lr", "seed", "vocabulary", "trouble", "loss",
        "bits_per_byte", "seconds",
    ]]  # fmt: skip
    for folder in ("formats", "checkpoints"):
        shutil.rmtree(output / folder, ignore_errors=True)
        (output / folder).mkdir(parents=True)
    runs.to_csv(output / "runs.csv", index=False, lineterminator="\n")
    write_parquet(output / "points.parquet", points)
    write_parquet(output / "items.parquet", item_table(work, runs))
    write_parquet(output / "compression.parquet", compression_table(work, runs))
    write_formats(output / "formats", runs, points)
    for run in CHECKPOINTS:
        shutil.copyfile(work / f"{run}.safetensors", output / "checkpoints" / f"{run}.safetensors")
    print(f"{len(runs)} runs, {len(points)} steps")


if __name__ == "__main__":
    main()
