"""What was measured on a module: kept in `generated/measured.json`, so that text is reproducible.

>>> record = KernelRecord(closed=None, domain=("1e-12", "1e12"))
>>> KernelRecord.from_json(record.to_json()) == record
True
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from freejac.codegen.rational_form import RationalForm
from freejac.codegen.scaling import ScaledForm
from freejac.codegen.table_form import TableForm
from freejac.symbolic.errors import InputError

__all__ = ["Interval", "KernelRecord", "ModuleRecord", "ledger_text", "read_ledger"]

Interval = tuple[str, str]


@dataclass(frozen=True)
class KernelRecord:
    """How a kernel is evaluated, and how well.

    Attributes:
        closed: interval of q on which the closed form is used, quadrature elsewhere; None: nowhere.
        form: the approximation that is used instead of both, or None.
        domain: interval of q on which the kernel answers; None where the template fixes it.
        error: worst relative error, rounded up to one digit, as text; "" before it is measured.
        ulp: the same in units in the last place.
        points: how many points were compared.
    """

    closed: Interval | None = None
    domain: Interval | None = None
    error: str = ""
    ulp: int = 0
    points: int = 0
    form: RationalForm | ScaledForm | TableForm | None = None

    @property
    def quadrature_condition(self) -> str | None:
        """Condition on q for quadrature: "" never, None always."""
        if self.closed is None or self.domain is None:
            return None
        (low, high), (least, most) = self.closed, self.domain
        if low == least and high == most:
            return ""
        if low == least:
            return f"q > {high}"
        return f"q < {low}" if high == most else f"not {low} <= q <= {high}"

    @property
    def integrates(self) -> bool:
        """Whether a mean is integrated by quadrature somewhere."""
        return self.form is None and self.quadrature_condition != ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        data = asdict(self)
        if self.form is None:
            del data["form"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> KernelRecord:
        """Read plain data."""
        closed, domain = (tuple(data[k]) if data[k] else None for k in ("closed", "domain"))
        form = _form(data["form"]) if "form" in data else None
        return cls(closed, domain, data["error"], data["ulp"], data["points"], form)


def _form(data: Mapping[str, Any]) -> RationalForm | ScaledForm | TableForm:
    if "parameter" in data:
        return ScaledForm.from_json(data)
    return (TableForm if "rows" in data else RationalForm).from_json(data)


@dataclass(frozen=True)
class ModuleRecord:
    """Records of a module's kernels.

    Attributes:
        digest: of the module's text without its error figures; a changed text is measured anew.
        finest: width of the finest quadrature panel, as text.
        kernels: by name.
    """

    digest: str = ""
    finest: str = "0.5"
    kernels: Mapping[str, KernelRecord] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        kernels = {name: record.to_json() for name, record in sorted(self.kernels.items())}
        return {"digest": self.digest, "finest": self.finest, "kernels": kernels}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ModuleRecord:
        """Read plain data."""
        kernels = {k: KernelRecord.from_json(v) for k, v in data["kernels"].items()}
        return cls(data["digest"], data["finest"], kernels)


def read_ledger(path: Path) -> dict[str, ModuleRecord]:
    """Read the ledger; an absent file is an empty one.

    Raises:
        InputError: the file is not a ledger.
    """
    if not path.exists():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {name: ModuleRecord.from_json(entry) for name, entry in data.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path.name} is not a ledger of measured errors ({type(error).__name__}); "
            "restore it, or delete it and run `freejac generate`"
        ) from None


def ledger_text(records: Mapping[str, ModuleRecord]) -> str:
    """The ledger's file content."""
    data = {name: record.to_json() for name, record in sorted(records.items())}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
