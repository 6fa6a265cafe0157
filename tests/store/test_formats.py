"""Real logs of every format: what a workspace gives back is what reading them directly gives."""

from __future__ import annotations

import csv
import io
import zipfile

import pandas as pd
import pytest

from predictor.logs.reading import read_kinds
from predictor.store.uploading import given_files
from predictor.store.workspace import Workspace


@pytest.fixture(scope="module")
def logs(request):
    """Return the real logs whose content is known, by name."""
    folder = request.getfixturevalue("shared_data") / "sample-logs"
    with (folder / "EXPECTED.tsv").open(encoding="utf-8", newline="") as stream:
        names = {row["file"] for row in csv.DictReader(stream, delimiter="\t")}
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    return [*(folder / name for name in sorted(names)), *folders]


def zipped(path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for given in given_files([path]):
            archive.writestr(given.name, given.content.read_bytes())
    return content.getvalue()


def tidy(points: pd.DataFrame) -> pd.DataFrame:
    return points.sort_values(list(points.columns), ignore_index=True)


def test_logs_of_every_format_come_back_as_they_are_read(logs, tmp_path):
    with Workspace.open(tmp_path) as workspace:
        for path in logs:
            direct = read_kinds(path)
            upload = workspace.add_paths([path])
            assert set(direct) <= set(upload.kinds), path.name
            if "runs" in direct:
                kept = workspace.log(upload.runs)
                assert set(kept.run_names) == set(direct["runs"].run_names), path.name
                same = (tidy(kept.points), tidy(direct["runs"].points))
                pd.testing.assert_frame_equal(*same, obj=path.name)
            if "items" in direct:
                items = workspace.item_log(upload.id).items
                pd.testing.assert_frame_equal(items, direct["items"].items, check_dtype=False)
            packed = workspace.add([(f"{path.name}.zip", zipped(path))])
            assert packed.id == upload.id, path.name
        assert len(set(workspace.runs()["format"])) >= 9
        assert workspace.verify() == []
