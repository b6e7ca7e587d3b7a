"""The kinds of value that bodies are made of. Each refuses with a Fault that says what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from schemas.edtf import DateError, parse_date
from schemas.faults import Fault, Refused
from schemas.names import closest

ID_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,127}$"
ID_FORM = re.compile(ID_PATTERN.rstrip("$") + r"\Z")
HTTP_URL = re.compile(r"https?://[^\s/]", re.IGNORECASE)
# What no address holds.
NO_URL = re.compile(r"[\s<>\"]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
TEXT_LIMIT = 500
FIGURE_MAX = 10**9
# Of the unknown members of one object, so many are told by name.
UNKNOWN_TOLD = 20


def fault(code: str, message: str, suggestions: Iterable[str] = ()) -> ValidationError:
    """The error by which a field refuses a value; the schema finds out where it stands."""
    return ValidationError([Fault("", code, message, tuple(suggestions))])


def near(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known words that look most like ``word``, the likeliest first."""
    return closest(word, ((name, name) for name in known), 3)


def unstorable(text: str) -> str | None:
    """Why no engine can keep a text, or None when it can."""
    found = _UNSTORABLE.search(text)
    if found is None:
        return None
    return "holds the character NUL" if found.group() == "\x00" else "holds a lone surrogate, which is no character"


class Faulting(fields.Field[Any]):
    """A field whose built-in refusals are Faults too."""

    codes: Mapping[str, tuple[str, str]] = {
        "required": ("required", "is required"),
        "null": ("null", "must not be null"),
    }

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        code, message = self.codes.get(key, ("wrong-type", "has the wrong type"))
        return fault(code, message)


class Text(Faulting):
    """Unicode text of at most ``limit`` characters, kept exactly as given."""

    def __init__(
        self, limit: int = TEXT_LIMIT, *, blank: bool = True, form: re.Pattern[str] | None = None, **more: Any
    ):
        self.limit, self.blank, self.form = limit, blank, form
        more.setdefault("metadata", {})
        super().__init__(**more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise fault("wrong-type", f"must be a text, not {kind_of(value)}")
        if reason := unstorable(value):
            raise fault("unstorable-character", reason)
        if len(value) > self.limit:
            raise fault("too-long", f"has {len(value)} characters; at most {self.limit} are allowed")
        if not self.blank and not value.strip():
            raise fault("blank", "must not be empty")
        if self.form is not None and not self.form.match(value):
            raise fault("wrong-form", f"must match {ID_PATTERN}")
        return value


class Choice(Faulting):
    """One word of a closed list."""

    def __init__(self, choices: Sequence[str], **more: Any):
        self.choices = tuple(choices)
        more.setdefault("metadata", {})
        super().__init__(**more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise fault("wrong-type", f"must be a text, not {kind_of(value)}")
        if value not in self.choices:
            raise unknown_word(value, self.choices)
        return value


def unknown_word(value: str, choices: Sequence[str]) -> ValidationError:
    shown = ", ".join(choices) if len(choices) <= 12 else "see the documentation for the list"
    return fault("unknown-value", f"{shorten(value)!r} is not one of the allowed values: {shown}", near(value, choices))


class Figure(Faulting):
    """A count of people, 0 to 10⁹. A whole number, also when it is written 8.0."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole:
            raise fault("wrong-type", f"must be a whole number, not {kind_of(value)}")
        if not 0 <= value <= FIGURE_MAX:
            raise fault("out-of-range", f"must lie between 0 and {FIGURE_MAX}")
        return int(value)


class Degrees(Faulting):
    """A latitude or longitude in degrees, from ``-bound`` to ``bound``."""

    def __init__(self, bound: int, **more: Any):
        self.bound = bound
        super().__init__(**more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise fault("wrong-type", f"must be a number, not {kind_of(value)}")
        # The comparison is false for NaN, and takes whole numbers that are too large for a float.
        if not -self.bound <= value <= self.bound:
            raise fault("out-of-range", f"must lie between -{self.bound} and {self.bound}")
        return float(value)


class Truth(Faulting):
    """true or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise fault("wrong-type", f"must be true or false, not {kind_of(value)}")
        return value


class EdtfDate(Faulting):
    """A date by EDTF (ISO 8601-2), kept as written."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise fault("wrong-type", f'must be a text such as "2021-08-26", not {kind_of(value)}')
        try:
            self.judge(value)
        except DateError as error:
            raise fault(error.code, error.message) from None
        return value

    def judge(self, value: str) -> None:
        parse_date(value)


class HttpUrl(Text):
    """An address on the web."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not HTTP_URL.match(text) or NO_URL.search(text):
            raise fault("wrong-form", "must be an address such as https://example.org/a, with no space, quote, < or >")
        return text


class Listing(Faulting, fields.List[Any]):
    """A list of at most ``limit`` members; null is the empty list."""

    def __init__(self, inner: fields.Field[Any], limit: int, **more: Any):
        self.limit = limit
        more.setdefault("load_default", list)
        super().__init__(inner, allow_none=True, **more)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return [] if value is None else super().deserialize(value, *args, **kwargs)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise fault("wrong-type", f"must be a list, not {kind_of(value)}")
        if len(value) > self.limit:
            raise fault("too-many", f"has {len(value)} members; at most {self.limit} are allowed")
        return super()._deserialize(value, *args, **kwargs)


class Part(Faulting, fields.Nested):
    """An object inside the body, judged by a schema of its own."""


class Anything(Faulting):
    """A member that is taken and not looked at."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return value


class Body(Schema):
    """A schema that refuses unknown members with the nearest known ones."""

    class Meta:
        unknown = EXCLUDE

    # Members that a reader is given and may send back; they are not looked at.
    ignored: frozenset[str] = frozenset()

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _refuse_unknown_members(self, data: Any, original: Any, **kwargs: Any) -> None:
        if not isinstance(original, Mapping):
            return
        known = {field.data_key or name for name, field in self.fields.items()}
        strange = [name for name in original if name not in known and name not in self.ignored]
        message = "is not a member that is known here"
        # So many are no misspellings, and to look for the nearest takes long.
        told, untold = strange[:UNKNOWN_TOLD], len(strange[UNKNOWN_TOLD:])
        faults = [Fault(pointer_step(name), "unknown-field", message, near(str(name), known)) for name in told]
        if untold:
            faults.append(Fault("", "unknown-field", f"has {untold} more members that are not known here"))
        if faults:
            raise ValidationError(faults)


def load(schema: Body, body: Any) -> Any:
    """Judge a body by a schema and return its members. Raises Refused with a pointer to each fault."""
    if not isinstance(body, Mapping):
        raise Refused([Fault("", "wrong-type", f"must be an object, not {kind_of(body)}")])
    try:
        return schema.load(body)
    except ValidationError as error:
        raise Refused(faults_of(error.messages)) from None


def faults_of(messages: Any, pointer: str = "") -> list[Fault]:
    """The faults in a tree of marshmallow's messages, each with its JSON Pointer, in the order of the body."""
    if isinstance(messages, Mapping):
        found = []
        for key, inner in messages.items():
            step = "" if key == "_schema" else pointer_step(key)
            found += faults_of(inner, pointer + step)
        return found
    found = []
    for message in messages:
        if isinstance(message, Fault):
            found.append(Fault(pointer + message.pointer, message.code, message.message, message.suggestions))
        elif isinstance(message, Mapping):
            found += faults_of(message, pointer)
        else:
            # The one refusal that marshmallow words itself: something that is not an object where one must be.
            found.append(Fault(pointer, "wrong-type", "must be an object"))
    return found


def pointer_step(key: object) -> str:
    """One step of a JSON Pointer (RFC 6901), short enough to show and of characters that can be sent."""
    shown = _UNSTORABLE.sub("\ufffd", shorten(str(key)))
    return "/" + shown.replace("~", "~0").replace("/", "~1")


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    names = {
        bool: "a truth value",
        int: "a number",
        float: "a fraction",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null" if value is None else type(value).__name__)


def shorten(text: str, limit: int = 80) -> str:
    """A text short enough to quote in a message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
