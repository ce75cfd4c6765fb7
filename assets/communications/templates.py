"""The templates: found, hashed, and run where they can do no harm.

Templates are edited by people who are not programmers, so Jinja runs in its immutable sandbox, an unknown variable is an error, a
null is an error where it would be printed, and both a template and its outcome have a largest size. Wording is plain text and is
escaped by the layout it goes into; a layout whose name ends in `.html.j2` escapes every value.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, UndefinedError, meta
from jinja2.environment import Environment
from jinja2.sandbox import ImmutableSandboxedEnvironment

from assets.communications.formats import LANGUAGES
from assets.communications.kinds import KINDS
from assets.communications.messages import MissingVariable, TemplateBroken, UnknownTemplate

MAX_TEMPLATE_BYTES = 64 * 1024
MAX_OUTCOME_CHARACTERS = 2 * 1024 * 1024
MESSAGE_KINDS = tuple(KINDS)
# A registered letter is the same letter, handed over at a counter.
TEMPLATE_CHANNELS = {"email": "email", "letter": "letter", "registered_letter": "letter"}
_LAYOUTS = {
    "email": ("shared/email.html.j2", "shared/email.txt.j2", "shared/email.css"),
    "letter": ("shared/letter.typ",),
}


class _SizedLoader(FileSystemLoader):
    """Refuses a template file no person would write by hand."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, filename, is_current = super().get_source(environment, template)
        if len(source.encode("utf-8")) > MAX_TEMPLATE_BYTES:
            raise TemplateError(f"the file has more than {MAX_TEMPLATE_BYTES} bytes")
        return source, filename, is_current


@dataclass(frozen=True)
class TemplateLibrary:
    """The templates under one folder, compiled once, with their hashes and labels."""

    root: Path
    environment: ImmutableSandboxedEnvironment
    hashes: Mapping[str, str]
    labels: Mapping[str, Mapping[str, Any]]


def open_library(root: Path) -> TemplateLibrary:
    """Read the templates under `root`. Raises `TemplateBroken` when one cannot be parsed."""
    labels = {
        language: json.loads((root / "shared" / language / "labels.json").read_text(encoding="utf-8"))
        for language in LANGUAGES
    }
    return TemplateLibrary(root=root, environment=_sandbox(root), hashes=template_hashes(root), labels=labels)


def template_hashes(root: Path) -> dict[str, str]:
    """SHA-256 per `template_id` (`<channel>/<language>/<message_kind>`) over all that shapes the message's words and looks.

    That is the template, what it extends, includes or imports, its layouts and the language's labels, each with its path. Line
    endings are read as line feeds, so a checkout on another system has the same hashes.
    """
    # A layout is shared by many templates: each file is read for its references once.
    references = cache(partial(_references, _sandbox(root)))
    return {
        f"{channel}/{language}/{message_kind}": _hash_of_files(
            root, _files_of(references, f"{folder}/{language}/{message_kind}.j2", folder, language)
        )
        for channel, folder in TEMPLATE_CHANNELS.items()
        for language in LANGUAGES
        for message_kind in MESSAGE_KINDS
        if (root / folder / language / f"{message_kind}.j2").is_file()
    }


def template_rows(hashes: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Rows of control.templates: id, hash, channel, language and message kind, in order of the id."""
    return [(template_id, hashes[template_id], *split_template_id(template_id)) for template_id in sorted(hashes)]


def split_template_id(template_id: str) -> tuple[str, str, str]:
    """Channel, language and kind. Raises `UnknownTemplate` for anything there is no template for, saying which part is unknown."""
    parts = template_id.split("/")
    if len(parts) != 3:
        raise _unknown(template_id, "it must read <channel>/<language>/<message_kind>")
    channel, language, message_kind = parts
    if channel not in TEMPLATE_CHANNELS:
        raise _unknown(
            template_id, f"there are no templates for channel {channel!r}, only for {', '.join(TEMPLATE_CHANNELS)}"
        )
    if language not in LANGUAGES:
        raise _unknown(template_id, f"there are no templates in language {language!r}, only in {', '.join(LANGUAGES)}")
    return channel, language, message_kind


def render_wording(library: TemplateLibrary, template_id: str, variables: Mapping[str, object]) -> dict[str, list[str]]:
    """What the message says: paragraphs of plain text by block (`subject`, `opening`, `request` ...)."""
    channel, language, message_kind = split_template_id(template_id)
    name = f"{TEMPLATE_CHANNELS[channel]}/{language}/{message_kind}.j2"
    rendered = render_template(library, name, variables, template_id=template_id)
    wording: dict[str, list[str]] = json.loads(rendered)
    return wording


def render_template(library: TemplateLibrary, name: str, variables: Mapping[str, object], *, template_id: str) -> str:
    """Run one template or layout; every way it can fail becomes a problem that names it."""
    try:
        return _bounded(library.environment.get_template(name), variables)
    except TemplateNotFound as missing:
        raise _unknown(template_id, f"there is no file {missing.name}") from missing
    except UndefinedError as undefined:
        raise MissingVariable(
            f"Template {template_id} prints a variable the message does not have: {undefined.message}",
            where=f"{name}, template {template_id}",
            remedy="add the column to the message row or take the variable out of the template",
        ) from undefined
    except Exception as broken:  # a template is somebody else's code: whatever it raises refuses its own message only
        raise TemplateBroken(
            f"Template {template_id} cannot be run: {broken}", where=_place(name, broken), remedy="mend the template"
        ) from broken


def _bounded(template: Template, variables: Mapping[str, object]) -> str:
    pieces: list[str] = []
    size = 0
    for piece in template.generate(**variables):
        size += len(piece)
        if size > MAX_OUTCOME_CHARACTERS:
            raise TemplateError(f"the outcome has more than {MAX_OUTCOME_CHARACTERS} characters")
        pieces.append(piece)
    return "".join(pieces)


def _sandbox(root: Path) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=_SizedLoader(root, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        finalize=_refuse_null,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        auto_reload=False,
    )
    environment.filters["paragraphs"] = _paragraphs
    return environment


def _refuse_null(value: object) -> object:
    if value is None:
        raise UndefinedError("a variable that is null would be printed as 'None'")
    return value


def _paragraphs(text: str) -> str:
    """Plain text as a JSON list of paragraphs: an empty line separates two, other line breaks are spaces."""
    paragraphs = (re.sub(r"[ \t\r\n]+", " ", part).strip() for part in re.split(r"\n[ \t]*\n", text))
    return json.dumps([paragraph for paragraph in paragraphs if paragraph], ensure_ascii=False)


def _files_of(references: Callable[[str], list[str]], name: str, folder: str, language: str) -> list[str]:
    found: set[str] = {*_LAYOUTS[folder], f"shared/{language}/labels.json"}
    unread = [name, *(layout for layout in _LAYOUTS[folder] if layout.endswith(".j2"))]
    while unread:
        template = unread.pop()
        found.add(template)
        unread.extend(reference for reference in references(template) if reference not in found)
    return sorted(found)


def _references(environment: Environment, name: str) -> list[str]:
    loader = environment.loader
    assert loader is not None
    try:
        source = loader.get_source(environment, name)[0]
        references = list(meta.find_referenced_templates(environment.parse(source, name)))
    except TemplateError as broken:
        raise TemplateBroken(
            f"Template {name} cannot be read: {broken}", where=_place(name, broken), remedy="mend it"
        ) from broken
    if None in references:
        raise TemplateBroken(
            f"Template {name} computes the name of another template, so its hash cannot be known",
            where=name,
            remedy="name the other template literally",
        )
    return [reference for reference in references if reference is not None]


def _hash_of_files(root: Path, names: list[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        content = (root / name).read_bytes().replace(b"\r\n", b"\n")
        whole.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def _unknown(template_id: str, why: str) -> UnknownTemplate:
    return UnknownTemplate(
        f"Template {template_id} does not exist: {why}",
        where=f"template {template_id}",
        remedy="add the template, or choose another channel, language or kind in the scenario",
    )


def _place(name: str, broken: Exception) -> str:
    line = getattr(broken, "lineno", None)
    return f"{name}, line {line}" if line else name
