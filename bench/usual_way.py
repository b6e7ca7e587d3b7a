"""The page of events made the usual way: Flask, peewee models with prefetch, and a marshmallow dump.

It follows the documentation of those libraries: a connection for each request and child rows by ``prefetch``
(peewee), arguments and answer through schemas (marshmallow), a dict returned from the view (Flask). Nothing
in it is slow on purpose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Flask, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from peewee import JOIN, fn, prefetch

from bench.usual_tables import (
    Actor,
    Claim,
    Event,
    EventTag,
    Figure,
    Membership,
    Participation,
    Province,
    Relation,
    Source,
    Tag,
    database,
    use,
)

DATABASE_VARIABLE = "BENCH_USUAL_DATABASE"


class QuerySchema(Schema):
    actor = fields.String(required=True)
    province = fields.String(required=True)
    from_ = fields.Date(data_key="from", required=True)
    to = fields.Date(required=True)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))
    page = fields.Integer(load_default=1, validate=validate.Range(1))


class ProvinceSchema(Schema):
    code = fields.String()
    name = fields.String()


class LocationSchema(Schema):
    country = fields.String()
    province = fields.Nested(ProvinceSchema, allow_none=True)
    district = fields.String()
    place = fields.String()
    latitude = fields.Float()
    longitude = fields.Float()
    precision = fields.String(attribute="place_precision")
    as_given = fields.String()


class ParticipationSchema(Schema):
    id = fields.String(attribute="actor.slug")
    name = fields.String(attribute="actor.name")
    role = fields.String()


class FigureSchema(Schema):
    low = fields.Integer()
    best = fields.Integer()
    high = fields.Integer()
    disputed = fields.Boolean()


class ClaimSchema(Schema):
    claimant = fields.Method("dump_claimant")
    stance = fields.String()
    statement = fields.String()
    measure = fields.String()
    of = fields.String()
    low = fields.Integer()
    best = fields.Integer()
    high = fields.Integer()
    source = fields.String()
    date = fields.String()
    preferred = fields.Boolean()

    def dump_claimant(self, claim: Any) -> dict[str, str] | None:
        if claim.claimant_id is not None:
            return {"id": claim.claimant.slug, "name": claim.claimant.name}
        return {"name": claim.claimant_name} if claim.claimant_name else None


class SourceSchema(Schema):
    ref = fields.String()
    publisher = fields.String()
    title = fields.String()
    url = fields.String()
    published = fields.String()
    via = fields.String()


class RelationSchema(Schema):
    id = fields.String(attribute="related")
    relation = fields.String()


class EventSchema(Schema):
    id = fields.String(attribute="slug")
    title = fields.String()
    summary = fields.String()
    date = fields.String()
    start = fields.String()
    end = fields.String()
    precision = fields.String()
    qualifier = fields.String()
    type = fields.String()
    status = fields.String()
    location = fields.Method("dump_location")
    actors = fields.List(fields.Nested(ParticipationSchema), attribute="participations")
    casualties = fields.Method("dump_casualties")
    claims = fields.List(fields.Nested(ClaimSchema))
    sources = fields.List(fields.Nested(SourceSchema))
    related = fields.List(fields.Nested(RelationSchema), attribute="relations")
    tags = fields.Function(lambda event: [row.tag.name for row in event.event_tags])
    dataset = fields.String()
    version = fields.Integer()
    created = fields.String()
    updated = fields.String()

    def dump_location(self, event: Any) -> Any:
        return None if event.country is None else location_schema.dump(event)

    def dump_casualties(self, event: Any) -> dict[str, Any]:
        return {figure.measure: figure_schema.dump(figure) for figure in event.figures}


query_schema = QuerySchema(unknown=EXCLUDE)
location_schema = LocationSchema()
figure_schema = FigureSchema()
events_schema = EventSchema(many=True)


def _chosen_keys(query: Mapping[str, Any]) -> list[int]:
    """Keys, in order of time, of the events that touch from..to and have the actor or a member of it.

    One more than asked for tells whether there is a next page, which is cheaper than counting.
    """
    actor = Actor.get(Actor.slug == query["actor"])
    province = Province.get(Province.code == query["province"])
    members: Any = Membership.select(Membership.member).where(Membership.organisation == actor)
    named = [actor.id, *(member for (member,) in members.tuples())]
    takes_part = fn.EXISTS(
        Participation.select(Participation.id).where(Participation.actor.in_(named), Participation.event == Event.id)
    )
    chosen: Any = (
        Event.select(Event.id)
        .where(
            Event.province == province,
            Event.start < str(query["to"] + timedelta(days=1)),
            Event.end >= str(query["from_"]),
            takes_part,
        )
        .order_by(Event.start, Event.slug)
        .offset((query["page"] - 1) * query["limit"])
        .limit(query["limit"] + 1)
    )
    return [key for (key,) in chosen.tuples()]


def make_page(query: Mapping[str, Any]) -> dict[str, Any]:
    """One page in the shape of ``GET /v1/events``."""
    keys = _chosen_keys(query)
    page, limit = query["page"], query["limit"]
    # prefetch repeats the parents' query in that of each kind of child; given the keys, it repeats no costly
    # filter, which is faster from about 10,000 events on.
    events = prefetch(
        Event.select(Event, Province)
        .join(Province)
        .where(Event.id.in_(keys[:limit]))
        .order_by(Event.start, Event.slug),
        Participation.select(Participation, Actor).join(Actor).order_by(Participation.id),
        Claim.select(Claim, Actor).join(Actor, JOIN.LEFT_OUTER).order_by(Claim.id),
        Source.select().order_by(Source.id),
        Figure.select().order_by(Figure.id),
        EventTag.select(EventTag, Tag).join(Tag).order_by(EventTag.id),
        Relation.select().order_by(Relation.id),
    )
    asked = {name: str(query[name]) for name in ("actor", "province", "to")} | {"from": str(query["from_"])}
    following = f"/v1/events?page={page + 1}" if len(keys) > limit else None
    return {"events": events_schema.dump(events), "next": following, "query": asked, "sequence": 1}


def create_app() -> Flask:
    """The application over the database that the environment names."""
    use(os.environ[DATABASE_VARIABLE])
    app = Flask("usual_way")
    # Without this Flask sorts every object's keys, which costs time and changes the order of the fields.
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.before_request
    def connect() -> None:
        database.connect(reuse_if_open=True)

    @app.teardown_request
    def close(_: BaseException | None) -> None:
        if not database.is_closed():
            database.close()

    @app.get("/v1/events")
    def list_events() -> Any:
        try:
            query = query_schema.load(request.args)
        except ValidationError as error:
            return {"errors": error.messages}, 422
        return make_page(query)

    return app
