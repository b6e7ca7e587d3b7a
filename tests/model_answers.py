"""Asks for everything that can be read over HTTP, and compares it with what the model of the store says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import jsonpatch
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.answers import problem
from tests.model import Change
from tests.model_forms import Content, Refusal
from tests.model_writing import Writing
from tests.reference import ORDERS, World, answer, matches
from tests.reference_counts import FACETS, facets, periods
from tests.test_timeline_reference import query_string


class Moment(NamedTuple):
    """A time to ask about: the parameter, the last change up to it, and the world as it stood then."""

    asked: dict[str, str]
    sequence: int | None
    world: World


def same(found: Any, wanted: Any, what: object) -> None:
    """Fails with both where they differ; of lists with what differs first."""
    if isinstance(found, list) and len(found) == len(wanted):
        for one, other in zip(found, wanted, strict=True):
            same(one, other, what)
    assert found == wanted, f"{what}\n found {found}\nwanted {wanted}"


class Asking:
    """A client, and the model of what it must be told.

    tag: the entity tag of the last answer. tagged: every form of an answer by its address and entity tag.
    kept: answers by address, while they are kept.
    """

    def __init__(self, client: FlaskClient) -> None:
        self.client, self.model = client, Writing()
        self.tagged: dict[tuple[str, str], bytes] = {}
        self.kept: dict[str, tuple[int, bytes]] | None = None
        self.tag = ""
        self.turn = 0

    @property
    def last(self) -> int:
        """The sequence of the last change."""
        return self.model.log[-1].sequence if self.model.log else 0

    def get(self, url: str) -> TestResponse:
        """An answer; under one entity tag an address has one form only."""
        found = self.client.get(url)
        if found.status_code == 200:
            self.tag = found.headers["ETag"]
            form = self.tagged.setdefault((url, self.tag), found.data)
            assert form == found.data, f"{url} has two forms under one tag: {form!r} and {found.data!r}"
        else:
            problem(found, found.status_code)
        if self.kept is not None:
            self.kept[url] = found.status_code, found.data if found.status_code == 200 else b""
        return found

    def read(self, url: str, sequence: int | None = None) -> Any:
        """The JSON of a good answer, which tells the last change that it reflects: that one, or the last there is."""
        found = self.get(url)
        assert found.status_code == 200, (url, found.get_data(as_text=True))
        reflected = self.last if sequence is None else sequence
        same(found.headers["X-Sequence"], str(reflected), url)
        told = json.loads(found.data)
        if "sequence" in told:
            same(told["sequence"], reflected, url)
        return told

    def refused(self, url: str, status: int) -> None:
        found = self.get(url)
        assert found.status_code == status, (url, found.get_data(as_text=True))

    def spelt(self, value: Any) -> Any:
        """The same with one of its names in the place of each actor that there is, another each time."""
        match value:
            case dict():
                return {name: self.spelt(member) for name, member in value.items()}
            case list():
                return [self.spelt(member) for member in value]
            case str() if value in self.model.living("actor"):
                self.turn += 1
                spellings = [value, *self.model.names(value)]
                return spellings[self.turn % len(spellings)]
        return value

    def moment(self, chosen: int | None) -> Moment:
        """The time of a change, or just before it; now without one."""
        if chosen is None or not self.model.log:
            return Moment({}, None, self.model.world())
        at = self.model.log[chosen % len(self.model.log)].at
        if chosen % 3 == 0:
            before = datetime.fromisoformat(at) - timedelta(milliseconds=1)
            at = before.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sequence = self.model.sequence_at(at)
        return Moment({"as_of": at}, sequence, self.model.world(sequence))

    def resolved(self, path: str, asked: str, filters: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The filters with ids for names, None where the query is refused for them."""
        try:
            return self.model.resolved(filters)
        except Refusal as refusal:
            self.refused(f"{path}?{asked}", refusal.status)
            return None

    # One event.

    def see_event(self, event: str, moment: int | None = None) -> None:
        """An event as it stands, or stood."""
        as_of = self.moment(moment)
        url = f"/v1/events/{event}" + (f"?{query_string(as_of.asked)}" if as_of.asked else "")
        until = self.last if as_of.sequence is None else as_of.sequence
        versions = [change for change in self.model.versions("event", event) if change.sequence <= until]
        if not versions or versions[-1].content is None:
            self.refused(url, 410 if versions else 404)
            return
        same(self.read(url, as_of.sequence), as_of.world.events[event], url)
        tag = self.tag.strip('"')
        same(tag.partition(".")[0], str(versions[-1].version), url)

    def see_past(self, event: str, limit: int, pair: tuple[int, int]) -> None:
        """The revisions of an event, each of its versions, and what changed from one to another."""
        versions = self.model.versions("event", event)
        if not versions:
            self.refused(f"/v1/events/{event}/revisions", 404)
            return
        self.see_revisions("event", event, limit)
        for change in versions:
            url = f"/v1/events/{event}?version={change.version}"
            if change.content is None:
                self.refused(url, 410)
            else:
                same(self.read(url), self.model.document(change), url)
        self.refused(f"/v1/events/{event}?version={len(versions) + 1}", 404)
        begin, to = (versions[number % len(versions)] for number in pair)
        url = f"/v1/events/{event}/diff?from={begin.version}&to={to.version}"
        if begin.content is None or to.content is None:
            self.refused(url, 410)
        else:
            patched = jsonpatch.apply_patch(self.model.document(begin), self.read(url))
            same(patched, self.model.document(to), url)

    def see_revisions(self, kind: str, subject: str, limit: int) -> None:
        shown = [
            change.told("version", "sequence", "at", "by", "operation", "reason")
            for change in reversed(self.model.versions(kind, subject))
        ]
        found: list[Content] = []
        url: str | None = f"/v1/{kind}s/{subject}/revisions?limit={limit}"
        while url:
            page = self.read(url)
            found, url = found + page["revisions"], page["next"]
            assert len(page["revisions"]) == limit or not url
        same(found, shown, f"revisions of {subject}")

    # Many.

    def see_page(self, filters: Mapping[str, Any], sort: str, limit: int, moment: int | None = None) -> None:
        """All pages of a query."""
        as_of = self.moment(moment)
        asked = query_string({**self.spelt(filters), **as_of.asked}, sort=sort, limit=limit, total="true")
        resolved = self.resolved("/v1/events", asked, filters)
        if resolved is None:
            return
        found: list[Content] = []
        url: str | None = f"/v1/events?{asked}"
        expected = answer(as_of.world, resolved, sort)
        while url:
            page = self.read(url, as_of.sequence)
            found, url = found + page["events"], page["next"]
            same(page["total"], len(expected), asked)
            assert len(page["events"]) == limit or not url
        same(found, [as_of.world.events[event] for event in expected], asked)

    def see_facets(self, filters: Mapping[str, Any], moment: int | None = None) -> None:
        as_of = self.moment(moment)
        asked = query_string({**self.spelt(filters), **as_of.asked}, size=500)
        resolved = self.resolved("/v1/facets", asked, filters)
        if resolved is None:
            return
        told = self.read(f"/v1/facets?{asked}", as_of.sequence)
        kinds = (*FACETS, "publisher")
        found = {kind: [(each["value"], each["count"]) for each in told["facets"][kind]] for kind in kinds}
        same(found, facets(as_of.world, resolved, kinds), asked)
        same(told["total"], len(answer(as_of.world, resolved)), asked)
        for each in told["facets"]["actor"]:
            same(each["name"], self.model.actor(each["value"])["name"], asked)

    def see_timeline(
        self, filters: Mapping[str, Any], bucket: str, by: str, most: int, moment: int | None = None
    ) -> None:
        """The periods of a query, and what the links to more of a period lead to."""
        as_of = self.moment(moment)
        asked = query_string({**self.spelt(filters), **as_of.asked}, bucket=bucket, by=by, events=most)
        resolved = self.resolved("/v1/timeline", asked, filters)
        if resolved is None:
            return
        expected = periods(as_of.world, resolved, bucket, by)
        assert expected is not None, "no more than a decade"
        told = self.read(f"/v1/timeline?{asked}", as_of.sequence)
        same(told["bucket"], expected[0], asked)
        for period in told["periods"]:
            more = period.pop("more")
            period["events"] = [event["id"] for event in period["events"]]
            if more:
                rest = [event["id"] for event in self.read(more, as_of.sequence)["events"]]
                assert rest[:most] == period["events"] and len(rest) > most, more
                period["events"] = rest
        same(told["periods"], expected[1], asked)

    def see_changes(self, filters: Mapping[str, Any], limit: int, after: int = 0, moment: int | None = None) -> None:
        """The feed in pieces, whole or those changes that concern a query."""
        as_of = self.moment(moment)
        asked = query_string({**self.spelt(filters), **as_of.asked}, limit=limit)
        resolved = self.resolved("/v1/changes", asked, filters)
        if resolved is None:
            return
        last = self.last if as_of.sequence is None else as_of.sequence
        expected = [
            {**change.told("sequence", "at", "by", "operation", "version"), change.kind: change.subject}
            for change in self.model.log
            if after < change.sequence <= last and (not resolved or self._concerns(change, resolved))
        ]
        found: list[Content] = []
        reached = after
        while True:
            piece = self.read(f"/v1/changes?{asked}&after={reached}")
            found += piece["changes"]
            same(piece["last"], last, asked)
            assert len(piece["changes"]) <= limit, asked
            if piece["next"] == reached:
                break
            reached = piece["next"]
        same(reached, max(last, after), asked)
        same(found, expected, asked)

    def _concerns(self, change: Change, filters: Mapping[str, Any]) -> bool:
        """Whether the event matches as it was before the change or after it."""
        if change.kind == "actor":
            return False
        world = self.model.world()
        versions = self.model.versions("event", change.subject)[: change.version][-2:]
        return any(matches(world, filters, self.model.document(each)) for each in versions if each.content)

    def see_actors(self, limit: int) -> None:
        """Every actor with the count of its events, under its id and those that it had; gone ones are gone."""
        expected = self.model.actors()
        found: list[Content] = []
        url: str | None = f"/v1/actors?limit={limit}"
        while url:
            page = self.read(url)
            found, url = found + page["actors"], page["next"]
        same(found, list(expected.values()), "all actors")
        for actor in {change.subject for change in self.model.log if change.kind == "actor"}:
            now = self.model.merged.get(actor, actor)
            if now in expected:
                same(self.read(f"/v1/actors/{actor}"), expected[now], actor)
            else:
                self.refused(f"/v1/actors/{actor}", 410)
            self.see_revisions("actor", actor, limit)

    # Pages that are read while others write.

    def begin(self, filters: Mapping[str, Any], sort: str, limit: int, moment: int) -> Paging | None:
        """Read the first page of what was known at a time."""
        as_of = self.moment(moment)
        resolved = self.model.resolved(filters)
        assert as_of.sequence is not None
        asked = query_string({**filters, **as_of.asked}, sort=sort, limit=limit)
        return self.go_on(Paging(f"/v1/events?{asked}", resolved, sort, limit, as_of.sequence))

    def go_on(self, paging: Paging) -> Paging | None:
        """Read the next page: what comes next of what was known, however much has happened since."""
        world = self.model.world(paging.sequence)
        key, back = ORDERS[paging.sort.removeprefix("-")], paging.sort.startswith("-")
        places = [key(world.events[event]) for event in answer(world, paging.filters, paging.sort)]
        rest = [at for at in places if paging.at is None or (at <= paging.at if back else at >= paging.at)]
        page = self.read(paging.url, paging.sequence)
        same([key(event) for event in page["events"]], rest[: paging.limit], paging)
        same(page["events"], [world.events[event["id"]] for event in page["events"]], paging)
        assert (page["next"] is None) == (len(rest) <= paging.limit)
        return paging._replace(url=page["next"], at=rest[paging.limit]) if page["next"] else None


class Paging(NamedTuple):
    """Where a reader stands. at: the place of the first event of the next page."""

    url: str
    filters: Mapping[str, Any]
    sort: str
    limit: int
    sequence: int
    at: Any = None
