"""The ledger's data survive a round trip, whatever a kernel is evaluated by."""

from __future__ import annotations

import json

import pytest

from freejac.codegen.rational_form import RationalForm
from freejac.codegen.record import KernelRecord
from freejac.codegen.scaling import ScaledForm
from freejac.codegen.table_form import TableForm

FORMS = [
    None,
    RationalForm(-1, (("1.5", "-1e-17"),), ("1.0", "2.0"), ("1.0",)),
    ScaledForm("s", 1, -2, RationalForm(2, (), ("1.0",), ("1.0", "0.5"))),
    TableForm((), -1, (("1.0", "0.5"), ("2.0", "0.25"))),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_record_survives_json(form: RationalForm | ScaledForm | TableForm | None) -> None:
    record = KernelRecord(None, ("1e-12", "1e12"), "1e-16", 1, 202, form)
    assert KernelRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_an_old_record_without_an_approximation_is_read() -> None:
    record = KernelRecord(("1.0", "1e3"), ("1e-12", "1e12"), "1e-16", 1, 202)
    assert "form" not in record.to_json()
