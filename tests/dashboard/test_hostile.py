"""Uploads that mean harm, through the page: refused in a line, or shown as text."""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from predictor.store.workspace import Workspace

MARKUP = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/x.png)",
    "[x](http://evil.example)",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(1)",
    ":red[x] $x$ `x`",
)
CHARTED = "<b>loss</b> ![x](http://evil.example/y.png)"


def archive(*files: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as kept:
        for name, content in files:
            kept.writestr(name, content)
    return target.getvalue()


def bomb() -> bytes:
    return archive(("zeros.csv", bytes(200 * 1024**2)))


def wide() -> bytes:
    names = ",".join(f"m{n}" for n in range(10**6))
    row = ",".join("1" for _ in range(10**6))
    return f"step,{names}\n0,{row}\n1,{row}\n".encode()


LOG = b"step,loss\n1,3\n2,2\n3,1.5\n"
HARM: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zip bomb": ("logs.zip", bomb),
    "path traversal": ("logs.zip", lambda: archive(("../../../evil.csv", LOG))),
    "absolute path": ("logs.zip", lambda: archive(("/tmp/evil.csv", LOG))),
    "a million columns": ("wide.csv", wide),
    "pickle": ("model.pkl", lambda: pickle.dumps({"loss": [1, 2]})),
    "pickle by another name": ("log.csv", lambda: pickle.dumps({"loss": [1, 2]})),
    "nothing in it": ("log.csv", lambda: b""),
    "no zip": ("logs.zip", lambda: b"PK\x03\x04 and no more"),
    "noise": ("log.jsonl", lambda: bytes(range(256)) * 40),
}


@pytest.mark.parametrize("kind", HARM)
def test_harm_is_refused_in_a_line(pages: Any, tmp_path: Path, kind: str) -> None:
    name, content = HARM[kind]
    folder = tmp_path / "workspace"
    app = pages.open(folder)
    app.file_uploader[0].upload(name, content()).run()
    assert not app.exception
    (error,) = app.error
    assert len(error.value.splitlines()) == 1
    assert len(error.value) < 400
    assert str(tmp_path) not in error.value
    with Workspace.open(folder) as workspace:
        assert workspace.uploads() == []
        assert workspace.verify() == []
    assert list(tmp_path.iterdir()) == [folder]


def hostile_log() -> bytes:
    quoted = [name.replace('"', '""') for name in MARKUP]
    rows = [
        f'"{name}",{step},{2 + 3 / step + 0.01 * k}'
        for k, name in enumerate(quoted)
        for step in range(1, 21)
    ]
    return (f'run,step,"{CHARTED}"\n' + "\n".join(rows) + "\n").encode()


def test_markup_in_names_is_text_on_every_page(pages: Any, tmp_path: Path) -> None:
    app = pages.open(tmp_path)
    app.file_uploader[0].upload("<u>a</u> ![x](http://evil.example/z.png).csv", hostile_log())
    app.run()
    assert not app.exception
    assert not app.error
    for page in ("home", "curves", "health", "gates", "runs", "trust"):
        pages.go(app, page)
        if page == "curves":
            (choice,) = app.multiselect
            choice.set_value(list(choice.options) and [str(n) for n in numbers(tmp_path)]).run()
        assert not app.exception
        for text in shown(app):
            bare = re.sub(r"\\.", "", text)
            assert "evil.example" not in bare, f"{page}: {text}"
            assert not re.search(r"<\w|!\[|\]\(|:red|\$", bare), f"{page}: {text}"


def numbers(folder: Path) -> list[int]:
    with Workspace.open(folder) as workspace:
        return [int(number) for number in workspace.runs()["id"]]


def shown(app: Any) -> list[str]:
    """Return what Streamlit reads as Markdown."""
    parts = [
        *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success,
        *app.title, *app.header, *app.subheader,
    ]  # fmt: skip
    labels = [each.label for each in (*app.expander, *app.button)]
    return [str(part.value) for part in parts] + labels
