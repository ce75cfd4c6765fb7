"""One shape for every 'no': what is wrong, where, and what to do about it."""

from __future__ import annotations


class Refusal(Exception):
    """Something was asked that must not be done. The three parts are printed to the person who asked.

    Args:
        what: what is wrong, a full sentence without the final full stop.
        where: the file, field, row or setting it is wrong in.
        what_to_do: the next step for the person reading it.
    """

    def __init__(self, what: str, where: str, what_to_do: str) -> None:
        super().__init__(f"{what} ({where}). {what_to_do}")
        self.what = what
        self.where = where
        self.what_to_do = what_to_do

    def as_dict(self) -> dict[str, str]:
        """The same three parts for a JSON answer."""
        return {"what": self.what, "where": self.where, "what_to_do": self.what_to_do}
