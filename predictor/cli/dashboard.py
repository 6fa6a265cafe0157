"""The command ``predictor dashboard``: the pages, served to a browser."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from predictor.errors import InputError

if TYPE_CHECKING:
    from predictor.store.access import Access

_PACKAGE = Path(__file__).resolve().parent.parent
#: A wheel carries the pages inside the package; a clone has them beside it.
_PLACES = (_PACKAGE / "pages", _PACKAGE.parent / "dashboard")
#: One theme for a light and a dark page; the colours are those of Okabe and Ito.
_THEME = {
    "theme.light.primaryColor": "#0072B2",
    "theme.light.linkColor": "#005C90",
    "theme.dark.primaryColor": "#2B87C8",
    "theme.dark.linkColor": "#56B4E9",
    "theme.baseRadius": "small",
}
#: What a Streamlit configuration of the machine or of the folder must not loosen.
_CLOSED = {
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableAgentApi": False,
    "server.trustedUserHeaders": "{}",
    "server.fileWatcherType": "none",
    "server.showEmailPrompt": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "client.disableDataExport": True,
    "logger.enableRich": False,
    "runner.magicEnabled": False,
    # To look through all objects after every click takes longer than most pages.
    "runner.postScriptGC": False,
}
_LOCAL = ("localhost", "127.0.0.1", "::1")
_WORKSPACE = (
    "Folder that keeps uploads and forecasts.  [default: $PREDICTOR_WORKSPACE, else ~/.predictor]"
)
_DATABASE = (
    "Database URL instead of the folder's SQLite file: postgresql+psycopg://...  "
    "[default: $PREDICTOR_DATABASE, else SQLite]"
)
_SECRETS = (
    "TOML file with [auth] (OpenID Connect, as Streamlit reads it) and [predictor] (who may come "
    "in).  [default: none: everybody who reaches the address]"
)
_SEPARATE = "With --secrets: one workspace for all who come in, or one for each."
_UPLOAD = "Largest file that may be uploaded, in MB."
_NAMES = (
    "Another name by which browsers call this server; several times.  [default: with --secrets "
    "that of redirect_uri; those of localhost where --host is one of them; else any]"
)


@click.command("dashboard", short_help="Show me and my team.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--workspace", type=click.Path(file_okay=False, path_type=Path), help=_WORKSPACE)
@click.option("--database", metavar="URL", help=_DATABASE)
@click.option("--secrets", type=click.Path(dir_okay=False, path_type=Path), help=_SECRETS)
@click.option(
    "--workspaces", type=click.Choice(["shared", "user"]), default="shared", show_default=True,
    help=_SEPARATE,
)  # fmt: skip
@click.option(
    "--max-upload", type=click.IntRange(1, 2000), default=200, show_default=True, help=_UPLOAD
)
@click.option("--allowed-host", "allowed", metavar="NAME", multiple=True, help=_NAMES)
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="Open a browser.")
def command(
    port: int,
    host: str,
    workspace: Path | None,
    database: str | None,
    secrets: Path | None,
    workspaces: str,
    max_upload: int,
    allowed: tuple[str, ...],
    opens: bool,
) -> None:
    """Serve the pages until interrupted: upload logs, look at forecasts, come back tomorrow."""
    if find_spec("streamlit") is None:
        raise InputError("the dashboard needs Streamlit: pip install 'predictor[dashboard]'")
    access = _access(secrets, workspaces)
    _check_port(host, port)
    _check_workspace(workspace, database)
    _warn_of(host, secrets, access)
    given = {
        "PREDICTOR_WORKSPACE": workspace and str(workspace.resolve()),
        "PREDICTOR_DATABASE": database,
        "PREDICTOR_WORKSPACES": workspaces,
        "PREDICTOR_MAX_UPLOAD_MB": str(max_upload),
        "PREDICTOR_ACCESS": "login" if secrets else "open",
        "PREDICTOR_SECRETS": secrets and str(secrets.resolve()),
    }
    os.environ.update({name: value for name, value in given.items() if value})
    options = {
        "server.port": port, "server.address": host, "server.headless": not opens,
        "server.maxUploadSize": max_upload, **_CLOSED, **_THEME,
    }  # fmt: skip
    flags = _flags(options) + _access_flags(host, secrets, access, allowed)
    serving = [sys.executable, "-m", "predictor.cli.serving", "run", str(app_path())]
    os.execv(sys.executable, serving + flags)


def app_path() -> Path:
    """Return the script that Streamlit runs.

    Raises
    ------
    InputError
        If it is not there.
    """
    for place in _PLACES:
        if (place / "app.py").is_file():
            return place / "app.py"
    raise InputError(f"the pages are not at {_PLACES[0]}: install predictor again")


def _flags(options: Mapping[str, object]) -> list[str]:
    written = {k: str(v).lower() if isinstance(v, bool) else v for k, v in options.items()}
    return [f"--{name}={value}" for name, value in written.items()]


def _access(secrets: Path | None, workspaces: str) -> Access | None:
    """Return who may come in, None for everybody."""
    if secrets is None:
        if workspaces == "user":
            raise InputError(
                "--workspaces user needs --secrets: without a login there are no users"
            )
        return None
    from predictor.store.access import read_access

    return read_access(secrets)


def _warn_of(host: str, secrets: Path | None, access: Access | None) -> None:
    """Say what is unwise about who may come in."""
    if secrets is None or access is None:
        if not _is_local(host):
            _warn(f"--host {host} without --secrets: who reaches it may see and change everything")
        return
    if secrets.stat().st_mode & 0o007:
        _warn(f"--secrets {secrets}: other users of this machine can read it; chmod 600")
    if access.site.startswith("http:") and not _is_local(urlsplit(access.site).hostname or ""):
        _warn(f"--secrets {secrets}: redirect_uri without TLS: whoever listens can log in too")


def _warn(message: str) -> None:
    click.echo(f"predictor: warning: {message}", err=True)


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _access_flags(
    host: str, secrets: Path | None, access: Access | None, allowed: tuple[str, ...]
) -> list[str]:
    """Return what tells Streamlit who logs in where, and by which names it may be called.

    A page elsewhere whose name is made to lead here (DNS rebinding) calls it by its own.
    """
    site = (urlsplit(access.site).hostname or "") if access else ""
    names = [*allowed, *([site] if site else []), *([*_LOCAL, host] if _is_local(host) else [])]
    flags = [f"--server.allowedHosts={name}" for name in dict.fromkeys(names)]
    flags += [f"--secrets.files={secrets.resolve()}"] if secrets else []
    # Who opens this machine's pages by another of its names would log in under the first.
    return [*flags, f"--browser.serverAddress={site}"] if _is_local(site) else flags


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            reason = (error.strerror or "not possible").lower()
            raise InputError(f"--host {host} --port {port}: {reason}; choose another") from None


def _check_workspace(workspace: Path | None, database: str | None) -> None:
    """Open the workspace once, so that what is wrong with it is said here and not on a page."""
    from predictor.store.workspace import Workspace

    Workspace.open(workspace, database or os.environ.get("PREDICTOR_DATABASE"))
