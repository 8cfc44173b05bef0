"""The watcher of pages complains of what a page must not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Watched
from playwright.sync_api import Browser


def test_a_quiet_page_passes(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "quiet.html"
    path.write_text(
        "<title>Quiet</title><img alt='' src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
    )
    with Watched(browser, path) as page:
        assert page.title() == "Quiet"


@pytest.mark.parametrize(
    ("markup", "complaint"),
    [
        ("<script>console.error('broken')</script>", "console error: broken"),
        ("<script>missing()</script>", "exception: missing is not defined"),
        ("<img alt='' src='http://localhost/pixel.gif'>", "request to http://localhost/pixel.gif"),
        ("<link rel='stylesheet' href='other.css'>", "request to file:///.*/other.css"),
    ],
)
def test_a_page_that_fails_or_asks_is_found(
    browser: Browser, tmp_path: Path, markup: str, complaint: str
) -> None:
    path = tmp_path / "page.html"
    path.write_text(markup)
    with pytest.raises(AssertionError, match=complaint), Watched(browser, path):
        pass
