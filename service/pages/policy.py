"""Which paths are pages for people to look at, and the headers that every page has, one that tells of an error too."""

from __future__ import annotations

# Everything comes from here, and nothing in a page can run but the scripts that are files of ours.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {}"
)
EMBEDDED = "/embed"
PATHS = ("/", EMBEDDED)
BEGINNINGS = ("/events/", "/actors/", "/provinces/")


def is_page(path: str) -> bool:
    """Whether what is at a path, an error too, is shown to people rather than read by programs."""
    return path in PATHS or path.startswith(BEGINNINGS)


def page_headers(path: str) -> dict[str, str]:
    """The headers of the page at a path. Only the embedded one may stand in a frame of another page."""
    return {
        "Content-Security-Policy": _POLICY.format("*" if path == EMBEDDED else "'none'"),
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }
