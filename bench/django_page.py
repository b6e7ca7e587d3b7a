"""The page of events by Django REST framework: models, serializers and view. Django must know its settings before.

It follows the documentation of both: unmanaged models of tables that are there, ``select_related`` and
``prefetch_related``, model serializers, a generic list view, and pages by cursor, which count nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Prefetch
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework import generics, serializers
from rest_framework.pagination import CursorPagination


class Table(models.Model):
    class Meta:
        abstract = True
        app_label = "bench"
        managed = False


class Actor(Table):
    slug = models.CharField(max_length=255, unique=True)
    name = models.CharField(max_length=255, db_index=True)
    kind = models.CharField(max_length=255)

    class Meta(Table.Meta):
        db_table = "actor"


class Membership(Table):
    member = models.ForeignKey(Actor, models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Actor, models.CASCADE, related_name="members")

    class Meta(Table.Meta):
        db_table = "membership"


class Province(Table):
    code = models.CharField(max_length=255, unique=True)
    name = models.CharField(max_length=255, db_index=True)

    class Meta(Table.Meta):
        db_table = "province"


class Event(Table):
    slug = models.CharField(max_length=255, unique=True)
    title = models.CharField(max_length=255)
    summary = models.TextField(null=True)
    date = models.CharField(max_length=255)
    start = models.CharField(max_length=255, db_index=True)
    end = models.CharField(max_length=255, db_index=True)
    precision = models.CharField(max_length=255)
    qualifier = models.CharField(max_length=255, null=True)
    type = models.CharField(max_length=255, db_index=True)
    status = models.CharField(max_length=255, db_index=True)
    country = models.CharField(max_length=255, null=True, db_index=True)
    province = models.ForeignKey(Province, models.CASCADE, null=True, related_name="events")
    district = models.CharField(max_length=255, null=True)
    place = models.CharField(max_length=255, null=True)
    latitude = models.FloatField(null=True)
    longitude = models.FloatField(null=True)
    place_precision = models.CharField(max_length=255, null=True)
    as_given = models.CharField(max_length=255, null=True)
    dataset = models.CharField(max_length=255, db_index=True)
    version = models.IntegerField()
    created = models.CharField(max_length=255)
    updated = models.CharField(max_length=255)

    class Meta(Table.Meta):
        db_table = "event"


class Participation(Table):
    event = models.ForeignKey(Event, models.CASCADE, related_name="participations")
    actor = models.ForeignKey(Actor, models.CASCADE, related_name="participations")
    role = models.CharField(max_length=255)

    class Meta(Table.Meta):
        db_table = "participation"


class Source(Table):
    event = models.ForeignKey(Event, models.CASCADE, related_name="sources")
    ref = models.CharField(max_length=255)
    publisher = models.CharField(max_length=255, null=True)
    title = models.CharField(max_length=255, null=True)
    url = models.CharField(max_length=255, null=True)
    published = models.CharField(max_length=255, null=True)
    via = models.CharField(max_length=255, null=True)

    class Meta(Table.Meta):
        db_table = "source"


class Claim(Table):
    event = models.ForeignKey(Event, models.CASCADE, related_name="claims")
    claimant = models.ForeignKey(Actor, models.CASCADE, null=True, related_name="claims")
    claimant_name = models.CharField(max_length=255, null=True)
    stance = models.CharField(max_length=255)
    statement = models.TextField(null=True)
    measure = models.CharField(max_length=255, null=True)
    of = models.CharField(max_length=255, null=True)
    low = models.IntegerField(null=True)
    best = models.IntegerField(null=True)
    high = models.IntegerField(null=True)
    source = models.CharField(max_length=255, null=True)
    date = models.CharField(max_length=255, null=True)
    preferred = models.BooleanField()

    class Meta(Table.Meta):
        db_table = "claim"


class Figure(Table):
    event = models.ForeignKey(Event, models.CASCADE, related_name="figures")
    measure = models.CharField(max_length=255)
    low = models.IntegerField()
    best = models.IntegerField(null=True)
    high = models.IntegerField()
    disputed = models.BooleanField()

    class Meta(Table.Meta):
        db_table = "figure"


class Tag(Table):
    name = models.CharField(max_length=255, unique=True)

    class Meta(Table.Meta):
        db_table = "tag"


class EventTag(Table):
    event = models.ForeignKey(Event, models.CASCADE, related_name="event_tags")
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="event_tags")

    class Meta(Table.Meta):
        db_table = "eventtag"


class Relation(Table):
    event = models.ForeignKey(Event, models.CASCADE, related_name="relations")
    related = models.CharField(max_length=255, db_index=True)
    relation = models.CharField(max_length=255)

    class Meta(Table.Meta):
        db_table = "relation"


class ProvinceSerializer(serializers.ModelSerializer):
    class Meta:
        model = Province
        fields = ("code", "name")


class LocationSerializer(serializers.ModelSerializer):
    province = ProvinceSerializer()
    precision = serializers.CharField(source="place_precision")

    class Meta:
        model = Event
        fields = ("country", "province", "district", "place", "latitude", "longitude", "precision", "as_given")

    def to_representation(self, instance: Any) -> Any:
        return None if instance.country is None else super().to_representation(instance)


class ParticipationSerializer(serializers.ModelSerializer):
    id = serializers.CharField(source="actor.slug")
    name = serializers.CharField(source="actor.name")

    class Meta:
        model = Participation
        fields = ("id", "name", "role")


class ClaimantSerializer(serializers.Serializer):
    """Who made a claim: an actor, or the name of someone who is none."""

    def to_representation(self, instance: Any) -> Any:
        if instance.claimant is not None:
            return {"id": instance.claimant.slug, "name": instance.claimant.name}
        return {"name": instance.claimant_name} if instance.claimant_name else None


class ClaimSerializer(serializers.ModelSerializer):
    claimant = ClaimantSerializer(source="*")

    class Meta:
        model = Claim
        fields = (
            *("claimant", "stance", "statement", "measure", "of", "low", "best", "high"),
            *("source", "date", "preferred"),
        )


class FiguresByMeasure(serializers.ListSerializer):
    def to_representation(self, data: Any) -> Any:
        return {figure.measure: self.child.to_representation(figure) for figure in data.all()}


class FigureSerializer(serializers.ModelSerializer):
    class Meta:
        model = Figure
        list_serializer_class = FiguresByMeasure
        fields = ("low", "best", "high", "disputed")


class SourceSerializer(serializers.ModelSerializer):
    class Meta:
        model = Source
        fields = ("ref", "publisher", "title", "url", "published", "via")


class RelationSerializer(serializers.ModelSerializer):
    id = serializers.CharField(source="related")

    class Meta:
        model = Relation
        fields = ("id", "relation")


class EventSerializer(serializers.ModelSerializer):
    id = serializers.CharField(source="slug")
    location = LocationSerializer(source="*")
    actors = ParticipationSerializer(source="participations", many=True)
    casualties = FigureSerializer(source="figures", many=True)
    claims = ClaimSerializer(many=True)
    sources = SourceSerializer(many=True)
    related = RelationSerializer(source="relations", many=True)
    tags = serializers.SerializerMethodField()

    class Meta:
        model = Event
        fields = (
            *("id", "title", "summary", "date", "start", "end", "precision", "qualifier", "type", "status"),
            *("location", "actors", "casualties", "claims", "sources", "related", "tags", "dataset", "version"),
            *("created", "updated"),
        )

    def get_tags(self, event: Any) -> list[str]:
        return [row.tag.name for row in event.event_tags.all()]


class QuerySerializer(serializers.Serializer):
    actor = serializers.CharField()
    province = serializers.CharField()
    to = serializers.DateField()

    def get_fields(self) -> Any:
        # The name of this parameter cannot stand as that of a member of a class.
        return super().get_fields() | {"from": serializers.DateField()}


class EventPages(CursorPagination):
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    ordering = ("start", "slug")


class EventList(generics.ListAPIView):
    serializer_class = EventSerializer
    pagination_class = EventPages

    def get_queryset(self) -> Any:
        query = QuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        actor = get_object_or_404(Actor, slug=asked["actor"])
        members = Membership.objects.filter(organisation=actor).values_list("member_id", flat=True)
        named = [actor.pk, *members]
        takes_part = Participation.objects.filter(actor__in=named, event=OuterRef("pk"))
        return (
            Event.objects.filter(
                Exists(takes_part),
                province=get_object_or_404(Province, code=asked["province"]),
                start__lt=str(asked["to"] + timedelta(days=1)),
                end__gte=str(asked["from"]),
            )
            .select_related("province")
            .prefetch_related(
                Prefetch("participations", Participation.objects.select_related("actor").order_by("id")),
                Prefetch("claims", Claim.objects.select_related("claimant").order_by("id")),
                Prefetch("sources", Source.objects.order_by("id")),
                Prefetch("figures", Figure.objects.order_by("id")),
                Prefetch("event_tags", EventTag.objects.select_related("tag").order_by("id")),
                Prefetch("relations", Relation.objects.order_by("id")),
            )
        )


urlpatterns = [path("v1/events", EventList.as_view())]
