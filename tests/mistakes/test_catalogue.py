"""Every mistake of the catalogue fails at its line, with the node, the problem and the mend in the message."""

from __future__ import annotations

import traceback

import pytest

import gendsl as gd
from tests.mistakes import (  # noqa: F401 - each enters its mistakes into the table
    calibrations,
    calls,
    contexts,
    data_indices,
    data_layout,
    data_values,
    declarations,
    diffusion,
    distributions,
    energies,
    expressions,
    indexing,
    learned,
    methods,
    missing,
    mixtures,
    networks,
    own_parts,
    predictions,
    results,
    resumed,
    sequences,
    shapes,
    sites,
    training,
    training_steps,
    unnormalised,
    values,
)
from tests.mistakes.table import TABLE, Mistake

NAMES = [m.name for m in TABLE]


@pytest.mark.parametrize("entry", TABLE, ids=NAMES)
def test_mistake(entry: Mistake) -> None:
    with pytest.raises(entry.error) as caught:
        entry.make()
    error, message = caught.value, str(caught.value)
    for fragment in entry.fragments:
        assert fragment in message, f"{fragment!r} is not in:\n{message}"
    if not issubclass(entry.error, gd.GendslError):
        return
    assert isinstance(error, gd.GendslError)
    assert error.given or error.fix or error.needed, f"the message only complains:\n{message}"
    if isinstance(error, gd.DataError):
        assert all((error.given, error.needed, error.fix)), f"given, needed or fix is lacking:\n{message}"
    assert "Traceback" not in message
    assert len(message) < 1500

    file, line = entry.make.__code__.co_filename, entry.line
    if line is not None:
        assert error.where is not None
        assert (error.where.file, error.where.line) == (file, line), message
        assert error.where.text in message
    users = [f for f in traceback.extract_tb(caught.tb) if f.filename == file]
    assert users, "the traceback does not show the user's line"
    if line is not None and not entry.later and not isinstance(error, (gd.DataError, gd.CompileError, gd.FitError)):
        assert line in [f.lineno for f in users]


def test_every_entry_has_fragments_and_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert len(TABLE) >= 150
    assert all(m.fragments for m in TABLE)
    assert all(m.line is not None for m in TABLE if issubclass(m.error, gd.ModelError))
