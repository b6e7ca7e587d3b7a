"""The page of events by Datasette, over the usual way's tables: a query kept in its metadata, answered as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Columns that hold JSON, which Datasette is asked to show as such.
JSON_COLUMNS = ("location", "actors", "casualties", "claims", "sources", "related", "tags")
QUERY = """
with named as (
  select id from actor where slug = :actor
  union
  select m.member_id from membership m join actor a on a.id = m.organisation_id where a.slug = :actor
)
select e.slug as id, e.title, e.summary, e.date, e.start, e."end", e.precision, e.qualifier, e.type, e.status,
  json_object('country', e.country, 'province', json_object('code', p.code, 'name', p.name), 'district', e.district,
    'place', e.place, 'latitude', e.latitude, 'longitude', e.longitude, 'precision', e.place_precision,
    'as_given', e.as_given) as location,
  (select json_group_array(json_object('id', slug, 'name', name, 'role', role)) from (
    select a.slug, a.name, t.role from participation t join actor a on a.id = t.actor_id
    where t.event_id = e.id order by t.id)) as actors,
  (select json_group_object(measure, json_object('low', low, 'best', best, 'high', high,
    'disputed', json(iif(disputed, 'true', 'false')))) from figure where event_id = e.id) as casualties,
  (select json_group_array(json_object(
    'claimant', case when slug is not null then json_object('id', slug, 'name', name)
      when claimant_name is not null then json_object('name', claimant_name) end,
    'stance', stance, 'statement', statement, 'measure', measure, 'of', "of", 'low', low, 'best', best, 'high', high,
    'source', source, 'date', date, 'preferred', json(iif(preferred, 'true', 'false')))) from (
    select c.*, a.slug, a.name from claim c left join actor a on a.id = c.claimant_id
    where c.event_id = e.id order by c.id)) as claims,
  (select json_group_array(json_object('ref', ref, 'publisher', publisher, 'title', title, 'url', url,
    'published', published, 'via', via)) from (select * from source where event_id = e.id order by id)) as sources,
  (select json_group_array(json_object('id', related, 'relation', relation)) from (
    select * from relation where event_id = e.id order by id)) as related,
  (select json_group_array(name) from (
    select g.name from eventtag t join tag g on g.id = t.tag_id where t.event_id = e.id order by t.id)) as tags,
  e.dataset, e.version, e.created, e.updated
from event e join province p on p.id = e.province_id
where p.code = :province and e.start < date(:to, '+1 day') and e."end" >= :from
  and exists (select 1 from participation t where t.event_id = e.id and t.actor_id in named)
order by e.start, e.slug
limit :limit
"""


def write_metadata(file: Path, database: Path) -> None:
    """The description of the database that holds the query."""
    query = {"sql": QUERY, "params": ["actor", "province", "from", "to", "limit"]}
    file.write_text(json.dumps({"databases": {database.stem: {"queries": {"events": query}}}}))


def command(database: Path, metadata: Path) -> list[str]:
    """How Datasette is started. Its limit of one second is lifted, so that no page is refused where it takes longer."""
    served = [sys.executable, "-m", "datasette", "serve", str(database), "--metadata", str(metadata)]
    return [*served, "--host", "127.0.0.1", "--port", "{port}", "--setting", "sql_time_limit_ms", "60000"]


def path(database: Path, asked: str) -> str:
    """Where the query stands that Dateline answers at that path."""
    columns = "".join(f"&_json={name}" for name in JSON_COLUMNS)
    return f"/{database.stem}/events.json?{asked.partition('?')[2]}&_shape=array{columns}"
