"""A half-finished run of every format, through the command line: one log, one forecast."""

from __future__ import annotations

import json
import warnings

import pandas as pd
import pytest

from predictor.cli import run

STEPS = range(10, 1_001, 10)
END = 2_000
TRUTH = 2 + 8 * END**-0.5


def loss(step):
    return 2 + 8 * step**-0.5


def table(folder):
    path = folder / "run.csv"
    pd.DataFrame({"step": STEPS, "loss": [loss(s) for s in STEPS]}).to_csv(path, index=False)
    return path, "loss"


def json_lines(folder):
    path = folder / "run.jsonl"
    path.write_text(
        "".join(json.dumps({"step": s, "train": {"loss": loss(s)}}) + "\n" for s in STEPS)
    )
    return path, "train/loss"


def parquet(folder):
    path = folder / "run.parquet"
    frame = pd.DataFrame({"step": STEPS, "loss": [loss(s) for s in STEPS]})
    frame.to_parquet(path)
    return path, "loss"


def gzipped(folder):
    path = folder / "run.csv.gz"
    frame = pd.DataFrame({"step": STEPS, "loss": [loss(s) for s in STEPS]})
    frame.to_csv(path, index=False)
    return path, "loss"


def wandb_chart(folder):
    path = folder / "export.csv"
    name = "gpt-1 - train/loss"
    columns = {"Step": STEPS}
    columns |= {f"{name}{end}": [loss(s) for s in STEPS] for end in ("", "__MIN", "__MAX")}
    pd.DataFrame(columns).to_csv(path, index=False)
    return path, "train/loss"


def wandb_history(folder):
    path = folder / "history.csv"
    columns = {"_step": STEPS, "_runtime": STEPS, "_timestamp": [1.7e9 + s for s in STEPS]}
    pd.DataFrame(columns | {"train/loss": [loss(s) for s in STEPS]}).to_csv(path, index=False)
    return path, "train/loss"


def lightning(folder):
    path = folder / "version_0" / "metrics.csv"
    path.parent.mkdir()
    lines = [f"0,{s},{loss(s)}," for s in STEPS] + [
        f"0,{s},,{loss(s)}" for s in range(50, 1_001, 50)
    ]
    path.write_text("epoch,step,train_loss,val_loss\n" + "\n".join(lines) + "\n")
    (path.parent / "hparams.yaml").write_text("lr: 0.001\n")
    return folder, "val_loss"


def trainer_state(folder):
    path = folder / "trainer_state.json"
    rows = [{"epoch": s / 1000, "loss": loss(s), "learning_rate": 1e-4, "step": s} for s in STEPS]
    state = {"global_step": 1_000, "max_steps": END, "epoch": 1.0, "log_history": rows}
    path.write_text(json.dumps(state))
    return path, "loss"


def megatron(folder):
    path = folder / "train.out"
    line = (
        " iteration {0:8d}/    2000 | consumed samples: {1} | elapsed time per iteration (ms): 12.1"
        " | learning rate: 1.0E-04 | global batch size: 32 | lm loss: {2:.6E} | grad norm: 1.2 |"
    )
    path.write_text("".join(line.format(s, 32 * s, loss(s)) + "\n" for s in STEPS))
    return path, "lm loss"


def nanogpt(folder):
    path = folder / "output.log"
    lines = [f"iter {s}: loss {loss(s):.4f}, time 20.00ms, mfu 30.00%\n" for s in STEPS]
    path.write_text("compiling the model... (takes a ~minute)\n" + "".join(lines))
    return path, "loss"


def tensorboard(folder):
    writer_module = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    writer = writer_module.EventFileWriter(str(folder))
    for step in STEPS:
        value = Summary.Value(tag="loss/train", simple_value=loss(step))
        writer.add_event(Event(step=step, wall_time=step, summary=Summary(value=[value])))
    writer.close()
    return folder, "loss/train"


def mlflow(folder, place):
    client_module = pytest.importorskip("mlflow.tracking")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = client_module.MlflowClient(place)
        started = client.create_run(client.create_experiment("gpt"), run_name="small")
        for step in STEPS:
            client.log_metric(started.info.run_id, "train/loss", loss(step), step=step)
        client.set_terminated(started.info.run_id)
    return folder, "train/loss"


def mlflow_files(folder):
    return mlflow(folder / "mlruns", (folder / "mlruns").as_uri())


def mlflow_sqlite(folder):
    return mlflow(folder / "mlflow.db", f"sqlite:///{folder / 'mlflow.db'}")


WRITERS = [
    table, json_lines, parquet, gzipped, wandb_chart, wandb_history, lightning, trainer_state,
    megatron, nanogpt, tensorboard, mlflow_files, mlflow_sqlite,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_half_finished_run_is_forecast(write, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    path, metric = write(tmp_path)
    capsys.readouterr()
    call = ["forecast", str(path), "--metric", metric, "--at", f"step={END}", "--format", "json"]
    assert run(call) == 0
    (said,) = json.loads(capsys.readouterr().out)["forecasts"]
    assert said["value"] == pytest.approx(TRUTH, rel=0.01)
    assert said["lower"] < TRUTH < said["upper"]
    assert said["points"] >= 20


def test_the_planned_end_is_forecast_where_the_log_tells_it(tmp_path, capsys):
    for write in (trainer_state, megatron):
        path, metric = write(tmp_path)
        assert run(["forecast", str(path), "--metric", metric, "--format", "json"]) == 0
        (said,) = json.loads(capsys.readouterr().out)["forecasts"]
        assert said["at"] == {"step": END}
