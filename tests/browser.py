"""Pages in headless Chromium without a network: what they ask for and complain of is a failure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")

Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's own Chromium; skip the test where there is none."""
    found = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if found is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_playwright() as driver:
        # A container's root has no other way than without the sandbox; pages are our own.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page that is watched: leaving the block fails on errors, and on requests to anywhere.

    `path`: the HTML file that is shown. Only it, and what it holds itself (`data:`, `blob:`), may
    be asked for.
    """

    browser: Browser
    path: Path
    scheme: Scheme = "light"
    width: int = 1280
    height: int = 900
    complaints: list[str] = field(default_factory=list[str])
    context: BrowserContext | None = None

    def __enter__(self) -> Page:
        self.context = self.browser.new_context(
            color_scheme=self.scheme,
            viewport={"width": self.width, "height": self.height},
            offline=True,
        )
        page = self.context.new_page()
        page.on("console", lambda message: self._say(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("request", self._request)
        page.goto(self.path.resolve().as_uri())
        return page

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.context is not None
        self.context.close()
        if error is None and self.complaints:
            raise AssertionError("\n".join(self.complaints))

    def _say(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"console {kind}: {text}")

    def _request(self, request: Request) -> None:
        own = request.url.split("#")[0] == self.path.resolve().as_uri()
        if not own and not request.url.startswith(("data:", "blob:")):
            self.complaints.append(f"request to {request.url}")
