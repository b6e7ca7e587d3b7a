"""Makes the queries of the benchmark of combinations: every filter, every pair, many at once, and what sums up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from urllib.parse import urlencode

from bench.census import Census, commonest, rarest, strangers, word_in

# The filters that take a comma list of values, any of which an event may have.
LISTS = ("actor", "province", "country", "type", "status", "tag", "dataset", "publisher", "claimant")
# What a filter says nothing without, unless one of these is there: then the first is added.
NEEDED: Mapping[str, tuple[str, ...]] = {"role": ("actor",), "match": ("from", "to")}
WORD_SHARE = 1 / 3
OCEAN = "-40,-40,-30,-30"
ACROSS_THE_ANTIMERIDIAN = "60,20,-60,50"
PHRASE = '"air strike"'
MANY = 300
SORTED_BY_CHANGE = COUNTED = 60

# Names and values of a URL's parameters, in order; a name may stand twice.
Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the queries are made of: a common and a rare value of each filter, and all values to draw from."""

    common: Mapping[str, str]
    rare: Mapping[str, str]
    pool: Mapping[str, Sequence[str]]


def choose(census: Census) -> Choice:
    """The values by the census; the common text is the word that occurs in about a third of all events."""
    common = {name: commonest(census, name)[0] for name in census.found} | {"q": word_in(census, WORD_SHARE)}
    rare = {name: rarest(census, name) for name in census.found}
    pool = {
        name: list(dict.fromkeys((common[name], rare[name], *commonest(census, name)))) for name in sorted(census.found)
    }
    return Choice(common, rare, pool)


def url(parameters: Iterable[tuple[str, str]], path: str = "/v1/events") -> str:
    """The path and query string, with commas and slashes as they are, for reading."""
    query = urlencode(list(parameters), safe=",/")
    return f"{path}?{query}" if query else path


def _whole(choice: Choice, *parameters: tuple[str, str]) -> Parameters:
    """The parameters with the common value of what they need."""
    given = dict(parameters)
    lacking = [needed[0] for name, needed in NEEDED.items() if name in given and given.keys().isdisjoint(needed)]
    return (*parameters, *((name, choice.common[name]) for name in lacking))


def _possible(parameters: Parameters) -> bool:
    """Whether the range of time has its end after its beginning; another is refused."""
    given = dict(parameters)
    if "from" not in given or "to" not in given:
        return True
    return given["from"][: len(given["to"])] <= given["to"]


def _further(choice: Choice) -> list[Parameters]:
    """Single filters beyond a common and a rare value: lists, boxes, losses, texts and ranges of their own kind."""
    common, rare, pool = choice.common, choice.rare, choice.pool
    word, other = common["q"], next(word for word in pool["q"] if word not in (common["q"], rare["q"]))
    lists = [(name, ",".join(values)) for name in LISTS for values in (pool[name][::2], pool[name]) if len(values) > 1]
    texts = (PHRASE, f"{word[:3]}*", f"{other} -{word}", f"{word} OR {rare['q']}", f"{word} {other}", other)
    return [
        *((pair,) for pair in lists),
        tuple(("actor", actor) for actor in pool["actor"][::2][:2]),
        *((("bbox", box),) for box in (*pool["bbox"], OCEAN, ACROSS_THE_ANTIMERIDIAN)),
        *((("min_killed", losses),) for losses in pool["min_killed"]),
        *((("disputed", truth),) for truth in pool["disputed"]),
        *((("period", period),) for period in ("2017-06-14", "2010/2015", "1989/2024")),
        (("from", "2010-03"), ("to", "2010-03"), ("match", "certain")),
        (("from", "2010-03"), ("to", "2010-03")),
        (("to", common["to"]), ("match", "certain")),
        *((("q", text),) for text in texts),
    ]


def singles(choice: Choice) -> list[Parameters]:
    """Each filter by itself, with no more than it needs."""
    plain = [_whole(choice, (name, value[name])) for value in (choice.common, choice.rare) for name in choice.pool]
    return plain + _further(choice)


def pairs(choice: Choice, apart: Mapping[tuple[str, str], tuple[str, str]]) -> list[Parameters]:
    """Each pair of filters: both common, one of them rare, and two common values that are strangers to each other."""
    made: list[Parameters] = []
    for one, other in combinations(sorted(choice.pool), 2):
        values = (
            (choice.common[one], choice.common[other]),
            (choice.common[one], choice.rare[other]),
            (choice.rare[one], choice.common[other]),
            apart[one, other],
        )
        made += [_whole(choice, (one, value), (other, with_value)) for value, with_value in values]
    return made


def _drawn(random: Random, choice: Choice) -> Parameters:
    """Three to six filters with values that have nothing to do with each other, some of them lists."""
    parameters: list[tuple[str, str]] = []
    for name in random.sample(list(choice.pool), random.randint(3, 6)):
        several = 2 if name in LISTS and random.random() < 0.25 else 1
        values = random.sample(choice.pool[name], min(several, len(choice.pool[name])))
        parameters.append((name, ",".join(values)))
        if name == "actor" and random.random() < 0.2:
            parameters.append((name, random.choice(choice.pool[name])))
    return _whole(choice, *parameters)


def _matched(random: Random, choice: Choice, census: Census) -> Parameters:
    """Three to six filters with values that one and the same event has, so that the answer is seldom empty."""
    number = random.randrange(census.events)
    carried = {
        name: [value for value in values if census.finds(name, value, number)]
        for name, values in sorted(census.found.items())
    }
    names = [name for name, values in carried.items() if values]
    drawn = random.sample(names, random.randint(3, 6))
    return _whole(choice, *((name, random.choice(carried[name])) for name in drawn))


def many(choice: Choice, census: Census, count: int, seed: int) -> list[Parameters]:
    """That many combinations of three to six filters, every other one of the values of some event."""
    random = Random(f"combinations {seed}")
    made: dict[Parameters, None] = {}
    while len(made) < count:
        parameters = _matched(random, choice, census) if len(made) % 2 else _drawn(random, choice)
        if _possible(parameters):
            made[parameters] = None
    return list(made)


def _timelines(choice: Choice) -> tuple[list[str], list[str]]:
    """Timelines by month over everything and for the busiest actor, and those of other kinds."""
    busiest, path = ("actor", choice.common["actor"]), "/v1/timeline"
    month, year = ("bucket", "month"), (("bucket", "day"), ("from", "2015-01-01"), ("to", "2015-12-31"))
    none = ("events", "0")
    by_month = [url(whose, path) for whose in ((month,), (month, none), (month, busiest), (month, busiest, none))]
    others: list[Parameters] = [
        (),
        (("bucket", "auto"), busiest),
        (month, ("by", "type")),
        (month, ("by", "type"), none),
        (month, ("by", "type"), busiest),
        (month, ("by", "actor"), none),
        year,
        (*year, none),
        (*year, busiest),
    ]
    return by_month, [url(parameters, path) for parameters in others]


def _texts(choice: Choice) -> tuple[list[str], list[str]]:
    """Texts with an actor, newest first, and texts in other orders."""
    word, rare_word = ("q", choice.common["q"]), ("q", choice.rare["q"])
    words = [("q", text) for text in choice.pool["q"][:5]]
    busiest, rare = ("actor", choice.common["actor"]), ("actor", choice.rare["actor"])
    newest, best = ("sort", "-date"), ("sort", "relevance")
    phrase, beginning = ("q", PHRASE), ("q", f"{choice.common['q'][:3]}*")
    with_actor = [
        *(url((text, busiest, newest)) for text in (*words, phrase, beginning)),
        *(url((text, rare, newest)) for text in (word, rare_word)),
        url((word, busiest)),
    ]
    others = [url((word, newest)), url((word, best)), url((rare_word, best)), url((phrase, best))]
    return with_actor, [*others, url((word, busiest, best)), url((word, rare, best))]


def _facets(choice: Choice) -> list[str]:
    every = ("by", "actor,province,type,status,country,tag,publisher,dataset")
    whose: list[Parameters] = [(), (("actor", choice.common["actor"]),), (("actor", choice.rare["actor"]),)]
    return [url((every, *parameters), "/v1/facets") for parameters in whose]


def _urls(queries: Iterable[Parameters], *more: tuple[str, str]) -> list[str]:
    """The addresses of those that the service need not refuse, each once."""
    return list(dict.fromkeys(url((*parameters, *more)) for parameters in queries if _possible(parameters)))


def groups(census: Census, seed: int) -> dict[str, list[str]]:
    """The paths to ask for, by group, the same for the same census and seed."""
    choice = choose(census)
    alone, drawn = singles(choice), many(choice, census, MANY, seed)
    by_month, other_timelines = _timelines(choice)
    with_actor, other_texts = _texts(choice)
    return {
        "singles": _urls(alone),
        "pairs": _urls(pairs(choice, strangers(census))),
        "three and more": [
            url((*parameters, ("sort", "-date")) if number % 3 == 0 else parameters)
            for number, parameters in enumerate(drawn)
        ],
        "sort=-updated": _urls([*alone, *drawn[:SORTED_BY_CHANGE]], ("sort", "-updated")),
        "total=true": _urls([*alone, *drawn[:COUNTED]], ("total", "true")),
        "timeline by month": by_month,
        "other timelines": other_timelines,
        "text with an actor": with_actor,
        "other texts": other_texts,
        "facets": _facets(choice),
    }
