"""Writes the expectation beside every golden document: `python -m tests.invoicing.regenerate`."""

from __future__ import annotations

import sys

from tests.invoicing.golden_files import DOCUMENT_FILES, described, expected_path


def main() -> None:
    """Rewrites the expectations that differ and names them."""
    for path in DOCUMENT_FILES:
        expected, text = expected_path(path), described(path.read_bytes())
        if not expected.exists() or expected.read_text(encoding="utf-8") != text:
            expected.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{expected.name}\n")


if __name__ == "__main__":
    main()
