"""Who comes in: logging in with a real OpenID provider, and what a stranger's request gets."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from predictor.errors import InputError
from predictor.store.access import read_access
from predictor.store.workspace import Workspace

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
PROVIDER = ROOT / "tests" / "browser" / "provider"
LOG = "step,val_loss\n" + "".join(f"{i * 100},{2 + 3 / i**0.5:.6f}\n" for i in range(1, 12))
ALLOW = ["mira@example.org", "@lab.example.org"]
SECRETS = """[auth]
redirect_uri = "{site}/oauth2callback"
cookie_secret = "of these tests, and long enough for them"
client_id = "predictor"
client_secret = "the-secret-of-the-client"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
client_kwargs = {{ prompt = "login" }}

[predictor]
"""


@dataclass
class Guarded:
    """A dashboard behind a login, and its secrets file."""

    served: object
    secrets: Path
    head: str
    url: str

    def rule(self, **settings: object) -> None:
        """Write anew who may come in."""
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in settings.items()]
        self.secrets.write_text(self.head + "".join(lines))
        self.secrets.chmod(0o600)


def _port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextmanager
def provider(*sites: str) -> Iterator[str]:
    """Run the OpenID provider for these sites; give its address."""
    node = shutil.which("node")
    if node is None or not (PROVIDER / "node_modules" / "oidc-provider").is_dir():
        pytest.skip(f"no OpenID provider: npm ci --prefix {PROVIDER}")
    port = _port()
    process = subprocess.Popen(
        [node, "provider.mjs", str(port), *sites],
        cwd=PROVIDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def guarded(serve, browser, tmp_path_factory) -> Iterator[dict[str, Guarded]]:
    """Return two dashboards behind one provider: a workspace for each user, and one for all."""
    ports = {"user": _port(), "shared": _port()}
    sites = {kind: f"http://localhost:{port}" for kind, port in ports.items()}
    made = {}
    with provider(*sites.values()) as issuer:
        for kind, port in ports.items():
            secrets = tmp_path_factory.mktemp("secrets") / "secrets.toml"
            made[kind] = Guarded(
                None, secrets, SECRETS.format(site=sites[kind], issuer=issuer), sites[kind]
            )
            made[kind].rule(allow=ALLOW)
            options = ("--secrets", str(secrets), "--workspaces", kind)
            made[kind].served = serve(*options, port=port)
        for each in made.values():
            each.served.wait()
        yield made


@pytest.fixture
def visit(browser):
    """Return what opens a page for somebody who was never here before."""
    contexts = []

    def new():
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        contexts[-1].set_default_timeout(60_000)
        return contexts[-1].new_page()

    yield new
    for context in contexts:
        context.close()


def log_in(page, place: Guarded, account: str) -> None:
    page.goto(place.url)
    page.get_by_role("button", name="Log in").click()
    page.fill("input[name=login]", account)
    page.fill("input[name=password]", "any")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Log out").wait_for()


def log_out(page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.get_by_role("button", name="Log in").wait_for()


def upload(page, name: str, text: str = LOG) -> None:
    file = {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("input[type=file]").first.set_input_files([file])
    page.get_by_role("heading", name=f"{name}.csv", exact=True).wait_for()


def stands_outside(page) -> None:
    """Assert that nothing but the door is shown."""
    assert page.locator("[data-testid=stSidebarNav]").count() == 0
    assert page.locator("[data-testid=stFileUploader], [data-testid=stDataFrame]").count() == 0
    assert "kept" not in page.inner_text("body")


def names(folder: Path, owner: str) -> set[str]:
    with Workspace.open(folder, owner=owner) as workspace:
        return set(workspace.runs()["name"])


def test_two_users_at_once_each_with_a_workspace(guarded, visit):
    place = guarded["user"]
    mira, ken = visit(), visit()
    log_in(mira, place, "mira")
    log_in(ken, place, "ken")
    upload(mira, "kept-by-mira")
    ken.goto(place.url)
    ken.get_by_text("First upload a log, or load the examples").wait_for()
    assert "kept-by-mira" not in ken.text_content("body")
    upload(ken, "kept-by-ken")
    mira.goto(f"{place.url}/runs")
    mira.get_by_text("kept-by-mira.csv").first.wait_for(state="attached")
    # Cells of a table are drawn; their text stands hidden beside.
    assert "kept-by-ken" not in mira.text_content("body")
    assert "mira@example.org" in mira.inner_text("[data-testid=stSidebar]")
    assert names(place.served.workspace, "mira@example.org") == {"kept-by-mira"}
    assert names(place.served.workspace, "ken@lab.example.org") == {"kept-by-ken"}
    assert names(place.served.workspace, "") == set()


def test_a_shared_workspace_is_seen_by_all_and_what_one_typed_by_none_else(guarded, visit):
    place = guarded["shared"]
    mira, ken = visit(), visit()
    log_in(mira, place, "mira")
    log_in(ken, place, "ken")
    upload(mira, "kept-by-mira")
    for page in (mira, ken):
        page.goto(f"{place.url}/runs")
        page.get_by_text("kept-by-mira.csv").first.wait_for(state="attached")
    mira.get_by_label("Filter by name, group or tag").fill("only mira types this")
    mira.keyboard.press("Enter")
    mira.wait_for_url("**/runs?filter=*")
    ken.get_by_role("button", name="Log out").wait_for()
    assert ken.get_by_label("Filter by name, group or tag").input_value() == ""
    assert names(place.served.workspace, "") == {"kept-by-mira"}


REFUSED = {
    "unverified": "mira@example.org is not verified",
    "unmarked": "does not say whether mira@example.org is verified",
    "nameless": "gives no e-mail address",
    "outsider": "outsider@lab.example.org.example.com is not on the list",
}


def test_who_is_not_let_in_is_told_why_sees_nothing_and_can_log_out(guarded, visit):
    page, place = visit(), guarded["shared"]
    for account, reason in REFUSED.items():
        page.context.clear_cookies()
        log_in(page, place, account)
        assert reason in page.inner_text("[data-testid=stAlert]")
        stands_outside(page)
    page.goto(f"{place.url}/runs")
    page.get_by_text(reason).wait_for()
    stands_outside(page)
    log_out(page)


def test_logging_out_ends_access(guarded, visit):
    place, page = guarded["shared"], visit()
    log_in(page, place, "mira")
    upload(page, "kept-until-the-end")
    log_out(page)
    assert not {c["name"] for c in page.context.cookies()} & {"_streamlit_user"}
    page.goto(f"{place.url}/runs")
    page.get_by_role("button", name="Log in").wait_for()
    stands_outside(page)


def test_changes_of_the_list_hold_at_the_next_click(guarded, visit):
    place, page = guarded["user"], visit()
    log_in(page, place, "mira")
    runs = page.get_by_role("link", name="Runs", exact=True)
    try:
        place.rule(allow=["@lab.example.org"])
        runs.click()
        page.get_by_text("mira@example.org is not on the list").wait_for()
        stands_outside(page)
        for settings, said in (
            ({"allow": ALLOW, "hours": 0.0001}, "has lasted its time"),
            ({"allow": "mira@example.org"}, "Nobody can come in now"),
            ({}, "Nobody can come in now"),
        ):
            place.rule(**settings)
            page.goto(f"{place.url}/runs")
            page.get_by_text(said).wait_for()
            stands_outside(page)
            assert "secrets.toml" not in page.inner_text("body")
        assert "allow must list who may come in" in place.served.log.read_text()
    finally:
        place.rule(allow=ALLOW)
    page.goto(f"{place.url}/runs")
    page.locator("[data-testid=stSidebarNav]").wait_for()


def said(port: int, page: str, *, host: str = "localhost", token: str = "", **headers: str) -> str:
    """Return all that the server says to who asks for a page over a websocket of their own."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    ask = BackMsg()
    ask.rerun_script.page_name = page
    parts = []
    with connect(
        f"ws://{host}:{port}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port)),
        subprotocols=["streamlit", *([token] if token else [])],
        additional_headers=headers,
        max_size=None,
        proxy=None,
    ) as line:
        line.send(ask.SerializeToString())
        while True:
            message = ForwardMsg.FromString(line.recv(timeout=60))
            parts.append(str(message))
            if message.WhichOneof("type") == "script_finished":
                return "\n".join(parts)


@pytest.mark.parametrize("page", ["", "runs", "curves", "trust"])
def test_a_websocket_without_a_login_gets_the_door_only(page, guarded):
    found = said(guarded["shared"].served.port, page)
    assert 'label: "Log in"' in found
    for inside in ("kept", "file_uploader", "arrow_data_frame", "Upload logs"):
        assert inside not in found


@pytest.mark.parametrize(
    ("secret", "origin", "inside"),
    [("", "", True), ("a guess of the secret of the cookies", "", False),
     ("", "http://localhost:9", False)],
)  # fmt: skip
def test_a_forged_cookie_gets_nobody_in(secret, origin, inside, guarded):
    from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

    place = guarded["shared"]
    claims = {
        "email": "mira@example.org", "email_verified": True, "iat": time.time(),
        "is_logged_in": True, "origin": origin or place.url,
    }  # fmt: skip
    right = re.search('cookie_secret = "(.*)"', SECRETS)[1]
    user = create_signed_value(secret or right, "_streamlit_user", json.dumps(claims)).decode()
    token = xsrf_token(place.served.port)
    cookie = f"_streamlit_user={user}; _streamlit_xsrf={token}"
    found = said(place.served.port, "", token=token, Origin=place.url, Cookie=cookie)
    assert ("Upload logs" in found) == inside
    assert ('label: "Log in"' in found) != inside


def xsrf_token(port: int) -> str:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request("GET", "/_stcore/health")
    token = re.search(r"_streamlit_xsrf=([^;]+)", line.getresponse().headers["Set-Cookie"])[1]
    line.close()
    return token


@pytest.fixture(scope="module")
def alone(serve):
    """Return a dashboard as one starts it for oneself."""
    return serve("--allowed-host", "predictor.example.org").wait()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "predictor.example.org"])
def test_known_names_are_answered(host, alone):
    found = said(alone.port, "", host=host)
    assert "Upload logs" in found
    assert 'label: "Log in"' not in found


@pytest.mark.parametrize(
    ("host", "origin"),
    [("rebound.example.com", "http://rebound.example.com"), ("localhost", "http://example.com")],
)
def test_pages_from_elsewhere_are_refused(host, origin, alone):
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus, match="403"):
        said(alone.port, "", host=host, Origin=f"{origin}:{alone.port}")
    log = alone.log.read_text()
    assert f"origin={origin}" in log
    assert "external IP" not in log  # nor was the internet asked who this machine is


def _put(port: int, **headers: str) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\na\r\n--x--\r\n'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    line.request("PUT", "/_stcore/upload_file/session/file", body, {**kind, **headers})
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    assert ("XSRF" in text) == (answer.status == 403)
    return answer.status


def test_an_upload_needs_the_token_of_its_page(alone):
    token = xsrf_token(alone.port)
    cookie = f"_streamlit_xsrf={token}"
    assert _put(alone.port) == 403
    assert _put(alone.port, Cookie=cookie) == 403
    assert _put(alone.port, Cookie=cookie, **{"X-Xsrftoken": token[:-12] + "0" * 12}) == 403
    assert _put(alone.port, Cookie=cookie, **{"X-Xsrftoken": token}) == 400  # no such session


def in_docs(language: str) -> str:
    """Return the first block of a language on the dashboard's page."""
    text = (ROOT / "docs" / "dashboard.md").read_text(encoding="utf-8")
    return re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)[1]


@contextmanager
def nginx(folder: Path, port: int, pages: int) -> Iterator[None]:
    """Run nginx as the page says, on another port and with a certificate of its own."""
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("no nginx or openssl: install Debian's packages of these names")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=predictor.example.org", "-keyout", "key", "-out", "pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    shown = in_docs("nginx")
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/predictor.pem", str(folder / "pem")),
        ("/etc/ssl/predictor.key", str(folder / "key")),
        ("127.0.0.1:8501", f"127.0.0.1:{pages}"),
    ):
        assert shown.count(old) == 1
        shown = shown.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    who = "user root;\n" if os.geteuid() == 0 else ""  # its workers keep uploads in the folder
    (folder / "conf").write_text(
        f"{who}daemon off; pid {folder}/pid; error_log {folder}/log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{shown}\n}}\n"
    )
    process = subprocess.Popen(["nginx", "-c", str(folder / "conf"), "-e", str(folder / "log")])
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.slow
def test_the_page_s_own_nginx_in_front(serve, browser, tmp_path):
    site, pages, port = "https://predictor.example.org", _port(), _port()
    with provider(site) as issuer, nginx(tmp_path, port, pages):
        place = Guarded(
            None, tmp_path / "secrets.toml", SECRETS.format(site=site, issuer=issuer), site
        )
        place.rule(allow=ALLOW)
        place.served = serve("--secrets", str(place.secrets), port=pages).wait()
        to_nginx = f"--host-resolver-rules=MAP predictor.example.org:443 127.0.0.1:{port}"
        chromium = browser.browser_type.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", to_nginx]
        )
        page = chromium.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(60_000)
        log_in(page, place, "mira")
        big = LOG.replace("\n", "0" * 200_000 + "\n").replace(
            "val_loss" + "0" * 200_000, "val_loss"
        )
        assert len(big) > 2_000_000  # twice what nginx lets through by itself
        upload(page, "kept-behind-nginx", big)
        assert names(place.served.workspace, "") == {"kept-behind-nginx"}
        log_out(page)
        assert page.url.startswith(site)
        chromium.close()


def test_the_page_s_own_secrets_file_lacks_the_secret_only(tmp_path):
    path = tmp_path / "secrets.toml"
    path.write_text(in_docs("toml"))
    with pytest.raises(InputError, match="cookie_secret"):
        read_access(path)
    path.write_text(in_docs("toml").replace('cookie_secret = ""', f'cookie_secret = "{"s" * 48}"'))
    access = read_access(path)
    assert (access.unmarked, access.hours) == (False, 24.0)
    assert access.site == "https://predictor.example.org"
