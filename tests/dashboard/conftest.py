"""Pages run without a browser; one workspace with the bundled examples serves a whole module."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from predictor.store.workspace import Workspace

FOLDER = Path(__file__).resolve().parents[2] / "dashboard"
EXAMPLES = ("mlp_runs", "mlp_scaling", "mlp_ladder", "text_compression", "response_strategies")


class Pages:
    """The pages of the dashboard over a workspace."""

    names = (
        "home", "runs", "curves", "scaling", "benchmarks", "capacity", "responses", "health",
        "gates", "trust",
    )  # fmt: skip
    folder = FOLDER

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def open(self, workspace: Path, page: str = "home", **query: str) -> Any:
        """Run a page over a workspace, its address ending in a query."""
        from streamlit.testing.v1 import AppTest

        self._patch.setenv("PREDICTOR_WORKSPACE", str(workspace))
        app = AppTest.from_file(str(FOLDER / "app.py"), default_timeout=120)
        if page == "home":
            app.query_params.update(query)
        app.run()
        return app if page == "home" else self.go(app, page, **query)

    def go(self, app: Any, page: str, **query: str) -> Any:
        """Go to another page in the same session."""
        app.query_params.update(query)
        return app.switch_page(f"app_pages/{page}.py").run()

    def words(self, app: Any) -> str:
        """Return all that a page says in words."""
        parts = [
            *app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info,
            *app.error, *app.warning, *app.success,
        ]  # fmt: skip
        return "\n".join(str(part.value) for part in parts)

    def charts(self, app: Any) -> list[Any]:
        """Return the charts on a page."""
        return list(app.get("vega_lite_chart"))


@pytest.fixture(autouse=True, scope="module")
def own_main() -> Iterator[None]:
    """Give back ``__main__``, which a page takes for itself: other processes are begun from it."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    """Return the pages; what they keep in memory is forgotten after the module."""
    streamlit = pytest.importorskip("streamlit", reason="the pages need Streamlit")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name in ("PREDICTOR_DATABASE", "PREDICTOR_ACCESS", "PREDICTOR_WORKSPACES"):
            patch.delenv(name, raising=False)
        yield Pages(patch)
    streamlit.cache_resource.clear()
    streamlit.cache_data.clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "panels"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with one bundled data set of each kind."""
    folder = tmp_path_factory.mktemp("examples")
    with Workspace.open(folder) as workspace:
        for name in EXAMPLES:
            workspace.add_bundled(name)
    return folder
