"""The command line: one file a command, thin: parse, call, print."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from predictor._version import __version__
from predictor.errors import PredictorError

_COMMANDS = (
    "inspect", "forecast", "plan", "compare", "scaling", "downstream", "capacity", "align",
    "health", "backtest", "gate", "report", "store", "dashboard", "demo",
)  # fmt: skip


class _Commands(click.Group):
    """Loads a command's module when it is called for, as its imports cost time."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"predictor.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS:
            raise click.UsageError(f"no command '{args[0]}'; there are {', '.join(_COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="predictor")
def cli() -> None:
    r"""Forecast training runs from the logs you already have.

    Every answer is a number with an interval, the reason for it, and a warning where it should not
    be trusted.

    \b
    Exit status: 0 done; 1 a gate failed; 2 the call or the input is wrong;
    3 what was asked cannot be forecast from this data; 4 an internal error.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run the command line; return the exit status. Errors are one line on stderr."""
    try:
        status = cli.main(args, prog_name="predictor", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return int(leave.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0 if args == [] or len(sys.argv) <= 1 else 2
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except PredictorError as error:
        return _fail(str(error), error.exit_status)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader went away (`| head`); keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("PREDICTOR_DEBUG"):
            raise
        kind = type(error).__name__
        return _fail(f"internal error ({kind}: {error}); PREDICTOR_DEBUG=1 shows where", 4)
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int) -> int:
    one_line = " ".join(message.split())
    click.echo(f"predictor: {one_line}", err=True)
    return status
