"""What becomes of each request that writes, by the contract, in the model of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.model import Change, Model, Planned, Verdict
from tests.model_forms import (
    ACTOR,
    ALWAYS_IGNORED,
    CLAIM,
    COUNTED,
    DATES,
    DERIVED,
    EVENT,
    SOURCE,
    TYPES,
    Content,
    Refusal,
    merged_patch,
    named_in,
    operated,
    placed,
)


class Writing(Model):
    """The model, and the verdict on each request. Raises Refusal where nothing is to happen."""

    def post(self, kind: str, body: Content) -> Verdict:
        subject = body.get("id")
        content = self._canonical(kind, subject, body)
        if subject and self.versions(kind, subject):
            raise Refusal(409)
        return Verdict(201, (Planned(kind, subject, "created", content),))

    def put(self, kind: str, subject: str, body: Content, condition: str) -> Verdict:
        content = self._canonical(kind, subject, body)
        now = self.living(kind).get(subject)
        if self.versions(kind, subject) and now is None:
            raise Refusal(409)
        judge(condition, now)
        return self._become(kind, subject, content) if now else self._made(kind, subject, content)

    def patch(self, kind: str, subject: str, patch: Any, condition: str) -> Verdict:
        """patch: an object is a merge patch, a list a JSON Patch."""
        now = self._present(kind, subject)
        document = self.document(now) if kind == "event" else self.actors()[subject]
        body = merged_patch(document, patch) if isinstance(patch, dict) else operated(document, patch)
        if body is None:
            # A patch that does not fit may have been made for another version.
            judge(condition, now)
            raise Refusal(422)
        # What is derived follows from the rest again, as a province's country does.
        body = {name: value for name, value in body.items() if name not in DERIVED}
        moved = isinstance(patch, dict) and patch.get("location")
        if moved and "province" in moved and "country" not in moved:
            body["location"] = {**body["location"], "country": None}
        content = self._canonical(kind, subject, body)
        judge(condition, now)
        return self._become(kind, subject, content)

    def delete(self, kind: str, subject: str, condition: str) -> Verdict:
        now = self._present(kind, subject)
        judge(condition, now)
        if kind == "actor":
            others = [change for actor, change in self.living("actor").items() if actor != subject]
            members = [change for change in others if subject in (change.content or {})["member_of"]]
            events = [self.with_merged(c.content or {}) for c in self.living("event").values()]
            if members or any(subject in named_in(event) for event in events):
                raise Refusal(409)
        return Verdict(204, (Planned(kind, subject, "deleted", None),))

    def restore(self, kind: str, subject: str, version: int, condition: str) -> Verdict:
        versions = self.versions(kind, subject)
        if not versions:
            raise Refusal(404)
        if subject in self.merged and kind == "actor":
            raise Refusal(409)
        content = versions[version - 1].content if version <= len(versions) else None
        if content is None:
            raise Refusal(422)
        if kind == "actor":
            # It may have become one of its organisations, or two of them one.
            member_of = dict.fromkeys(self.merged.get(each, each) for each in content["member_of"])
            content = {**content, "member_of": [each for each in member_of if each != subject]}
            content = self._canonical(kind, subject, content)
        else:
            content = self.with_merged(content)
        if now := self.living(kind).get(subject):
            judge(condition, now)
        if kind == "event" and not named_in(content) <= self.living("actor").keys():
            raise Refusal(409)
        return self._become(kind, subject, content, "restored")

    def merge(self, actor: str, into: str) -> Verdict:
        now = self._present("actor", actor)
        other = self.resolve(into)
        if other == actor:
            raise Refusal(422)
        old, content = now.content or {}, self.actor(other)
        aliases = dict.fromkeys([*content["aliases"], *self.names(actor)])
        member_of = dict.fromkeys([*content["member_of"], *old["member_of"]])
        become = {other: {"aliases": list(aliases), "member_of": [o for o in member_of if o not in (actor, other)]}}
        for member, change in self.living("actor").items():
            direct = (change.content or {})["member_of"]
            if actor in direct and member not in (actor, other):
                renamed = dict.fromkeys(other if each == actor else each for each in direct)
                become[member] = {"member_of": [each for each in renamed if each != member]}
        changed = [
            self._become("actor", each, {**self.actor(each), **members}).changes for each, members in become.items()
        ]
        return Verdict(200, (Planned("actor", actor, "deleted", None), *sum(changed, ())), (actor, other))

    def bulk(self, lines: Sequence[Any], atomic: bool) -> tuple[Verdict, Content]:
        """What many lines come to, and the report: of the rejected, the number of the line and the id it holds.

        A line that is no object is no JSON.
        """
        sound: dict[int, Content] = {}
        for number, line in enumerate(lines, 1):
            try:
                content = self._canonical("event", line.get("id"), line, related=False)
            except (Refusal, AttributeError):
                continue
            if not self.versions("event", content["id"]) or content["id"] in self.living("event"):
                sound[number] = content
        while lost := [
            number
            for number, content in sound.items()
            if not self._relations_hold(content, [content["id"] for content in sound.values()])
        ]:
            sound = {number: content for number, content in sound.items() if number not in lost}
        planned: list[Planned] = []
        latest: dict[str, Content] = {}
        unchanged = 0
        for content in sound.values():
            event = content["id"]
            now = latest.get(event) or (self.with_merged(c.content or {}) if (c := self._now(event)) else None)
            if now == content:
                unchanged += 1
            else:
                planned.append(Planned("event", event, "updated" if now else "created", content))
            latest |= {event: content} if event else {}
        rejected = {
            number: line.get("id") if isinstance(line, dict) else None
            for number, line in enumerate(lines, 1)
            if number not in sound
        }
        report = {"received": len(lines), "rejected": rejected, "unchanged": unchanged}
        if atomic and rejected:
            return Verdict(422), report
        counts = {name: sum(plan.operation == name for plan in planned) for name in ("created", "updated")}
        return Verdict(200, tuple(planned)), report | counts

    def _now(self, event: str | None) -> Change | None:
        return self.living("event").get(event) if event else None

    def _present(self, kind: str, subject: str) -> Change:
        if not self.versions(kind, subject):
            raise Refusal(404)
        if kind == "actor" and subject in self.merged:
            raise Refusal(409)
        if subject not in self.living(kind):
            raise Refusal(410)
        return self.living(kind)[subject]

    def _made(self, kind: str, subject: str, content: Content) -> Verdict:
        return Verdict(201, (Planned(kind, subject, "created", content),))

    def _become(self, kind: str, subject: str, content: Content, operation: str = "updated") -> Verdict:
        """A new version, unless nothing changes."""
        now = self.living(kind).get(subject)
        known = now and (self.with_merged(now.content or {}) if kind == "event" else now.content)
        return Verdict(200, () if known == content else (Planned(kind, subject, operation, content),))

    def _canonical(self, kind: str, subject: str | None, body: Content, related: bool = True) -> Content:
        """An event or actor with every default and ids for names. related: whether relations are judged as well."""
        defaults, besides = (EVENT, DERIVED) if kind == "event" else (ACTOR, COUNTED)
        ignored = (*ALWAYS_IGNORED, *besides)
        if set(body) - {*defaults, *ignored} or not str(body.get("title" if kind == "event" else "name") or "").strip():
            raise Refusal(422)
        content = {**defaults, **{name: body[name] for name in defaults if name in body}, "id": subject}
        content |= {name: list(value) for name, value in content.items() if isinstance(value, tuple)}
        if kind == "actor":
            if subject in content["member_of"]:
                raise Refusal(422)
            member_of = [self.resolve(name) for name in content["member_of"]]
            if subject in member_of or len(set(member_of)) < len(member_of):
                raise Refusal(422)
            return {**content, "member_of": member_of}
        if (
            content["date"] not in DATES
            or content["type"] not in TYPES
            or len(set(content["tags"])) < len(content["tags"])
        ):
            raise Refusal(422)
        content["location"] = content["location"] and placed(content["location"])
        content["actors"] = [
            {"id": self.resolve(actor["id"]), "role": actor.get("role", "participant")} for actor in content["actors"]
        ]
        content["claims"] = [self._claim(claim) for claim in content["claims"]]
        content["sources"] = [{**SOURCE, **source} for source in content["sources"]]
        twice = any(content["actors"].count(actor) > 1 for actor in content["actors"])
        if twice or any(relation["id"] == subject for relation in content["related"]):
            raise Refusal(422)
        if related and not self._relations_hold(content, ()):
            raise Refusal(422)
        return content

    def _claim(self, claim: Content) -> Content:
        claimant, of = claim.get("claimant"), claim.get("of")
        if claimant and "id" in claimant:
            claimant = {"id": self.resolve(claimant["id"])}
        return {**CLAIM, **claim, "claimant": claimant, "of": self.resolve(of) if of not in (None, "civilians") else of}

    def _relations_hold(self, content: Content, beside: Sequence[str | None]) -> bool:
        now = self._now(content["id"])
        already = (now.content or {})["related"] if now else ()
        there = {*self.living("event"), *beside, *(relation["id"] for relation in already)}
        return all(relation["id"] in there for relation in content["related"])


def judge(condition: str, now: Change | None) -> None:
    """condition: ``current``, ``stale`` or ``any`` (If-Match), ``absent`` (If-None-Match: \\*), or ``none``."""
    if condition == "none":
        raise Refusal(428)
    if (now is not None) if condition == "absent" else (now is None or condition == "stale"):
        raise Refusal(412)
