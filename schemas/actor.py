"""The actor as it may be written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from schemas import vocabulary
from schemas.fields import ID_FORM, Body, Choice, Faulting, Listing, Text, fault, kind_of, unstorable

DESCRIPTION_LIMIT = 20_000
ALIASES_LIMIT = 200
EXTERNAL_IDS_LIMIT = 50


class ExternalIds(Faulting):
    """The ids that datasets give the actor: ``{"ucdp": "303"}``; null is none."""

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return {} if value is None else super().deserialize(value, *args, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise fault("wrong-type", f"must be an object, not {kind_of(value)}")
        if len(value) > EXTERNAL_IDS_LIMIT:
            raise fault("too-many", f"has {len(value)} members; at most {EXTERNAL_IDS_LIMIT} are allowed")
        text = Text(blank=False)
        faults = {}
        for scheme, external in value.items():
            try:
                if not ID_FORM.match(scheme) or unstorable(scheme):
                    raise fault("wrong-form", "the name of a dataset is lower-case letters, digits, '.', '_' and '-'")
                text.deserialize(external)
            except ValidationError as error:
                faults[scheme] = error.messages
        if faults:
            raise ValidationError(faults)
        return dict(value)


class ActorBody(Body):
    """An actor as it may be written. Loads with organisations still as given and every default filled in."""

    ignored = frozenset({"events", "first", "last", "version", "created", "updated"})

    id = Text(form=ID_FORM, allow_none=True, load_default=None)
    name = Text(blank=False, required=True)
    aliases = Listing(Text(blank=False), ALIASES_LIMIT)
    kind = Choice(vocabulary.ACTOR_KINDS, allow_none=True, load_default=None)
    member_of = Listing(Text(blank=False), ALIASES_LIMIT)
    country = Text(allow_none=True, load_default=None)
    description = Text(DESCRIPTION_LIMIT, allow_none=True, load_default=None)
    external_ids = ExternalIds(allow_none=True, load_default=dict)
