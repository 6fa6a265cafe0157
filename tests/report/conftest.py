"""A headless Chromium for the pages that reports are."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def chromium(browser: Any) -> Any:
    """Return the browser."""
    return browser
