"""What kind of 'no' a refusal is, where the caller must tell them apart: the command's exit code follows from it."""

from assets.operations.refusal import Refusal


class Problem(Refusal):
    """Something a person can mend: `what` is wrong, `where` it was seen, and the `remedy`."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where, remedy)

    def sentence(self) -> str:
        """The refusal as one paragraph, for logs and lists."""
        parts = [f"{self.what.rstrip('.')}."]
        if self.where:
            parts.append(f"Where: {self.where.rstrip('.')}.")
        if self.what_to_do:
            parts.append(f"What to do: {self.what_to_do.rstrip('.')}.")
        return " ".join(parts)


class UsageProblem(Problem):
    """Wrong usage or configuration: nothing was done (exit code 2)."""


class DataProblem(Problem):
    """The day stopped on data: what had landed stays, nothing was sent (exit code 3)."""
