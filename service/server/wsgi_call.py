"""Turns a request that came over ASGI into the call of a WSGI application (PEP 3333), and its answer into bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from service.server.asgi import Scope

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# What is the same in every request. Its body is all there when the application is called, so reading it ends by itself.
SAME: Environ = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
DEFAULT_PORTS = {"http": "80", "https": "443"}
BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered: what is ready of its body, and the chunks that follow, None where it is whole.

    ``close`` is to be called at the end of an answer that is not whole, and has been called for one that is.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    rest: Iterator[bytes] | None
    close: Callable[[], None]


def environ_of(scope: Scope) -> Environ:
    """The environment of a request, but for ``wsgi.input``."""
    path: bytes = scope["raw_path"]
    query = scope["query_string"].decode("latin-1")
    uri = path.decode("latin-1") + ("?" + query if query else "")
    environ = {
        **SAME,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": uri,
        "REQUEST_URI": uri,
        # The server writes HTTP/1.0 as 1.
        "SERVER_PROTOCOL": "HTTP/1.0" if scope["http_version"] == "1" else "HTTP/" + scope["http_version"],
        "REMOTE_ADDR": scope["client"][0],
        "REMOTE_PORT": str(scope["client"][1]),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
    }
    for name, value in scope["headers"]:
        key = _variable(name)
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ", ") + value.decode("latin-1")
        elif key:
            environ[key] = value.decode("latin-1")
    if not environ.get("HTTP_HOST"):
        # The server makes up an empty one where the client sent none.
        environ.pop("HTTP_HOST", None)
    environ["SERVER_NAME"], environ["SERVER_PORT"] = _server(scope, environ.get("HTTP_HOST", ""))
    return environ


@lru_cache(maxsize=512)
def _variable(name: bytes) -> str:
    """The variable of a header; empty for a name with an underscore, lest it pass for the one with a hyphen."""
    if b"_" in name:
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key


def _server(scope: Scope, host: str) -> tuple[str, str]:
    """The name and port under which the client called: those of its Host, else the address that it reached."""
    if not host:
        return scope["server"][0], str(scope["server"][1])
    name, _, port = host.rpartition(":")
    return (name, port) if name and port.isdigit() else (host, DEFAULT_PORTS[scope["scheme"]])


def call(application: Application, environ: Environ) -> Answer:
    """Call the application, and its answer's body up to the first bytes.

    An answer is whole where the first bytes are as many as its Content-Length says, or where it has no body. Raises
    what the application raises.
    """
    begun: list[tuple[int, list[tuple[bytes, bytes]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        begun[:] = [(int(status[:3]), encoded)]
        return written.append

    chunks = application(environ, start_response)
    close: Callable[[], None] = getattr(chunks, "close", _nothing)
    try:
        rest = filter(None, chunks)
        first = next(rest, None)
        body = b"".join([*written, first or b""])
        [(status, headers)] = begun
        if environ["REQUEST_METHOD"] == "HEAD" or status in BODILESS:
            answer = Answer(status, headers, b"", None, _nothing)
        elif first is None or (b"content-length", str(len(body)).encode()) in headers:
            answer = Answer(status, headers, body, None, _nothing)
        else:
            return Answer(status, headers, body, rest, close)
    except BaseException:
        close()
        raise
    close()
    return answer


def next_chunk(rest: Iterator[bytes]) -> bytes | None:
    """The next chunk of an answer that is not whole; None at its end. Raises what the application raises."""
    return next(rest, None)


def plain(status: int, text: str) -> Answer:
    """An answer of the server's own, in words, for what the application has no say in."""
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    return Answer(status, headers, body, None, _nothing)


def _nothing() -> None:
    pass
