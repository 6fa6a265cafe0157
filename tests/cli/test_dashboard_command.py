"""``predictor dashboard``: what is wrong is said in one line before anything is served."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from predictor.cli import run

SECRETS = """
[auth]
redirect_uri = "{site}/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "predictor"
client_secret = "a secret"
server_metadata_url = "https://login.example.org/.well-known/openid-configuration"
[predictor]
allow = ["@example.org"]
"""


@pytest.fixture
def secrets(tmp_path):
    path = tmp_path / "secrets.toml"
    path.write_text(SECRETS.format(site="https://predictor.example.org"))
    path.chmod(0o600)
    return path


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Return what a call would start, in place of starting it: program, flags, environment."""
    pytest.importorskip("streamlit")
    before = dict(os.environ)
    calls = []

    class Started(Exception):
        pass

    def instead(program, arguments):
        calls.append(arguments[1:])
        raise Started

    monkeypatch.setattr(os, "execv", instead)
    monkeypatch.setattr(sys, "argv", ["predictor", "dashboard"])
    monkeypatch.setenv("PREDICTOR_DEBUG", "1")

    def call(*arguments):
        with pytest.raises(Started):
            run(["dashboard", "--workspace", str(tmp_path / "here"), "--port", _free(), *arguments])
        return calls[-1], {k: v for k, v in os.environ.items() if k.startswith("PREDICTOR_")}

    yield call
    os.environ.clear()
    os.environ.update(before)


def _free() -> str:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return str(trial.getsockname()[1])


def refused(capsys, tmp_path, *arguments) -> str:
    pytest.importorskip("streamlit")
    status = run(["dashboard", "--workspace", str(tmp_path / "here"), *map(str, arguments)])
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    (line,) = printed.err.splitlines()
    assert line.startswith("predictor: ")
    return line


def hosts(flags) -> list[str]:
    start = "--server.allowedHosts="
    return [flag.removeprefix(start) for flag in flags if flag.startswith(start)]


def test_a_port_that_is_taken(capsys, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(capsys, tmp_path, "--port", port)
    assert f"--port {port}" in line
    assert "in use; choose another" in line


def test_an_address_of_another_machine(capsys, tmp_path):
    assert "--host 192.0.2.1" in refused(capsys, tmp_path, "--host", "192.0.2.1")


def test_secrets_that_are_not_there_or_say_nothing_of_logging_in(capsys, tmp_path):
    assert "no such file" in refused(capsys, tmp_path, "--secrets", tmp_path / "none.toml")
    (tmp_path / "empty.toml").write_text("")
    assert "no [auth]" in refused(capsys, tmp_path, "--secrets", tmp_path / "empty.toml")


def test_workspaces_for_users_who_do_not_log_in(capsys, tmp_path):
    assert "needs --secrets" in refused(capsys, tmp_path, "--workspaces", "user")


def test_a_workspace_that_cannot_be_opened(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    line = refused(capsys, tmp_path, "--port", _free(), "--workspace", tmp_path / "file" / "below")
    assert str(tmp_path / "file") in line
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "predictor.db").write_bytes(b"not a database, by any means " * 50)
    assert "predictor.db" in refused(
        capsys, tmp_path, "--port", _free(), "--workspace", tmp_path / "broken"
    )


def test_on_localhost_only_its_names_are_answered_and_all_that_protects_is_on(started, capsys):
    flags, environment = started()
    assert set(hosts(flags)) == {"localhost", "127.0.0.1", "::1"}
    assert {
        "--server.address=127.0.0.1", "--server.enableXsrfProtection=true",
        "--server.enableCORS=true", "--server.enableAgentApi=false",
        "--server.trustedUserHeaders={}", "--client.showErrorDetails=none",
        "--browser.gatherUsageStats=false", "--server.maxUploadSize=200",
    } <= set(flags)  # fmt: skip
    assert environment["PREDICTOR_ACCESS"] == "open"
    assert capsys.readouterr().err == ""


def test_open_to_others_without_a_login_is_warned_of_in_one_line(started, capsys):
    flags, _ = started("--host", "0.0.0.0")
    assert hosts(flags) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("predictor: warning: --host 0.0.0.0 without --secrets")
    flags, _ = started("--host", "0.0.0.0", "--allowed-host", "predictor.example.org")
    assert hosts(flags) == ["predictor.example.org"]


def test_with_a_login_the_name_of_the_site_is_answered(started, secrets, capsys):
    flags, environment = started("--secrets", str(secrets), "--workspaces", "user")
    assert set(hosts(flags)) == {"predictor.example.org", "localhost", "127.0.0.1", "::1"}
    assert f"--secrets.files={secrets}" in flags
    assert environment["PREDICTOR_ACCESS"] == "login"
    assert environment["PREDICTOR_WORKSPACES"] == "user"
    assert environment["PREDICTOR_SECRETS"] == str(secrets)
    assert capsys.readouterr().err == ""


def test_secrets_that_others_can_read_and_sites_without_tls_are_warned_of(started, secrets, capsys):
    secrets.write_text(SECRETS.format(site="http://predictor.example.org"))
    secrets.chmod(0o644)
    started("--secrets", str(secrets))
    readable, clear = capsys.readouterr().err.splitlines()
    assert "chmod 600" in readable
    assert "without TLS" in clear
