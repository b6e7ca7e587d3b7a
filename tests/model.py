"""A plain model of the store, from the contract: all that was ever recorded, and what is to be read of it.

It keeps every change there was and works out all else anew. Filters, orders and counts are those of ``reference.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.model_forms import DATES, DERIVED, PROVINCES, Content, Refusal, casualties
from tests.reference import World, organisations, read_date


@dataclass(frozen=True)
class Planned:
    """A change that a request is to make. subject: the id, None for one that the server makes up."""

    kind: str
    subject: str | None
    operation: str
    content: Content | None


@dataclass(frozen=True)
class Verdict:
    """What a request must come to. merged: the actor that another has become, and that other."""

    status: int
    changes: tuple[Planned, ...] = ()
    merged: tuple[str, str] | None = None


@dataclass(frozen=True)
class Change:
    """A change as it was made. content: what the event or actor is since, None where it was deleted.

    into: the actor that a merged one became then.
    """

    kind: str
    subject: str
    operation: str
    content: Content | None
    version: int
    sequence: int
    at: str
    by: str
    reason: str | None
    into: str | None

    def told(self, *names: str) -> Content:
        """These members as answers tell them, and what an actor was merged into."""
        return {name: getattr(self, name) for name in names} | ({"into": self.into} if self.into else {})


class Model:
    """Everything that was ever recorded."""

    def __init__(self) -> None:
        self.log: list[Change] = []
        self.merged: dict[str, str] = {}

    # What there is.

    def versions(self, kind: str, subject: str) -> list[Change]:
        return [change for change in self.log if (change.kind, change.subject) == (kind, subject)]

    def living(self, kind: str, until: int | None = None) -> dict[str, Change]:
        """The last change of everything that there is now, or that there was after a change."""
        last = {c.subject: c for c in self.log if c.kind == kind and (until is None or c.sequence <= until)}
        return {subject: change for subject, change in last.items() if change.content is not None}

    def sequence_at(self, moment: str) -> int:
        """The last change up to a time; times are texts of one form, which compare as they follow each other."""
        return max((change.sequence for change in self.log if change.at <= moment), default=0)

    def actor(self, actor: str) -> Content:
        """What an actor is, or was last."""
        return next(c.content for c in reversed(self.versions("actor", actor)) if c.content is not None)

    def resolve(self, name: str) -> str:
        """The id of the actor that a name, an id or an old id means."""
        living = self.living("actor")
        by_id = self.merged.get(name, name)
        found = [by_id] if by_id in living else [actor for actor in living if name in self.names(actor)]
        if len(found) != 1:
            raise Refusal(422)
        return found[0]

    def names(self, actor: str) -> list[str]:
        return [self.actor(actor)["name"], *self.actor(actor)["aliases"]]

    def document(self, change: Change) -> Content:
        """An event's answer as of one of its changes, with the actors of today."""
        assert change.content is not None
        content = self.with_merged(change.content)
        return {
            **content,
            **dict(zip(DERIVED, DATES[content["date"]], strict=False)),
            "actors": [{**actor, "name": self.actor(actor["id"])["name"]} for actor in content["actors"]],
            "casualties": casualties(content["claims"]),
            "claims": [{**claim, "claimant": self._shown(claim["claimant"])} for claim in content["claims"]],
            "version": change.version,
            "created": self.versions("event", change.subject)[0].at,
            "updated": change.at,
        }

    def _shown(self, claimant: Mapping[str, str] | None) -> Mapping[str, str] | None:
        return {"name": self.actor(claimant["id"])["name"], **claimant} if claimant and "id" in claimant else claimant

    def with_merged(self, content: Content) -> Content:
        """An event's content with the actors that merged ones have become; who takes part twice in a role does once."""
        actors: list[Content] = []
        for actor in content["actors"]:
            actor = {**actor, "id": self.merged.get(actor["id"], actor["id"])}
            actors += [actor] if actor not in actors else []
        claims = []
        for claim in content["claims"]:
            claimant, of = claim["claimant"], self.merged.get(claim["of"], claim["of"])
            if claimant and "id" in claimant:
                claimant = {"id": self.merged.get(claimant["id"], claimant["id"])}
            claims.append({**claim, "claimant": claimant, "of": of})
        return {**content, "actors": actors, "claims": claims}

    def world(self, until: int | None = None) -> World:
        """All that can be asked about, as it stood after a change, with the names and memberships of today."""
        return World(
            events={event: self.document(change) for event, change in self.living("event", until).items()},
            member_of={actor: (c.content or {})["member_of"] for actor, c in self.living("actor").items()},
            parents={code: parent for code, (_, _, parent) in PROVINCES.items()},
            aliases={c.subject: self.actor(c.subject)["aliases"] for c in self.log if c.kind == "actor"},
        )

    def actors(self) -> dict[str, Content]:
        """Every actor's answer."""
        world = self.world()
        shown = {}
        for actor, change in sorted(self.living("actor").items()):
            events = [
                event
                for event in world.events.values()
                if any(actor in organisations(world, participant["id"]) for participant in event["actors"])
            ]
            days = [str(read_date(event["date"]).place[0].date()) for event in events]
            counted = {"events": len(events), "first": min(days, default=None), "last": max(days, default=None)}
            times = {"created": self.versions("actor", actor)[0].at, "updated": change.at}
            shown[actor] = {**(change.content or {}), **counted, "version": change.version, **times}
        return shown

    def ever(self, values: Callable[[Content], Iterable[Any]]) -> set[Any]:
        """Every value that an event ever had."""
        return {value for c in self.log if c.kind == "event" and c.content for value in values(c.content)}

    def resolved(self, filters: Mapping[str, Any]) -> dict[str, Any]:
        """The filters with ids for names. Refused where a name means nothing, or nothing that was ever stored."""
        found = dict(filters)
        if "actor" in filters:
            found["actor"] = [[self.resolve(name) for name in group] for group in filters["actor"]]
        if "claimant" in filters:
            strangers = self.ever(lambda event: [(claim["claimant"] or {}).get("name") for claim in event["claims"]])
            found["claimant"] = [name if name in strangers else self.resolve(name) for name in filters["claimant"]]
        known = {
            "publisher": self.ever(lambda event: [source["publisher"] for source in event["sources"]]),
            "dataset": self.ever(lambda event: [event["dataset"]]),
        }
        if any(not set(filters.get(name, ())) <= values for name, values in known.items()):
            raise Refusal(422)
        return found

    # What becomes of writing.

    def apply(self, verdict: Verdict, made: Sequence[Mapping[str, Any]], by: str, reason: str | None) -> None:
        """Take in what the feed tells that a request made, which must be what was planned."""
        planned = list(verdict.changes)
        for told in made:
            kind = "actor" if "actor" in told else "event"
            subject, earlier = told[kind], self.versions(kind, told[kind])
            fits = [plan for plan in planned if (plan.kind, plan.operation) == (kind, told["operation"])]
            # Only where no id was sent may the server have made one up.
            fits = [plan for plan in fits if plan.subject == subject] or [
                plan for plan in fits if plan.subject is None and not earlier
            ]
            assert fits, f"{told} was not to happen; {planned} were"
            planned.remove(fits[0])
            assert told["version"] == len(earlier) + 1 and told["by"] == by
            assert not self.log or (told["sequence"] > self.log[-1].sequence and told["at"] >= self.log[-1].at)
            content = fits[0].content and {**fits[0].content, "id": subject}
            into = verdict.merged[1] if verdict.merged and verdict.merged[0] == subject else None
            numbers = told["version"], told["sequence"]
            change = Change(kind, subject, told["operation"], content, *numbers, told["at"], by, reason, into)
            self.log.append(change)
        assert not planned, f"{planned} did not happen"
        if verdict.merged:
            old, other = verdict.merged
            self.merged = {each: other if into == old else into for each, into in self.merged.items()} | {old: other}
