"""What the golden dossier looks like on disk, and the one command that writes it anew:

python -m tests.handover.golden_files
"""

from io import BytesIO

import pypdf

from assets.handover.dossier import dossier_json, write_dossier
from assets.handover.paper import dossier_pdf
from tests.handover.cases import AS_OF, GOLDEN, TEMPLATES, enclosed, facts


def readings() -> dict[str, str]:
    """Everything a reader could read of the dossier, by file name."""
    document = write_dossier(facts(), enclosed(), AS_OF, is_rehearsal=False)
    return {
        "dossier.json": dossier_json(document).decode("utf-8"),
        "dossier.nl.txt": read_pdf(dossier_pdf(document, TEMPLATES, "nl")),
        "dossier.en.txt": read_pdf(dossier_pdf(document, TEMPLATES, "fr")),
    }


def read_pdf(content: bytes) -> str:
    """The text of all pages, in the order it was set."""
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages) + "\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in readings().items():
        (GOLDEN / name).write_text(text, encoding="utf-8", newline="\n")
