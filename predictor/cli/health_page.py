"""What a person reads of a run's health."""

from __future__ import annotations

from predictor.cli.compare_page import comparison_text
from predictor.cli.output import printable, table_text
from predictor.curves.standings import Comparison
from predictor.health.checkpoint import CheckpointHealth
from predictor.health.early import EarlySignals
from predictor.health.limits import Limits
from predictor.health.run_health import RunHealth, RunReport
from predictor.report.words import warned_words

_MOST_ROWS = 12


def health_text(
    health: RunHealth | None,
    limits: list[Limits],
    compared: Comparison | None,
    weights: CheckpointHealth | None,
    chosen: list[str],
) -> str:
    """Return verdicts, spikes and events, early signals, limits, the comparison and weights."""
    parts = []
    if health is not None:
        parts += [_run(one) for one in health.runs]
        if health.early is not None:
            parts.append(_early(health.early))
    parts += [f"{printable(one.run)}: {one.verdict}\n{_shares(one)}" for one in limits]
    if compared is not None:
        parts.append(comparison_text(compared))
    if weights is not None:
        parts.append(_weights(weights))
    if chosen:
        names = "\n".join(f"  {printable(name)}" for name in chosen)
        parts.append(f"Fine-tune these, freeze the rest (least forgetting, KappaTune)\n{names}\n")
    return "\n".join(parts)


def _run(one: RunReport) -> str:
    lines = [f"{printable(one.run)}: {one.verdict} ({one.points:,} points)"]
    shown = sorted(one.spikes, key=lambda spike: -spike.height)[:_MOST_ROWS]
    lines += [
        f"  {one.axis} {spike.start:g} to {spike.end:g}  {spike.kind}  "
        f"{printable(spike.signal)} {spike.clean:.4g} to {spike.peak:.4g} (z {spike.height:.3g})"
        for spike in sorted(shown, key=lambda s: s.start)
    ]
    if len(one.spikes) > len(shown):
        lines.append(f"  and {len(one.spikes) - len(shown)} smaller ones")
    lines += [f"  {event.kind}: {printable(event.message)}" for event in one.events]
    lines += [
        f"  {printable(lead.signal)} rose {lead.steps:g} {one.axis}s before the loss, at "
        f"{lead.start:g}"
        for lead in one.leads[:_MOST_ROWS]
    ]
    if one.alarm is not None:
        lines.append(f"  seen first at {one.axis} {one.alarm:g}" + warned_words(one))
    if one.roll_back is not None:
        first, last = one.roll_back
        lines.append(f"  to roll back: to a checkpoint of step {first:g} to {last:g}")
    if one.clock is not None:
        lines.append(f"  training clock (rate x weight decay x steps): {one.clock:.3g}")
    for advice in one.advice:
        source = f" [{advice.source}]" if advice.source else ""
        lines.append(f"  advice, {advice.event}: {advice.text}{source}")
    return "\n".join(lines) + "\n"


def _early(early: EarlySignals) -> str:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("rank", justify="right")
    table.add_column("run")
    told = "expected" in early.runs
    for name in ("loss", "gradient norm", "score", *(("end", "expected") if told else ())):
        table.add_column(name, justify="right")
    for row in early.runs.to_dict("records"):
        cells = [str(row["rank"]), printable(str(row["run"])), f"{row['loss']:.4g}",
                 f"{row['grad_norm']:.4g}", f"{row['score']:.2f}"]  # fmt: skip
        if told:
            final = "" if row["final"] != row["final"] else f"{row['final']:.4g}"
            cells += [final, f"{row['expected']:.4g}"]
        table.add_row(*cells)
    where = f"{early.axis} {early.window[0]:.4g} to {early.window[1]:.4g}"
    lines = [f"Early signals, {where}: higher loss and lower gradient norm end better\n"
             f"{table_text(table)}"]  # fmt: skip
    if early.tau is not None:
        lines.append(
            f"Kendall's tau with the ends of past runs, each left out: {early.tau:.2f} "
            f"({early.lower:.2f} to {early.upper:.2f})"
        )
    if early.stop:
        lines.append(f"Stop: {', '.join(map(printable, early.stop))}")
    elif early.tau is not None:
        lines.append("Stop: none; the evidence does not carry it")
    return "\n".join(lines) + "\n"


def _shares(one: Limits) -> str:
    lines = []
    for part in one.shares:
        done = "finishing the plan" if part.part == "time" else f"doubling {part.part}"
        lines.append(
            f"  {part.part}: {100 * part.share:.0f} % ({100 * part.lower:.0f} to "
            f"{100 * part.upper:.0f}) of the reducible loss; {done} buys {part.doubling:.4f} "
            f"({part.doubling_lower:.4f} to {part.doubling_upper:.4f})"
        )
    return "\n".join(lines) + "\n"


def _weights(weights: CheckpointHealth) -> str:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("checkpoint")
    table.add_column("role")
    for name in ("tensors", "k", "lambda", "R2", "stable rank", "drift"):
        table.add_column(name, justify="right")
    for row in weights.by_role().to_dict("records"):
        numbers = [
            "" if row[c] != row[c] else f"{row[c]:.4g}"
            for c in ("k", "scale", "r_squared", "stable_rank", "drift")
        ]
        table.add_row(
            printable(row["checkpoint"]), row["role"], str(row["tensors"]), *numbers
        )  # fmt: skip
    last = weights.tensors[weights.tensors["checkpoint"] == weights.tensors["checkpoint"].iloc[-1]]
    lines = [f"Weights, medians by role (at initialisation k is 1.205)\n{table_text(table)}"]
    lines += [f"  {count} {band}" for band, count in last["band"].value_counts().items()]
    known = last.dropna(subset=["condition"])
    if len(known):
        lines.append("Condition number, least and largest of each shape")
        for shape, part in known.groupby("shape", sort=False):
            low = part.loc[part["condition"].idxmin()]
            high = part.loc[part["condition"].idxmax()]
            size = " x ".join(map(str, shape))
            lines.append(
                f"  {size} ({len(part)}): {low['condition']:.3g} {printable(low['tensor'])}, "
                f"{high['condition']:.3g} {printable(high['tensor'])}"
            )
    noted = last[~last["note"].isin(["", "a vector"])]
    lines += [
        f"  {printable(row['tensor'])}: {row['note']}"
        for row in noted.head(_MOST_ROWS).to_dict("records")
    ]
    return "\n".join(lines) + "\n"
