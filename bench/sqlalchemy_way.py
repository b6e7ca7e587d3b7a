"""The page of events by FastAPI and SQLAlchemy, over the usual way's tables.

It follows the documentation of both: declarative models, a session for each request by a dependency, children by
``selectinload``, and an answer by a response model that reads attributes. Nothing in it is slow on purpose.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship, selectinload

from bench.usual_way import DATABASE_VARIABLE


class Base(DeclarativeBase):
    pass


class Actor(Base):
    __tablename__ = "actor"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]


class Membership(Base):
    __tablename__ = "membership"
    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)


class Province(Base):
    __tablename__ = "province"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(index=True)


class Participation(Base):
    __tablename__ = "participation"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)
    role: Mapped[str]
    actor: Mapped[Actor] = relationship()

    @property
    def slug(self) -> Any:
        return self.actor.slug

    @property
    def name(self) -> Any:
        return self.actor.name


class Source(Base):
    __tablename__ = "source"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    ref: Mapped[str]
    publisher: Mapped[str | None]
    title: Mapped[str | None]
    url: Mapped[str | None]
    published: Mapped[str | None]
    via: Mapped[str | None]


class Claim(Base):
    __tablename__ = "claim"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    claimant_id: Mapped[int | None] = mapped_column(ForeignKey("actor.id"), index=True)
    claimant_name: Mapped[str | None]
    stance: Mapped[str]
    statement: Mapped[str | None]
    measure: Mapped[str | None]
    of: Mapped[str | None]
    low: Mapped[int | None]
    best: Mapped[int | None]
    high: Mapped[int | None]
    source: Mapped[str | None]
    date: Mapped[str | None]
    preferred: Mapped[bool]
    actor: Mapped[Actor | None] = relationship()

    @property
    def claimant(self) -> Any:
        if self.actor is not None:
            return self.actor
        return {"name": self.claimant_name} if self.claimant_name else None


class Figure(Base):
    __tablename__ = "figure"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    measure: Mapped[str]
    low: Mapped[int]
    best: Mapped[int | None]
    high: Mapped[int]
    disputed: Mapped[bool]


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class EventTag(Base):
    __tablename__ = "eventtag"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), index=True)
    tag: Mapped[Tag] = relationship()


class Relation(Base):
    __tablename__ = "relation"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    related: Mapped[str] = mapped_column(index=True)
    relation: Mapped[str]


class Event(Base):
    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    summary: Mapped[str | None]
    date: Mapped[str]
    start: Mapped[str] = mapped_column(index=True)
    end: Mapped[str] = mapped_column(index=True)
    precision: Mapped[str]
    qualifier: Mapped[str | None]
    type: Mapped[str] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(index=True)
    country: Mapped[str | None] = mapped_column(index=True)
    province_id: Mapped[int | None] = mapped_column(ForeignKey("province.id"), index=True)
    district: Mapped[str | None]
    place: Mapped[str | None]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    place_precision: Mapped[str | None]
    as_given: Mapped[str | None]
    dataset: Mapped[str] = mapped_column(index=True)
    version: Mapped[int]
    created: Mapped[str]
    updated: Mapped[str]
    province: Mapped[Province | None] = relationship()
    participations: Mapped[list[Participation]] = relationship(order_by=Participation.id)
    claims: Mapped[list[Claim]] = relationship(order_by=Claim.id)
    sources: Mapped[list[Source]] = relationship(order_by=Source.id)
    figures: Mapped[list[Figure]] = relationship(order_by=Figure.id)
    event_tags: Mapped[list[EventTag]] = relationship(order_by=EventTag.id)
    relations: Mapped[list[Relation]] = relationship(order_by=Relation.id)

    @property
    def location(self) -> Event | None:
        return None if self.country is None else self

    @property
    def casualties(self) -> dict[Any, Figure]:
        return {figure.measure: figure for figure in self.figures}

    @property
    def tags(self) -> list[Any]:
        return [row.tag.name for row in self.event_tags]


class Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class NamedAnswer(Answer):
    name: str


class ActorAnswer(Answer):
    id: str = Field(validation_alias="slug")
    name: str


class PartAnswer(ActorAnswer):
    role: str


class ProvinceAnswer(Answer):
    code: str
    name: str


class LocationAnswer(Answer):
    country: str
    province: ProvinceAnswer | None
    district: str | None
    place: str | None
    latitude: float | None
    longitude: float | None
    precision: str | None = Field(validation_alias="place_precision")
    as_given: str | None


class FigureAnswer(Answer):
    low: int
    best: int | None
    high: int
    disputed: bool


class ClaimAnswer(Answer):
    claimant: ActorAnswer | NamedAnswer | None
    stance: str
    statement: str | None
    measure: str | None
    of: str | None
    low: int | None
    best: int | None
    high: int | None
    source: str | None
    date: str | None
    preferred: bool


class SourceAnswer(Answer):
    ref: str
    publisher: str | None
    title: str | None
    url: str | None
    published: str | None
    via: str | None


class RelationAnswer(Answer):
    id: str = Field(validation_alias="related")
    relation: str


class EventAnswer(Answer):
    id: str = Field(validation_alias="slug")
    title: str
    summary: str | None
    date: str
    start: str
    end: str
    precision: str
    qualifier: str | None
    type: str
    status: str
    location: LocationAnswer | None
    actors: list[PartAnswer] = Field(validation_alias="participations")
    casualties: dict[str, FigureAnswer]
    claims: list[ClaimAnswer]
    sources: list[SourceAnswer]
    related: list[RelationAnswer] = Field(validation_alias="relations")
    tags: list[str]
    dataset: str
    version: int
    created: str
    updated: str


class PageAnswer(Answer):
    events: list[EventAnswer]
    next: str | None
    query: dict[str, str]


class PageQuery(BaseModel):
    actor: str
    province: str
    from_: date = Field(alias="from")
    to: date
    limit: int = Field(100, ge=1, le=1000)
    page: int = Field(1, ge=1)


def open_session(request: Request) -> Iterator[Session]:
    with Session(request.app.state.engine) as session:
        yield session


def list_events(query: Annotated[PageQuery, Query()], session: Annotated[Session, Depends(open_session)]) -> Any:
    """One page in the shape of ``GET /v1/events``; one event more than asked for tells whether there is another."""
    actor = session.scalar(select(Actor).where(Actor.slug == query.actor))
    province = session.scalar(select(Province).where(Province.code == query.province))
    if actor is None or province is None:
        raise HTTPException(404)
    members = session.scalars(select(Membership.member_id).where(Membership.organisation_id == actor.id))
    chosen = (
        select(Event)
        .where(
            Event.province_id == province.id,
            Event.start < str(query.to + timedelta(days=1)),
            Event.end >= str(query.from_),
            Event.participations.any(Participation.actor_id.in_([actor.id, *members])),
        )
        .order_by(Event.start, Event.slug)
        .offset((query.page - 1) * query.limit)
        .limit(query.limit + 1)
        .options(
            joinedload(Event.province),
            selectinload(Event.participations).joinedload(Participation.actor),
            selectinload(Event.claims).joinedload(Claim.actor),
            selectinload(Event.sources),
            selectinload(Event.figures),
            selectinload(Event.event_tags).joinedload(EventTag.tag),
            selectinload(Event.relations),
        )
    )
    events = session.scalars(chosen).all()
    following = f"/v1/events?page={query.page + 1}" if len(events) > query.limit else None
    asked = {"actor": query.actor, "province": query.province, "from": str(query.from_), "to": str(query.to)}
    return {"events": events[: query.limit], "next": following, "query": asked}


def create_app() -> FastAPI:
    """The application over the SQLite file that the environment names."""
    app = FastAPI()
    # A request may be carried out by several threads, one after the other.
    threads = {"check_same_thread": False}
    app.state.engine = create_engine(f"sqlite:///{os.environ[DATABASE_VARIABLE]}", connect_args=threads)
    app.add_api_route("/v1/events", list_events, response_model=PageAnswer)
    return app
