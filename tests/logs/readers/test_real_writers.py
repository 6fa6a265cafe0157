"""Logs written by the training libraries themselves: heavy, so only with ``-m slow``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from predictor.logs import RunLog, read_logs

# The libraries' own deprecations are theirs to mend.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

STEPS = 12


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


def read(path: Path) -> RunLog:
    log = read_logs(path)
    assert isinstance(log, RunLog)
    return log


@pytest.mark.parametrize("new_style", [False, True])
def test_a_summary_writer_of_torch(torch: Any, tmp_path: Path, new_style: bool) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "small")) as writer:
        for step in range(STEPS):
            writer.add_scalar("train/loss", 2.0 / (step + 1), step, new_style=new_style)
            writer.add_scalar("train/lr", 0.5, step, new_style=new_style)
        writer.add_histogram("weights", torch.arange(10), 0)
        writer.add_text("note", "hello", 0)
        writer.add_scalars("both", {"train": 1.0, "valid": 2.0}, 0)
    log = read(tmp_path)
    curve = log.curve("small", "train/loss")
    assert list(curve["step"]) == list(range(STEPS))
    assert list(curve["value"]) == pytest.approx([2.0 / (step + 1) for step in range(STEPS)])
    assert set(curve["lr"]) == {0.5}
    assert any("weights" in finding.message for finding in log.findings)


def test_hyperparameters_of_torch(torch: Any, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "small")) as writer:
        settings = {"batch_size": 16, "optimizer": "adam", "nesterov": True}
        writer.add_hparams(settings, {"hparam/loss": 1.5}, run_name=".")
    log = read(tmp_path / "small")
    (facts,) = log.runs.to_dict("records")
    assert (facts["batch_size"], facts["optimizer"], facts["nesterov"]) == (16, "adam", True)
    assert list(log.curve(facts["run"], "hparam/loss")["value"]) == [1.5]


def _train_with_lightning(torch: Any, loggers: list[Any], folder: Path) -> None:
    lightning = pytest.importorskip("pytorch_lightning")

    class Line(lightning.LightningModule):
        def __init__(self, width: int = 3) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(width, 1)

        def loss(self, batch: Any) -> Any:
            return self.layer(batch).square().mean()

        def training_step(self, batch: Any, _: int) -> Any:
            loss = self.loss(batch)
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    torch.manual_seed(0)
    data = torch.utils.data.DataLoader(torch.randn(16, 3), batch_size=4)
    trainer = lightning.Trainer(
        max_epochs=3,
        logger=loggers,
        log_every_n_steps=1,
        accelerator="cpu",
        default_root_dir=str(folder),
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Line(), data, data)


def test_the_csv_logger_of_lightning(torch: Any, tmp_path: Path) -> None:
    loggers = pytest.importorskip("pytorch_lightning.loggers")
    _train_with_lightning(torch, [loggers.CSVLogger(str(tmp_path), "small")], tmp_path)
    log = read(tmp_path)
    (run,) = log.run_names
    assert list(log.runs["format"]) == ["lightning"]
    assert list(log.curve(run, "train_loss")["step"]) == list(range(12))
    assert list(log.curve(run, "val_loss")["step"]) == [3, 7, 11]
    assert list(log.runs["width"]) == [3]


def test_the_tensorboard_logger_of_lightning(torch: Any, tmp_path: Path) -> None:
    loggers = pytest.importorskip("pytorch_lightning.loggers")
    pytest.importorskip("tensorboard")
    _train_with_lightning(torch, [loggers.TensorBoardLogger(str(tmp_path), "small")], tmp_path)
    log = read(tmp_path)
    (run,) = log.run_names
    assert list(log.curve(run, "train_loss")["step"]) == list(range(12))
    assert list(log.curve(run, "val_loss")["step"]) == [3, 7, 11]
    assert list(log.curve(run, "val_loss")["epoch"]) == [0, 1, 2]
    assert list(log.runs["width"]) == [3]


def test_a_trainer_state_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    state = transformers.TrainerState(max_steps=40, global_step=20, total_flos=1e12)
    state.log_history = [
        {"loss": 3.0, "learning_rate": 1e-4, "epoch": 0.5, "step": 10},
        {"loss": float("nan"), "learning_rate": 5e-5, "epoch": 1.0, "step": 20},
        {"eval_loss": 3.25, "epoch": 1.0, "step": 20},
    ]
    state.save_to_json(str(tmp_path / "trainer_state.json"))
    log = read(tmp_path / "trainer_state.json")
    assert set(log.metrics) == {"loss", "learning_rate", "eval_loss"}
    assert list(log.runs["flops"]) == [1e12]
    assert any(finding.code == "PRED001" for finding in log.findings)


def test_a_run_of_the_trainer(torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    # This repository's folder `datasets` is no Hugging Face library, though its name says so.
    monkeypatch.setattr("transformers.trainer.is_datasets_available", lambda: False)
    folder = tmp_path / "tiny-model"
    sizes = {"n_layer": 1, "n_head": 2, "n_embd": 8, "vocab_size": 16, "n_positions": 8}
    sizes |= {"bos_token_id": 0, "eos_token_id": 0}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes))
    tokens = torch.randint(0, 16, (32, 8), generator=torch.Generator().manual_seed(0))
    rows = [{"input_ids": row, "labels": row} for row in tokens]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder),
        max_steps=STEPS,
        per_device_train_batch_size=4,
        logging_steps=2,
        save_steps=6,
        eval_strategy="steps",
        eval_steps=6,
        include_num_input_tokens_seen="all",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = transformers.Trainer(model, arguments, train_dataset=rows, eval_dataset=rows[:8])
    trainer.train()
    log = read(folder)
    assert log.run_names == ["tiny-model"]
    loss = log.curve("tiny-model", "loss")
    assert list(loss["step"]) == [2, 4, 6, 8, 10, 12]
    assert loss["lr"].notna().all()
    assert list(loss["tokens"]) == [step * 4 * 8 for step in loss["step"]]
    assert list(log.curve("tiny-model", "eval_loss")["step"]) == [6, 12]
    assert list(log.curve("tiny-model", "eval_loss")["tokens"]) == [192, 384]
    assert any("checkpoint-12 holds" in finding.message for finding in log.findings)
    assert log.runs["flops"].iloc[0] > 0
