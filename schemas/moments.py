"""Moments: the date-times at which something was recorded, and of which is asked what was known then."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from schemas.faults import unreadable
from schemas.fields import shorten

_FORM = re.compile(
    r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)([.,](?P<fraction>[0-9]{1,9}))?"
    r"(?P<offset>[Zz]|[+\- ][0-9]{2}:?[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_EXAMPLE = "2021-08-31T00:30:00+04:30"


def read_moment(text: str) -> int:
    """Microseconds since 1970 UTC of a date-time with an offset (RFC 3339), cut to whole milliseconds.

    Seconds may be left out. A space for the plus of an offset is one that was not percent-encoded in a URL.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise unreadable("malformed-time", f"{shorten(text)!r} is not a date-time with an offset, such as {_EXAMPLE}")
    offset = found["offset"].upper().replace(" ", "+")
    try:
        moment = datetime.fromisoformat(found["time"].upper().replace(" ", "T") + offset)
    except ValueError:
        message = f"{shorten(text)!r} is no time that a calendar and a clock have; one is {_EXAMPLE}"
        raise unreadable("impossible-time", message) from None
    milliseconds = int((found["fraction"] or "0").ljust(3, "0")[:3])
    return (moment - _EPOCH) // timedelta(microseconds=1) + milliseconds * 1000


def now() -> int:
    """The time that it is, in microseconds since 1970 UTC."""
    return (datetime.now(UTC) - _EPOCH) // timedelta(microseconds=1)


def read_past_moment(text: str) -> int:
    """A moment as of ``read_moment`` that is not to come: nobody knows what will have been recorded then."""
    moment = read_moment(text)
    if moment < _FIRST:
        message = f"{shorten(text)!r} lies before the year 1 of UTC, in which it is shown"
        raise unreadable("impossible-time", message)
    if moment > now():
        raise unreadable("in-the-future", f"{shorten(text)!r} is still to come; what will be known then is not known")
    return moment
