"""A SQL statement as it grows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Sql:
    """The text of a statement, with its parameters in the order of their marks."""

    text: str = ""
    parameters: list[object] = field(default_factory=list)

    def add(self, text: str, *parameters: object) -> None:
        self.text += text
        self.parameters += parameters
