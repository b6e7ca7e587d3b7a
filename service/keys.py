"""API keys: makes and ends them, and finds the one that a request presents. Only their digests are stored.

A key is ``dl_<id>_<secret>``. By its id it is looked up; its secret proves that it was given out.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal, get_args

from peewee import Database

from schemas.faults import Fault, Refused
from schemas.fields import near
from service.database import execute, fetch, give_back, little_patience, write
from service.ledger import timestamp

log = logging.getLogger("dateline")

Scope = Literal["read", "write", "admin"]
# Each includes those before it.
SCOPES: tuple[Scope, ...] = get_args(Scope)

NAME_MAX = 100
# What the program itself signs revisions with.
RESERVED_NAMES = frozenset({"seed", "import", "repair"})
# Control characters, line breaks, marks that turn the direction of writing, and halves of surrogate pairs.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

ID_BYTES, SECRET_BYTES = 6, 32
KEY_FORM = re.compile(rf"dl_([0-9a-f]{{{2 * ID_BYTES}}})_([0-9a-f]{{{2 * SECRET_BYTES}}})")
# What an id that nobody has is compared with, so that it takes as long as one that exists. It is no secret's digest.
NOBODY = ("0" * 64, "", "read", None)

# What an earlier key of the same name had, its use and its end included, gives way to what the new one has.
REPLACE = (
    "UPDATE SET id = excluded.id, scope = excluded.scope, digest = excluded.digest, created = excluded.created, "
    "used = NULL, revoked = NULL"
)

# Microseconds: the last use of a key is known to within this.
USE_NOTED_EVERY = 600 * 1_000_000


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once, to who will hold it."""

    name: str
    scope: Scope
    key: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is valid. ``name`` is its holder's, who signs revisions with it."""

    id: str
    name: str
    scope: Scope

    def may(self, scope: Scope) -> bool:
        """Whether the key's scope includes this one."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)


def create_key(database: Database, name: str, scope: Scope, replace: bool = False) -> NewKey:
    """Make a key for a holder whose name nobody has had yet.

    Revisions are signed with names, so a name never passes to somebody else, not even after its key was revoked.
    replace: give the holder of the name a new key, with which the old one ends; make one all the same where nobody
    has the name. Raises Refused.
    """
    _refuse_bad_name(name)
    key_id, secret = secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES)
    sql = (
        "INSERT INTO api_key (id, name, scope, digest, created) VALUES (?, ?, ?, ?, ?) "
        f"ON CONFLICT (name) DO {REPLACE if replace else 'NOTHING'}"
    )
    row = (key_id, name, scope, _digest(secret), _now())
    if not write(database, lambda: execute(database, sql, row)):
        message = (
            f"{name!r} has or had a key, and revisions are signed with names: take another name for somebody else, "
            "or --replace to give the same holder a new key and end the old one"
        )
        raise Refused([Fault("/name", "name-taken", message)])
    return NewKey(name, scope, f"dl_{key_id}_{secret}")


def list_keys(database: Database) -> list[dict[str, Any]]:
    """Every key there ever was, by name: its scope, and when it was created, last used and revoked, or null."""
    rows = fetch(database, "SELECT name, scope, created, used, revoked FROM api_key ORDER BY name")
    return [
        {
            "name": name,
            "scope": scope,
            "created": timestamp(created),
            "used": None if used is None else timestamp(used),
            "revoked": None if revoked is None else timestamp(revoked),
        }
        for name, scope, created, used, revoked in rows
    ]


def revoke_key(database: Database, name: str) -> dict[str, Any]:
    """End the key of a name and return it as listed; one that was revoked before keeps its time. Raises Refused."""
    _refuse_bad_name(name)

    def work() -> list[dict[str, Any]]:
        execute(database, "UPDATE api_key SET revoked = ? WHERE name = ? AND revoked IS NULL", (_now(), name))
        return list_keys(database)

    keys = {key["name"]: key for key in write(database, work)}
    if name not in keys:
        raise Refused([Fault("/name", "unknown-key", f"no key is called {name!r}", near(name, keys))])
    return keys[name]


def find_key(database: Database, presented: str) -> Key | None:
    """The key that was presented; None where it is none, or was revoked. One statement."""
    form = KEY_FORM.fullmatch(presented)
    if form is None:
        return None
    key_id, secret = form.groups()
    rows = fetch(database, "SELECT digest, name, scope, revoked FROM api_key WHERE id = ?", (key_id,))
    digest, name, scope, revoked = rows[0] if rows else NOBODY
    is_the_secret = hmac.compare_digest(digest, _digest(secret))
    return Key(key_id, name, scope) if is_the_secret and revoked is None else None


def note_use(database: Database, key: Key, noted: dict[str, int]) -> None:
    """Record that a key was used, now and then. It never fails, and waits for a lock no longer than LITTLE_PATIENCE.

    noted: when this process last did so for each key, in microseconds; it is brought up to date here. An attempt that
    failed counts, so that a database that takes no writes is not asked with every request.
    """
    now = _now()
    if now - noted.get(key.id, 0) < USE_NOTED_EVERY:
        return
    noted[key.id] = now
    try:
        with little_patience(database):
            execute(database, "UPDATE api_key SET used = ? WHERE id = ?", (now, key.id))
    except Exception:
        log.debug("the use of the key of %s was not noted", key.name, exc_info=True)
    finally:
        # The request is over, and has given its own back already.
        give_back(database)


def _digest(secret: str) -> str:
    # A secret is 32 random bytes, which nobody finds by trying: no salt and no slow hash would make that any harder.
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> int:
    return time.time_ns() // 1000


def _refuse_bad_name(name: str) -> None:
    for code, broken, message in (
        ("blank", not name.strip(), "a name must not be blank"),
        ("too-long", len(name) > NAME_MAX, f"a name has at most {NAME_MAX} characters"),
        (
            "wrong-form",
            name != name.strip() or _UNSEEN.search(name) is not None,
            "a name has no control characters, and no space at its ends",
        ),
        ("reserved", name.casefold() in RESERVED_NAMES, f"{name!r} is what Dateline itself signs with: take another"),
    ):
        if broken:
            raise Refused([Fault("/name", code, message)])
