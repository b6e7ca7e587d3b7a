"""A real browser and what it is shown: the system's Chromium, packages as npm has them, and a page on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, Route, sync_playwright

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def give_up(reason: str) -> NoReturn:
    """Skip what needs a browser, or another program of the system, or fail where these are required."""
    if os.environ.get("DATELINE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"DATELINE_REQUIRE_BROWSER is set: {reason}", pytrace=False)
    pytest.skip(reason)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of the system, without a window, which finds no host but this one."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        give_up("no chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        )
        try:
            yield browser
        finally:
            browser.close()


def npm_package(name: str, version: str, folder: Path) -> Path:
    """The files of a package of npm's, of this very version. Nothing in it is run."""
    _npm(folder, "pack", f"{name}@{version}", "--pack-destination", str(folder))
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def npm_install(folder: Path) -> None:
    """Put what the package.json of a folder names, and what that needs, beside it. Nothing in it is run."""
    _npm(folder, "install", "--no-audit", "--no-fund", "--no-package-lock")


def _npm(folder: Path, *arguments: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        give_up("npm is not installed")
    command = [npm, *arguments, "--ignore-scripts", "--loglevel=error"]
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=True)
    except subprocess.CalledProcessError as failed:
        give_up(f"npm {' '.join(arguments[:2])} fails: {failed.stderr.strip()[:300]}")
    except subprocess.TimeoutExpired:
        give_up(f"npm {' '.join(arguments[:2])} takes more than two minutes")


@contextmanager
def served(folder: Path, pages: Mapping[str, bytes]) -> Iterator[str]:
    """The address on loopback of a server of the pages, by their paths, and else of the files of a folder."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            content = pages.get(path)
            file = (folder / path.lstrip("/")).resolve()
            if content is None and file.is_relative_to(folder.resolve()) and file.is_file():
                content = file.read_bytes()
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", guess_type(path)[0] or "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what was asked for is seen in the browser."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Visit:
    """A page that is looked at: what went wrong in it, and what it asked for elsewhere and did not get."""

    def __init__(self, page: Page, *homes: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        self.elsewhere: list[str] = []
        self._known = (*(f"{home}/" for home in homes), "data:", "blob:")
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", self._dialog)
        page.on("requestfailed", self._failed)
        page.route("**/*", self._route)

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning", "assert"):
            self.troubles.append(f"{kind}: {text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _failed(self, request: Request) -> None:
        self.troubles.append(f"failed: {request.url} ({request.failure})")

    def _route(self, route: Route) -> None:
        url = route.request.url
        if url.startswith(self._known):
            route.continue_()
        else:
            self.elsewhere.append(url)
            route.abort()


@contextmanager
def visit(browser: Browser, home: str, path: str, *others: str) -> Iterator[Visit]:
    """The page at a path of a server that is home, which may ask other servers, in a context of its own."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    try:
        found = Visit(context.new_page(), home, *others)
        found.page.goto(f"{home}{path}")
        yield found
    finally:
        context.close()
