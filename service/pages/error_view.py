"""What is shown of an error on the pages for people: what happened, and what to do now, without words of programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.pages.choice_view import choices
from service.pages.policy import EMBEDDED

# What to do about each kind of problem; the others are for programs, which never see this page.
ADVICE: Mapping[str, str] = {
    "bad-request": "The address cannot be read. Begin with the timeline.",
    "unauthorized": "Whoever runs this service lets only holders of a key read it. Programs send their key with each "
    "request; a browser has no way to, unless somebody puts one in front of this service that adds it.",
    "forbidden": "The key that came with the request does not allow this. Ask whoever runs the service for another.",
    "not-found": "The address may be misspelt, or what was here has another name now.",
    "method-not-allowed": "This address is for looking at. Changes are made by programs, under /v1.",
    "gone": "What was here was deleted. Its history is kept.",
    "validation": "Something in the address breaks a rule.",
    "too-many-requests": "Very many requests came from where you are. Wait a moment, then load the page again.",
    "internal": "This is a fault of the service, and it has been noted. If it happens again, tell whoever runs the "
    "service the number of the request.",
    "unavailable": "The service cannot reach its data at the moment. Load the page again in a while.",
    "busy": "The service has too much to do at the moment. Load the page again in a while.",
}


def error_view(path: str, slug: str, problem: Mapping[str, Any], nearest: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """All that the template of an error needs. problem: its document. nearest: ids and names of what was meant."""
    return {
        "embedded": path == EMBEDDED,
        "problem": problem,
        "advice": ADVICE.get(slug),
        "nearest": choices(path, nearest),
    }
