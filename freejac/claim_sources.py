"""Where claims come from: documents of ours, Python files, notes; each becomes a list of items.

Files are read once. A Python file runs, because whoever names it asks for that; notes are parsed,
never evaluated.

>>> source = load("nothing.md")
Traceback (most recent call last):
    ...
freejac.symbolic.errors.InputError: nothing.md does not exist
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeAlias

from freejac import derivations
from freejac.symbolic.claims import Claim, Document
from freejac.symbolic.errors import Error, InputError
from freejac.symbolic.notes import Note, Remark, read_note
from freejac.symbolic.verdict import Status, Verdict

__all__ = ["Item", "Kind", "Source", "installed", "load"]

Kind: TypeAlias = Literal["document", "notes"]

_FORMATS = {".md": "markdown", ".markdown": "markdown", ".tex": "latex"}
_MAX_BYTES = 20_000_000


@dataclass(frozen=True)
class Item:
    """One claim, ready to be checked.

    Attributes:
        id: unique in its source.
        place: where in the source, in its own terms.
        statement: the formula, in LaTeX.
        check: checks it.
        expected: the verdict on record, or None where none is.
        corrects: id of the refuted claim that this one mends, or "".
        assumptions: in words, or "".
        note: what else a reader should know, or "".
        sampled: whether it rests on simulated numbers, whose digits differ between machines.
    """

    id: str
    place: str
    statement: str
    check: Callable[[], Verdict]
    expected: Status | None = None
    corrects: str = ""
    assumptions: str = ""
    note: str = ""
    sampled: bool = False


@dataclass(frozen=True)
class Source:
    """The claims of one document or note.

    Attributes:
        name: how it was asked for.
        kind: "document" or "notes".
        title, citation: "" where there is none.
        items: its claims in order, each correction after what it mends.
        unread: formulas of a note that could not be read.
        asides: what is no claim, and why.
    """

    name: str
    kind: Kind
    title: str
    citation: str
    items: tuple[Item, ...]
    unread: tuple[Remark, ...] = ()
    asides: tuple[Remark, ...] = ()


def installed() -> list[str]:
    """Names of the documents that come with freejac."""
    return derivations.names()


@cache
def load(name: str) -> Source:
    """Load a source.

    Args:
        name: of a document that comes with freejac, or the path of a Python file that defines a
            `Document` or a list `claims`, of a Markdown file (.md), or of a LaTeX file (.tex).

    Raises:
        InputError: there is no such document or file, or it cannot be read; one line that says
            what and where.
    """
    path = Path(name)
    if not path.suffix and "/" not in name and not path.exists():
        if name in installed():
            return _of_document(name, derivations.document(name))
        known = ", ".join(installed()) or "none"
        raise InputError(f"there is no file or document {name} (documents: {known})")
    if path.suffix == ".py":
        _require_file(path)
        return _of_module(name, _run(path))
    if path.suffix in _FORMATS:
        return _of_note(name, path)
    _require_file(path)
    raise InputError(f"{name} is not a Python file (.py) or a note (.md, .tex)")


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; name the files in it")
    if not path.exists():
        raise InputError(f"{path} does not exist")


# --- notes --------------------------------------------------------------------------------------


def _of_note(name: str, path: Path) -> Source:
    text = _text(path)
    try:
        note = read_note(text, "latex" if _FORMATS[path.suffix] == "latex" else "markdown")
    except InputError as error:
        raise InputError(f"{name}, {error}") from None
    if not (note.claims or note.unread or note.asides):
        raise InputError(f"{name} holds no displayed formula ($$…$$, \\[…\\], equation, align)")
    return Source(name, "notes", note.title, "", tuple(_note_items(note)), note.unread, note.asides)


def _note_items(note: Note) -> Iterable[Item]:
    for claim in note.claims:
        yield Item(claim.id, f"line {claim.line}", claim.text, claim.verdict, claim.expected)


def _text(path: Path) -> str:
    _require_file(path)
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise InputError(f"{path} has {size} bytes; notes have at most {_MAX_BYTES}")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start + 1})") from None
    if "\0" in text:
        raise InputError(f"{path} is not text (byte {text.index(chr(0)) + 1} is 0)")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- documents ----------------------------------------------------------------------------------


def _of_document(name: str, document: Document) -> Source:
    return Source(
        name,
        "document",
        document.title,
        document.citation,
        tuple(_items(document.claims)),
        asides=tuple(Remark(0, s.ref, s.reason) for s in document.skipped),
    )


def _items(claims: Iterable[Claim]) -> Iterable[Item]:
    for claim in claims:
        yield _item(claim, "")
        if claim.correction is not None:
            yield _item(claim.correction, claim.id)


def _item(claim: Claim, corrects: str) -> Item:
    return Item(
        claim.id,
        claim.source,
        claim.statement,
        partial(_verdict, claim),
        claim.expected,
        corrects,
        claim.assumptions,
        claim.note,
        claim.needs_simulation,
    )


def _verdict(claim: Claim) -> Verdict:
    if not claim.needs_simulation:
        return claim.verdict()
    from freejac import simulate  # imports NumPy

    return claim.verdict(simulate)


def _of_module(name: str, module: ModuleType) -> Source:
    found = [value for value in vars(module).values() if isinstance(value, Document)]
    documents = list({id(document): document for document in found}.values())
    if not documents:
        claims = getattr(module, "claims", None)
        if not isinstance(claims, (list, tuple)) or not all(isinstance(c, Claim) for c in claims):
            raise InputError(f"{name} defines no Document and no list of claims called claims")
        return Source(name, "document", "", "", tuple(_items(claims)))
    if len(documents) == 1:
        return _of_document(name, documents[0])
    parts = [_of_document(name, document) for document in documents]
    items = tuple(item for part in parts for item in part.items)
    asides = tuple(aside for part in parts for aside in part.asides)
    return Source(name, "document", "; ".join(part.title for part in parts), "", items, (), asides)


def _run(path: Path) -> ModuleType:
    """Run a Python file as a module, its folder on the path as Python has it for a script."""
    name = "freejac_claims_" + re.sub(r"\W", "_", path.stem)
    spec = util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f.lineno for f in frames if f.filename == str(path)]
        line = f", line {own[-1]}" if own else ""
        kind = "" if isinstance(error, Error) else f"{type(error).__name__}: "
        raise InputError(f"{path}{line}: {kind}{error}") from None
    finally:
        sys.path.pop(0)
    return module
