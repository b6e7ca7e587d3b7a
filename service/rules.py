"""The rules by which revisions become projections, and what keeps a store of other rules from being misread."""

from __future__ import annotations

import unicodedata

# Raise it with every change of what is made of an event (a term, a word, a row): a store whose projections were made by
# older rules is brought up to them when it is opened.
PROJECTION = 4
# The rules as a store remembers them. What is a letter and how it folds is told by Python's tables of Unicode.
RULES = f"{PROJECTION} unicode {unicodedata.unidata_version}"


class OtherRules(Exception):
    """The store's projections were made by other rules than this version's: to change or read them would be wrong."""


def refuse_other(rules: str) -> None:
    """Raises OtherRules for rules that are not this version's."""
    if rules != RULES:
        raise OtherRules(f"the store was made ready by other rules ({rules}) than this version's ({RULES})")


def are_newer(rules: str) -> bool:
    """Whether rules are those of a later version."""
    return int(rules.split()[0]) > PROJECTION
