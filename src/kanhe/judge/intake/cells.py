"""Cells: what stands in the fields of a group of events, as numbers and places in one text.

Row by row and field by field, so that a kernel can go through a group without making one Python
object for each value. The recogniser writes them, the features read them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ROWS = 256
"""How many events one group has at most."""
MISSING = -(2**63)
"""The number that stands in the cell of a field the event left out."""
SPAN_SHIFT = 20
"""A span is `start << SPAN_SHIFT | size`; no event is larger than that."""
ABSENT = -1
"""The span of a field the event left out."""

# The two words of a cell.
NUMBER = 0
SPAN = 1
CELL_WORDS = 2

Words = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Cells:
    """The cells of one group. The arrays are used again for the next group.

    The cell of a field stands at the field's place in `Registry.fields_of` of the event's type.
    """

    text: Bytes
    """The canonical JSON of all recognised events one behind the other, and a few bytes of room."""
    types: Words
    """By row: the number of the event's type in the order of `Registry.types`; -1 if the row was not
    recognised, and nothing else is said of it."""
    ends: Words
    """By row: where its canonical JSON ends in `text`. A row that was not recognised is empty."""
    words: Words
    """By row, field and word (C order): `NUMBER` and `SPAN`.

    A span is where the value stands in `text`, of a text without its quotation marks. The number is
    the value of an int, a money or a time; 0 or 1 of a bool; millionths of degrees, rounded half to
    even; the place of a choice among the choices of its field, of a country in `sorted(COUNTRIES)`,
    of a currency in `sorted(EXPONENT)`; how many ids an `ids` has; 0 of any other text.
    """
