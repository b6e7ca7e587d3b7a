"""Holds the events that are under way while the timeline is read, by the areas and actors that others may share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import floor

from service.likeness import Facts

# Degrees of latitude of the bands in which events without a province look for each other: a little more than the
# distance that counts as near, so that this is within a band and its neighbours.
BAND = 0.25

Area = tuple[object, ...]


class UnderWay:
    """The events that can be near duplicates of one to come, by the areas and the actors that they share with it.

    They are told by dataset, so that those of one dataset need not be gone through for its own.
    """

    def __init__(self, within_datasets: bool) -> None:
        self._within_datasets = within_datasets
        self._held: dict[tuple[Area, str], dict[str, list[Facts]]] = {}

    def candidates(self, event: Facts) -> Iterable[Facts]:
        """Those that share an area, a day and an actor with it, each once."""
        found: dict[int, Facts] = {}
        for area in _looked_at(event):
            for actor in event.actors:
                held = self._held.get((area, actor), {})
                for dataset, events in held.items():
                    if dataset != event.dataset or self._within_datasets:
                        # What came to its end before this day can touch nothing that is to come.
                        held[dataset] = [other for other in events if _leaves(other) >= event.day]
                        found.update((other.num, other) for other in held[dataset])
        return found.values()

    def add(self, event: Facts) -> None:
        for area in _held_in(event):
            for actor in event.actors:
                self._held.setdefault((area, actor), {}).setdefault(event.dataset, []).append(event)

    def forget(self, day: int) -> None:
        """Drop everything that ended before a day, also where nobody will look again."""
        for key, held in list(self._held.items()):
            left = {dataset: kept for dataset, events in held.items() if (kept := _under_way(events, day))}
            if left:
                self._held[key] = left
            else:
                del self._held[key]


def _under_way(events: Iterable[Facts], day: int) -> list[Facts]:
    return [event for event in events if _leaves(event) >= day]


def _leaves(event: Facts) -> int:
    """The last day on which an event that can be compared with it has its place. A long span waits for the same."""
    return event.day if event.long or event.last is None else event.last


def _held_in(event: Facts) -> Iterator[Area]:
    """The areas in which others find it: the largest unit that its province is part of, and a band of latitude."""
    if event.units:
        yield (event.units[-1],)
    if event.point and event.country:
        yield event.country, floor(event.point[0] / BAND), bool(event.units)


def _looked_at(event: Facts) -> Iterator[Area]:
    """The areas in which it finds others. Coordinates count only where one of the two has no province."""
    if event.units:
        yield (event.units[-1],)
    if event.point and event.country:
        band = floor(event.point[0] / BAND)
        for near in (band - 1, band, band + 1):
            yield event.country, near, False
            if not event.units:
                yield event.country, near, True
