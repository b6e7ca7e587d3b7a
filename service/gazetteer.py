"""Turns names of countries and provinces into ISO 3166 codes, from tables alone and with no database."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import pycountry
from rapidfuzz import fuzz, process

from schemas.names import fold, remember_short


@dataclass(frozen=True, slots=True)
class Province:
    """A unit of ISO 3166-2, of any level.

    code: ``AF-PAN``. name: the usual English name. aliases: other names, the registry's own among them,
    sorted. country: ISO 3166-1 alpha-2. parent: code of the unit it is part of, None on the first level.
    """

    code: str
    name: str
    aliases: tuple[str, ...]
    country: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Country:
    """A country: ISO 3166-1 alpha-2 code and usual English name. Kosovo has the user-assigned code XK."""

    code: str
    name: str


# Letters that NFKD leaves whole although people type them without their marks.
_PLAIN_LETTERS = str.maketrans(
    {
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "\N{LATIN SMALL LETTER SCHWA}": "a",
        "\N{LATIN CAPITAL LETTER SCHWA}": "a",
        "\N{LATIN SMALL LETTER TURNED E}": "a",
        "ø": "o",
        "Ø": "o",
        "ł": "l",
        "Ł": "l",
        "đ": "d",
        "Đ": "d",
        "ð": "d",
        "Ð": "d",
        "ħ": "h",
        "Ħ": "h",
        "æ": "ae",
        "Æ": "ae",
        "œ": "oe",
        "Œ": "oe",
        "þ": "th",
        "Þ": "th",
    }
)
_WORD_ENDS = re.compile("[\\s,/\N{EN DASH}-]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


# Words for a whole first-level unit, which datasets use one for another ("Paktya province", "Kabul wilayat").
# "Zone" is left out on purpose: Nepal's and Ethiopia's zones are other areas than the provinces of like name.
_KINDS = _words(
    """
    province provinces provincia provincie provinsi provinz oblast oblasts oblasty oblysy oblasti voblast
    voblasc governorate governate muhafazah muhafaza wilaya wilayat wilayah velayat vilayet viloyat viloyati
    ostan ustan state states estado etat region regions regiao regione republic respublika republika
    respublikasi department departamento departement division territory krai kray okrug okrugs autonomous
    avtonomnyy avtonomnaya autonoma prefecture emirate canton voivodeship voivodship zupanija lan lani
    maakond novads apskritis miestas sheng zizhiqu changwat tinh comunidad principado land landskapet kommune
    """
)
# Words for smaller units, with the types they suit: "Kandahar district" is only a part of the province.
_NARROW_KINDS = {
    "district": ("district", "popularate", "division", "borough", "atoll"),
    "distrito": ("district",),
    "rayon": ("rayon", "district"),
    "raion": ("rayon", "district"),
    "city": ("city", "capital", "municipality", "metropolitan", "administration", "district"),
    "ciudad": ("city",),
    "municipality": ("municipality", "city", "commune"),
    "municipio": ("municipality",),
    "commune": ("commune", "municipality"),
    "town": ("town",),
    "borough": ("borough",),
    "parish": ("parish",),
    "county": ("county", "department", "district", "city"),
    "counties": ("county",),
}
_LINKS = _words("of de del do da di du des the la le les el")
_ARTICLES = _words("al ad an ar as ash at az el the")
# What is left of "Federal District" or "Free State" names no place.
_NOT_A_NAME = _words("autonomous administrative capital federal free metropolitan national special union the new")
# Below this likeness (0 to 100) a suggestion would be noise.
_LEAST_SIMILARITY = 60.0


def _key(name: str) -> str:
    """The form names compare in here: `fold`, with apostrophe-like letters and barred letters made plain."""
    if name.isascii():
        return fold(name)
    plain = "".join(char for char in name if unicodedata.category(char) != "Lm")
    return fold(plain.translate(_PLAIN_LETTERS))


def _rows(table: str) -> Iterator[list[str]]:
    text = resources.files("seed").joinpath("gazetteer", table).read_text(encoding="utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    return rows


def _without_brackets(name: str) -> str:
    """``Wales [Cymru GB-CYM]`` as the registry has it → ``Wales``."""
    return re.sub(r"\s*(\(.*?\)|\[.*?\]|†)", "", name).strip()


def _words_off(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Shorter and shorter forms of a name, each as its key and the words taken off so far."""
    words = [key for word in _WORD_ENDS.split(name) if (key := _key(word))]
    taken: list[str] = []
    while len(words) > 1:
        if words[-1] in _KINDS or words[-1] in _NARROW_KINDS:
            taken.append(words.pop())
        elif words[-1] in _LINKS and (words[-2] in _KINDS or words[-2] in _NARROW_KINDS):
            words.pop()
            continue
        elif words[0] in _KINDS or words[0] in _NARROW_KINDS:
            taken.append(words.pop(0))
            while len(words) > 1 and words[0] in _LINKS:
                words.pop(0)
        elif words[0] in _ARTICLES:
            words.pop(0)
        else:
            return
        if not all(word in _NOT_A_NAME for word in words):
            yield "".join(words), tuple(taken)


# Codes of units by the key of what they are called.
Codes = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Index:
    """Every unit by code, and codes by key: of names, which are trusted most, and of aliases."""

    units: dict[str, Province]
    kinds: dict[str, str]
    depth: dict[str, int]
    exact: Codes
    alias: Codes


def _frozen(codes_by_key: dict[str, set[str]]) -> Codes:
    return {key: tuple(sorted(codes)) for key, codes in codes_by_key.items() if key}


@cache
def _index() -> _Index:
    names = {code: name for code, name in _rows("names.csv")}
    given: dict[str, list[str]] = defaultdict(list)
    for code, alias, _source in _rows("aliases.csv"):
        given[code].append(alias)
    units: dict[str, Province] = {}
    kinds: dict[str, str] = {}
    exact: dict[str, set[str]] = defaultdict(set)
    alias_keys: dict[str, set[str]] = defaultdict(set)
    for unit in sorted(pycountry.subdivisions, key=lambda unit: str(unit.code)):
        code, registered = str(unit.code), str(unit.name)
        name = names.get(code, registered)
        own = _without_brackets(registered) or registered
        aliases = sorted({own, *given[code]} - {name})
        units[code] = Province(code, name, tuple(aliases), str(unit.country_code), unit.parent_code)
        kinds[code] = str(unit.type).casefold()
        for full in (name, registered):
            exact[_key(full)].add(code)
        for other in aliases:
            alias_keys[_key(other)].add(code)
    for code in units:
        # "afpan" is a code without its hyphen; "maine" is a name although MA-INE would read the same.
        if _key(code) not in exact and _key(code) not in alias_keys:
            exact[_key(code)].add(code)
    depth = {code: _depth(units, code) for code in units}
    return _Index(units, kinds, depth, _frozen(exact), _frozen(alias_keys))


@cache
def _forms() -> Codes:
    """Codes by the keys of names and aliases with generic words taken off: the lowest level of trust."""
    forms: dict[str, set[str]] = defaultdict(set)
    for unit in _index().units.values():
        for name in (unit.name, *unit.aliases):
            for key, _taken in _words_off(name):
                forms[key].add(unit.code)
    return _frozen(forms)


def _levels() -> Iterator[Codes]:
    """The levels of trust, the highest first. The last is made when a name is on none of the others."""
    yield _index().exact
    yield _index().alias
    yield _forms()


def _depth(units: dict[str, Province], code: str) -> int:
    parent = units[code].parent
    return 0 if parent is None or parent not in units else 1 + _depth(units, parent)


@lru_cache(maxsize=512)
def provinces(country: str | None = None) -> tuple[Province, ...]:
    """All units of a country (alpha-2), or of the world, sorted by code."""
    wanted = country.upper() if country else None
    return tuple(unit for unit in _index().units.values() if wanted in (None, unit.country))


def province(code: str) -> Province | None:
    """The unit with exactly this ISO 3166-2 code, in either case."""
    return _index().units.get(code.strip().upper())


def ancestors(code: str) -> tuple[str, ...]:
    """The unit it is part of, that one's own, and so on; empty on the first level and for an unknown code."""
    chain: list[str] = []
    unit = province(code)
    while unit is not None and unit.parent is not None:
        chain.append(unit.parent)
        unit = province(unit.parent)
    return tuple(chain)


def _fits(kind: str, taken: Iterable[str]) -> bool:
    """Whether words taken off a name suit the unit's type."""
    return all(any(sign in kind for sign in _NARROW_KINDS.get(word, ("",))) for word in taken)


def _chosen(codes: Iterable[str], country: str | None, taken: tuple[str, ...] = ()) -> tuple[Province, ...]:
    """Those of these units that the country and the words allow; of each country only the highest level."""
    index = _index()
    fitting = [
        code for code in codes if country in (None, index.units[code].country) and _fits(index.kinds[code], taken)
    ]
    highest: dict[str, int] = {}
    for code in fitting:
        owner = index.units[code].country
        highest[owner] = min(highest.get(owner, index.depth[code]), index.depth[code])
    return tuple(index.units[c] for c in fitting if index.depth[c] == highest[index.units[c].country])


@remember_short(8192)
def find_provinces(name: str, country: str | None = None) -> tuple[Province, ...]:
    """Every unit that a name can mean, sorted by code: none: unknown, one: resolved, several: ambiguous.

    A code or a name (the usual or the registry's) wins over an alias, and that over a form with generic
    words ("Panjshir Province", "Province of Kabul") taken off. Of one country the highest level wins.
    ``country`` is an alpha-2 code that leaves the others out.
    """
    key = _key(name)
    wanted = country.upper() if country else None
    if (coded := province(name)) is not None:
        return (coded,) if wanted in (None, coded.country) else ()
    for level in _levels():
        if found := _chosen(level.get(key, ()), wanted):
            return found
    for shorter, taken in _words_off(name):
        for level in _levels():
            if found := _chosen(level.get(shorter, ()), wanted, taken):
                return found
    return ()


@cache
def _keys_with_comma() -> frozenset[str]:
    units = _index().units.values()
    return frozenset(_key(name) for unit in units for name in (unit.name, *unit.aliases) if "," in name)


def is_one_province(text: str) -> bool:
    """Whether a text with commas is one name: whether a province's name holds a comma too."""
    return "," in text and _key(text) in _keys_with_comma()


@lru_cache(maxsize=64)
def _choices(country: str | None) -> tuple[list[str], list[str]]:
    """Parallel lists of the keys to compare with and the codes they stand for."""
    index = _index()
    pairs = [
        (key, code)
        for level in _levels()
        for key, codes in level.items()
        for code in codes
        if country in (None, index.units[code].country) and key != _key(code)
    ]
    return [key for key, _code in pairs], [code for _key, code in pairs]


def _scores(queries: Iterable[str], keys: list[str], codes: list[str]) -> dict[str, float]:
    """The best likeness (0 to 100) of a query to a key of each code; a name's beginning counts as near."""
    best: dict[str, float] = {}
    for query in queries:
        for _match, score, position in process.extract(
            query, keys, scorer=fuzz.ratio, limit=100, score_cutoff=_LEAST_SIMILARITY
        ):
            best[codes[position]] = max(score, best.get(codes[position], 0.0))
        if len(query) > 2:
            for key, code in zip(keys, codes, strict=True):
                if key.startswith(query):
                    best[code] = max(90.0, best.get(code, 0.0))
    return best


@remember_short(1024)
def near_provinces(name: str, country: str | None = None, limit: int = 5) -> tuple[Province, ...]:
    """Units with the likest names, the likest first. Suggestions for a person, never an answer."""
    queries = {key for key in (_key(name), *(key for key, _taken in _words_off(name))) if key}
    index = _index()
    best = _scores(queries, *_choices(country.upper() if country else None))
    ranked = sorted(best, key=lambda code: (-best[code], index.depth[code], code))
    return tuple(index.units[code] for code in ranked[:limit])


@cache
def countries() -> tuple[Country, ...]:
    """All countries of ISO 3166-1 and Kosovo, with usual English names, sorted by code."""
    names = {str(entry.alpha_2): str(entry.name) for entry in pycountry.countries}
    names.update({code: name for code, name in _rows("countries.csv")})
    return tuple(Country(code, names[code]) for code in sorted(names))


@cache
def _country_names() -> tuple[tuple[str, str], ...]:
    """Every name of every country and its code; the usual names stand last, above the aliases."""
    names = [(alias, code) for code, alias in _rows("country_aliases.csv")]
    for entry in pycountry.countries:
        for field in ("official_name", "common_name", "name", "alpha_3", "alpha_2"):
            if value := getattr(entry, field, None):
                names.append((str(value), str(entry.alpha_2)))
    for country in countries():
        names += [(country.name, country.code), (country.code, country.code)]
    return tuple(names)


@cache
def _country_keys() -> dict[str, str]:
    return {_key(name): code for name, code in _country_names()}


@cache
def _country_keys_with_comma() -> frozenset[str]:
    return frozenset(_key(name) for name, _code in _country_names() if "," in name)


def is_one_country(text: str) -> bool:
    """Whether a text with commas is one name: whether a country's name holds a comma too."""
    return "," in text and _key(text) in _country_keys_with_comma()


def country_code(name: str) -> str | None:
    """The alpha-2 code for a code (alpha-2 or alpha-3) or a name, or None.

    Knows the names and the spellings of the Gleditsch-Ward list that UCDP uses ("DR Congo (Zaire)").
    """
    return _country_keys().get(_key(name))


def near_countries(name: str) -> tuple[Country, ...]:
    """Countries with the likest names, the likest first."""
    pairs = [(key, code) for key, code in _country_keys().items() if len(key) > 3]
    query = _key(name)
    best = _scores([query] if query else [], [key for key, _code in pairs], [code for _key, code in pairs])
    known = {country.code: country for country in countries()}
    return tuple(known[code] for code in sorted(best, key=lambda code: (-best[code], code))[:5])
