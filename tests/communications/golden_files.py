"""What a golden case looks like on disk, and the one command that writes it anew:

    python -m tests.communications.golden_files

Look at the difference before you commit it: these files are what customers will read.
"""

from collections.abc import Mapping
from typing import Any

from assets.communications.content_check import read_pdf
from assets.communications.render import RenderEnvironment, open_environment, render_message
from tests.communications.golden_cases import GOLDEN, TEMPLATES, golden_rows
from tests.communications.reading import html_part, parse, scan, text_part

_HEADERS = ("From", "Reply-To", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Tijdig-Communication")


def readings(row: Mapping[str, Any], environment: RenderEnvironment) -> dict[str, str]:
    """Everything a receiver could read of one message, by file suffix."""
    rendered = render_message(row, environment)
    codes = "\n---\n".join(scan(rendered)) + "\n"
    if rendered.extension == "pdf":
        return {"letter.txt": read_pdf(rendered.content) + "\n", "qr.txt": codes}
    mail = parse(rendered)
    headers = "".join(f"{name}: {mail[name]}\n" for name in _HEADERS)
    return {"headers.txt": headers, "text.txt": text_part(rendered), "html": html_part(rendered), "qr.txt": codes}


def regenerate() -> list[str]:
    """Write every golden file; returns the names of those that changed."""
    environment = open_environment(TEMPLATES)
    changed = []
    for name, row in golden_rows().items():
        for suffix, text in readings(row, environment).items():
            path = GOLDEN / f"{name}.{suffix}"
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8", newline="\n")
                changed.append(path.name)
    return changed


if __name__ == "__main__":
    import sys

    sys.stdout.writelines(f"{name}\n" for name in regenerate())
