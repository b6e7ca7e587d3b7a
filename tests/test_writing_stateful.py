"""Random writing over HTTP, after which every answer is what a plain model of the contract says, past ones too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch as replaced

from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from peewee import Database
from werkzeug.test import TestResponse

from service.app import create_app
from service.check import check
from service.database import closing_database
from service.keys import create_key
from service.repair import repair
from service.settings import Settings
from tests import model_draws as drawn
from tests.answers import problem
from tests.clock import Clock
from tests.conftest import copied
from tests.model import Verdict
from tests.model_answers import Asking, Paging
from tests.model_draws import ACTORS, EVENTS, SORTS, Hand
from tests.model_forms import Content, Refusal
from tests.reference_counts import DIVISIONS

# Runs, and steps of each. To look further before a change of what is stored or how it is found, raise both.
EXAMPLES, STEPS = 8, 12
Opened = tuple[FlaskClient, Database, Clock]

LIMITS = (1, 2, 3, 7, 1000)
BUCKETS, SHARES = ("auto", "day", "week", "month", "quarter", "year"), tuple(DIVISIONS)
# Ways to look at what is stored, by what a number says.
LOOKS: Sequence[Callable[[Asking, Random, int | None], None]] = (
    lambda asking, rng, moment: asking.see_page(drawn.query(rng), rng.choice(SORTS), rng.choice(LIMITS), moment),
    lambda asking, rng, moment: asking.see_page(drawn.query(rng), rng.choice(SORTS), rng.choice(LIMITS), moment),
    lambda asking, rng, moment: asking.see_page(
        {**drawn.query(rng), "q": drawn.FILTERS["q"](rng)}, "relevance", rng.choice(LIMITS), moment
    ),
    lambda asking, rng, moment: asking.see_facets(drawn.query(rng), moment),
    lambda asking, rng, moment: asking.see_timeline(
        drawn.query(rng), rng.choice(BUCKETS), rng.choice(SHARES), rng.choice((0, 1, 50)), moment
    ),
    lambda asking, rng, moment: asking.see_changes(drawn.query(rng), rng.choice(LIMITS), rng.randrange(60), moment),
    lambda asking, rng, moment: asking.see_past(
        rng.choice(EVENTS), rng.choice(LIMITS), (rng.randrange(6), rng.randrange(6))
    ),
    lambda asking, rng, moment: asking.see_actors(rng.choice(LIMITS)),
)
# Each as often as it stands here.
VERBS = (
    *("put event", "put event", "put event", "post event", "patch event", "patch event", "rewrite event"),
    *("delete event", "restore event", "restore event", "bulk event", "bulk event"),
    *("post actor", "put actor", "patch actor", "patch actor", "rewrite actor", "delete actor", "restore actor"),
    *("merge actor", "merge actor", "begin pages", "begin pages", *["continue pages"] * 3),
)
seeds = st.integers(0, 2**24)
requests = st.tuples(st.sampled_from(VERBS), st.integers(0, 5), drawn.conditions, seeds)


SORTED_HARDLY_EVER = {"timeline.SORTED_MAX": 1, "timeline.SORTED_WORDS_MAX": 1}


class Machine(RuleBasedStateMachine):
    """An application over an empty store, and the model of what it must say.

    Everything is made of what is drawn, so that a run can be played again.
    """

    def opened(self) -> AbstractContextManager[Opened]:
        """An application over a store that is empty, gone afterwards."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.client, self.database, self.clock = self.stack.enter_context(self.opened())
        self.keys = {by: create_key(self.database, by, "admin").key for by in drawn.HOLDERS}
        self.asking = Asking(self.client)
        self.model = self.asking.model
        self.pagings: list[Paging] = []
        self.numbers = count(1)
        # Whether a step is under way; one that failed never ends, and then nothing more is looked at.
        self.stepping = True
        # What to look at after the step.
        self.look = 0

    def send(self, judged: Callable[[], Verdict], method: str, url: str, hand: Hand, **more: Any) -> TestResponse:
        """A request that writes; the status, what it changes and what it answers are what the model says."""
        try:
            verdict = judged()
        except Refusal as refusal:
            verdict = Verdict(refusal.status)
        self.clock.move(milliseconds=hand.later)
        headers = {"Authorization": f"Bearer {self.keys[hand.by]}", **more.pop("headers", {})}
        parameters = {**({"reason": hand.reason} if hand.reason else {}), **more.pop("parameters", {})}
        found = self.client.open(url, method=method, headers=headers, query_string=parameters, **more)
        note(f"{method} {url} {parameters} {more}: {found.status_code}")
        assert found.status_code == verdict.status, (verdict, found.get_data(as_text=True))
        if verdict.status >= 400:
            problem(found, verdict.status)
        feed = self.client.get(f"/v1/changes?after={self.asking.last}").get_json()
        self.model.apply(verdict, feed["changes"], hand.by, hand.reason)
        assert feed["last"] == feed["next"] == self.asking.last
        if verdict.status < 400:
            assert found.headers["X-Sequence"] == str(feed["last"])
        return found

    def held(self, kind: str, subject: str, condition: str) -> dict[str, str]:
        """The headers by which a client says what it takes for granted."""
        now = self.model.living(kind).get(subject)
        stale = (now.version if now else 0) + (1 if next(self.numbers) % 2 or now is None or now.version == 1 else -1)
        current = self.client.get(f"/v1/{kind}s/{subject}").headers.get("ETag", '"1"')
        return {
            "current": {"If-Match": current},
            "any": {"If-Match": "*"},
            "stale": {"If-Match": f'"{stale}"'},
            "absent": {"If-None-Match": "*"},
            "none": {},
        }[condition]

    # Writing.

    @initialize(ways=st.sampled_from((0, 1, 2)), seed=seeds)
    def begin(self, ways: int, seed: int) -> None:
        """A store with something of everything. Small ones go the ways of large ones as well."""
        searched = {"plans.SEARCHED_FROM": -1, "matching.LOOKED_AT_FIRST": 0}
        for name, value in ({}, searched, {**searched, **SORTED_HARDLY_EVER})[ways].items():
            self.stack.enter_context(replaced(f"service.{name}", value))
        self.stepping = True
        rng = Random(seed)
        for number, actor in enumerate(ACTORS[:-1]):
            body = {"id": actor, **self.named({"name": "Army", "member_of": list(ACTORS[: number % 2])})}
            self.post("actor", body, drawn.hand(rng))
        for _ in "ab":
            # The second time over, most have a past.
            self.bulk([{"id": id, **drawn.body(rng, 0)} for id in EVENTS[:-1]], False, drawn.hand(rng))
        # One in which all take part alike, so that merged ones meet.
        together = {"actors": [{"id": actor} for actor in ACTORS[:-1]], "claims": [drawn.claim(rng) for _ in ACTORS]}
        self.bulk([{"id": EVENTS[-1], **drawn.body(rng, 0), **together}], False, drawn.hand(rng))

    @rule(requests=st.lists(requests, min_size=2, max_size=5))
    def step(self, requests: list[tuple[str, int, str, int]]) -> None:
        """Some requests, before anything is looked at. It is the one rule: of several, Hypothesis leaves out some."""
        self.stepping = True
        for request in requests:
            self.one(*request)

    def one(self, verb: str, number: int, condition: str, seed: int) -> None:
        """A request that writes, good or bad, or one page more of what was known at some time.

        What it says is made of the seed, and told where a run fails.
        """
        rng = Random(seed)
        hand = drawn.hand(rng)
        self.look = hand.look
        what, kind = verb.split()
        subject = EVENTS[number] if kind == "event" else ACTORS[number % len(ACTORS)]
        match what:
            case "begin":
                self.begin_pages(rng)
            case "continue":
                self.go_on(number)
            case "bulk":
                self.bulk(drawn.lines(rng), rng.random() < 0.3, hand)
            case "merge":
                self.merge(subject, rng.choice(ACTORS), hand)
            case "delete":
                self.delete(kind, subject, condition, hand)
            case "restore":
                self.restore(kind, subject, rng.randint(1, 6), condition, hand)
            case "rewrite":
                found = self.asking.get(f"/v1/{kind}s/{subject}")
                if found.status_code == 200 and found.get_json()["id"] == subject:
                    self.put(kind, subject, found.get_json(), condition, hand)
            case "post":
                self.post(kind, {"id": subject, **self.body(kind, rng)}, hand)
            case "put":
                # To replace what is not there creates it, most of the time.
                new = condition == "current" and subject not in self.model.living(kind)
                self.put(kind, subject, self.body(kind, rng), "absent" if new else condition, hand)
            case "patch" if kind == "event":
                self.patch(kind, subject, self.asking.spelt(drawn.patch(rng)), condition, hand)
            case "patch":
                self.patch(kind, subject, self.named(drawn.actor(rng, whole=False)), condition, hand)

    def body(self, kind: str, rng: Random) -> Content:
        return self.asking.spelt(drawn.body(rng)) if kind == "event" else self.named(drawn.actor(rng))

    def post(self, kind: str, body: Content, hand: Hand) -> None:
        if kind == "event" and hand.look % 3 == 0:
            # The server makes up an id.
            del body["id"]
        found = self.send(partial(self.model.post, kind, body), "POST", f"/v1/{kind}s", hand, json=body)
        self.wrote(kind, found, body.get("id"))

    def delete(self, kind: str, subject: str, condition: str, hand: Hand) -> None:
        headers = self.held(kind, subject, condition)
        judged = partial(self.model.delete, kind, subject, condition)
        self.send(judged, "DELETE", f"/v1/{kind}s/{subject}", hand, headers=headers)

    def restore(self, kind: str, subject: str, version: int, condition: str, hand: Hand) -> None:
        # Most of the time a version that there is.
        version = version % (len(self.model.versions(kind, subject)) + 1) or version
        headers = self.held(kind, subject, condition)
        judged = partial(self.model.restore, kind, subject, version, condition)
        url, body = f"/v1/{kind}s/{subject}/restore", {"version": version}
        self.wrote(kind, self.send(judged, "POST", url, hand, json=body, headers=headers), subject)

    def bulk(self, lines: list[Any], atomic: bool, hand: Hand) -> None:
        """A line that is the id of an event stands for the event as it is."""
        current = {id: self.model.document(change) for id, change in self.model.living("event").items()}
        lines = [current.get(line, line) if isinstance(line, str) else self.asking.spelt(line) for line in lines]
        verdict, report = self.model.bulk(lines, atomic)
        data = "\n".join(json.dumps(line) if isinstance(line, dict) else line for line in lines)
        parameters = {"atomic": "true"} if atomic else {}
        form = "application/x-ndjson"
        found = self.send(
            lambda: verdict, "POST", "/v1/events/bulk", hand, data=data, parameters=parameters, content_type=form
        )
        told = found.get_json()
        assert {line["line"]: line["id"] for line in told["rejected"]} == report.pop("rejected")
        assert {name: told[name] for name in report} == report

    def merge(self, actor: str, into: str, hand: Hand) -> None:
        into = self.asking.spelt(into)
        judged = partial(self.model.merge, actor, into)
        self.wrote("actor", self.send(judged, "POST", f"/v1/actors/{actor}/merge", hand, json={"into": into}), None)

    def named(self, body: Content) -> Content:
        """An actor's body with names of its own."""
        number = next(self.numbers)
        found = dict(body)
        if "name" in body:
            found["name"] = f"{body['name']} {number}"
        if "aliases" in body:
            found["aliases"] = [f"{alias} of the {number}th" for alias in body["aliases"]]
        if "member_of" in body:
            found["member_of"] = self.asking.spelt(body["member_of"])
        return found

    def put(self, kind: str, subject: str, body: Content, condition: str, hand: Hand) -> None:
        headers = self.held(kind, subject, condition)
        url = f"/v1/{kind}s/{subject}"
        judged = partial(self.model.put, kind, subject, body, condition)
        self.wrote(kind, self.send(judged, "PUT", url, hand, json=body, headers=headers), subject)

    def patch(self, kind: str, subject: str, patch: Any, condition: str, hand: Hand) -> None:
        headers = self.held(kind, subject, condition)
        form = "application/json-patch+json" if isinstance(patch, list) else "application/merge-patch+json"
        judged = partial(self.model.patch, kind, subject, patch, condition)
        data = json.dumps(patch)
        url = f"/v1/{kind}s/{subject}"
        found = self.send(judged, "PATCH", url, hand, data=data, headers=headers, content_type=form)
        self.wrote(kind, found, subject)

    def wrote(self, kind: str, found: TestResponse, subject: str | None) -> None:
        """A good answer to a write is what is read from then on."""
        if found.status_code < 400:
            told = found.get_json()
            now = self.asking.get(f"/v1/{kind}s/{told['id']}")
            assert subject in (None, told["id"]) and told == now.get_json()
            assert found.headers["ETag"] == now.headers["ETag"]
            if found.status_code == 201:
                assert found.headers["Location"] == f"/v1/{kind}s/{told['id']}"

    # Reading.

    def begin_pages(self, rng: Random) -> None:
        """Names may change while the pages are read, so they are asked for without."""
        query, sort = drawn.query(rng, drawn.NAMELESS), rng.choice(SORTS)
        self.keep(self.asking.begin(query, sort, rng.randint(1, 3), rng.randrange(100)))

    def go_on(self, which: int) -> None:
        if self.pagings:
            self.keep(self.asking.go_on(self.pagings.pop(which % len(self.pagings))))

    def keep(self, paging: Paging | None) -> None:
        """A reading in pages that has not come to its end."""
        self.pagings += [paging] if paging else []

    @invariant()
    def what_is_read_is_right(self) -> None:
        """After every step: all events as they are now, and some of what there is to ask, of now and of the past."""
        for sort in ("date", "-updated"):
            self.asking.see_page({}, sort, 1000)
        rng = Random(self.look)
        for event in drawn.some(rng, EVENTS, 2, 2):
            self.asking.see_event(event)
            self.asking.see_event(event, rng.randrange(100))
        for _ in range(2):
            rng.choice(LOOKS)(self.asking, rng, rng.choice((None, rng.randrange(100))))
        self.stepping = False

    def teardown(self) -> None:
        try:
            if not self.stepping:
                self.stepping = True
                self.look_at_everything()
        finally:
            self.stack.close()

    def look_at_everything(self) -> None:
        """What is stored agrees with the log; all that is made anew from that says what it said before."""
        kept = self.asking.kept = {}
        moments = {change.at: number for number, change in enumerate(self.model.log)}
        for number in moments.values():
            self.asking.see_page({}, SORTS[number % 4], 1000, number)
            self.asking.see_facets({}, number)
            self.asking.see_timeline({}, "auto", "type", 50, number)
            self.asking.see_event(EVENTS[number % len(EVENTS)], number)
        for event in EVENTS:
            self.asking.see_past(event, 3, (0, 1))
        for words in ("night", "army"):
            self.asking.see_page({"q": words}, "date", 1000)
        for actor in self.model.living("actor"):
            self.asking.see_page({"actor": [[actor]]}, "-date", 1000)
            self.asking.see_changes({"actor": [[actor]]}, 1000)
        self.asking.see_changes({}, 7)
        self.asking.see_actors(1000)
        while self.pagings:
            self.go_on(0)
        assert check(self.database) == []
        repair(self.database)
        assert check(self.database) == []
        self.asking.kept = None
        for url, before in kept.items():
            found = self.asking.get(url)
            assert (found.status_code, found.data if found.status_code == 200 else b"") == before, url


def test_every_answer_is_that_of_the_model(
    engine: str, golden: dict[str, str], server: str | None, tmp_path: Path
) -> None:
    numbers = count()

    @contextmanager
    def opened() -> Iterator[Opened]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        # An hour ago, so that no time is still to come.
        clock = Clock(datetime.now(UTC) - timedelta(hours=1))
        with copied("empty", engine, golden, folder, server) as url, replaced("service.ledger.time", clock):
            app = create_app(Settings(database_url=url))
            database = app.extensions["dateline"]["database"]
            with closing_database(database):
                yield app.test_client(), database, clock

    class MachineHere(Machine):
        def opened(self) -> AbstractContextManager[Opened]:
            return opened()

    run_state_machine_as_test(
        MachineHere,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            # The same runs each time; what fails is told request by request, so that no more is explained.
            derandomize=True,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            # Small stores are still databases, and most of a step is looking at them.
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
