"""Chooses the queries: an actor, a province and a date range that hold at least a full page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import urlencode

PAGE = 100
# After so many draws in a row that give nothing new, there is hardly anything left.
IN_VAIN_MOST = 500


class TooFew(Exception):
    """The generated events hold no actor and province with a full page."""


def days_by_pair(
    actors: Iterable[Mapping[str, Any]], events: Iterable[Mapping[str, Any]]
) -> dict[tuple[str, str], list[str]]:
    """The days, in order, on which the events of each (actor or its organisation, province) begin.

    Only events of a plain day count, so a range round 100 of them holds a page whatever else touches it.
    """
    organisations = {actor["id"]: actor["member_of"] for actor in actors}
    days: dict[tuple[str, str], list[str]] = defaultdict(list)
    for event in events:
        location = event["location"]
        if location is None or len(event["date"]) != len("2021-08-30"):
            continue
        concerned = {name for actor in event["actors"] for name in (actor["id"], *organisations[actor["id"]])}
        for actor in concerned:
            days[actor, location["province"]["code"]].append(event["date"])
    for found in days.values():
        found.sort()
    return dict(days)


def choose(days: Mapping[tuple[str, str], Sequence[str]], count: int, seed: int, most: int = 0) -> list[str]:
    """That many different paths of ``GET /v1/events``, each with a full page of 100 events.

    Pairs are drawn evenly among those that have a page, so rare ones are asked for as often as common ones;
    the range begins anywhere and ends anywhere after the page is full. The first are the same however many are chosen.
    most: so many instead, if they can be found. Raises TooFew where there are fewer than ``count``.
    """
    random = Random(f"queries {seed}")
    pairs = sorted(pair for pair, found in days.items() if len(found) >= PAGE)
    if not pairs:
        raise TooFew(f"no actor and province with {PAGE} events: use more events")
    wanted = max(count, most)
    chosen: dict[str, None] = {}
    in_vain = 0
    while len(chosen) < wanted and in_vain < IN_VAIN_MOST:
        actor, province = random.choice(pairs)
        found = days[actor, province]
        first = random.randint(0, len(found) - PAGE)
        last = random.randint(first + PAGE - 1, len(found) - 1)
        asked = {"actor": actor, "province": province, "from": found[first], "to": found[last], "limit": PAGE}
        path = f"/v1/events?{urlencode(asked)}"
        in_vain = in_vain + 1 if path in chosen else 0
        chosen[path] = None
    if len(chosen) < count:
        raise TooFew(f"only {len(chosen)} different queries have a page of {PAGE} events: use more events")
    return list(chosen)
