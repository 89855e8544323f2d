"""The world as a grid of tiles: every country has the same size, so that a small one is seen as well.

Places are roughly where countries lie. Territories too small for a place of their own are in the
table beside the map, like all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

TILE = 22
_GAP = 2
_ROWS = """
.. .. .. .. .. .. GL .. .. IS .. FO .. NO SE FI .. .. .. .. RU .. .. .. .. .. .. .. .. ..
.. .. CA .. .. PM .. .. .. IE GB .. .. DK .. EE .. .. .. .. .. .. .. .. .. .. .. .. .. ..
.. .. US .. .. BM .. .. .. .. BE NL DE PL LT LV BY .. .. .. .. .. .. .. .. .. .. .. .. ..
.. .. MX .. .. BS .. .. .. FR LU CH AT CZ SK UA MD .. .. KZ .. .. MN .. .. .. .. .. .. ..
.. .. GT BZ CU HT DO PR PT ES MC IT SI HU RO .. .. GE .. UZ KG .. CN .. KP .. JP .. .. ..
.. .. SV HN JM KN AG .. .. AD SM HR BA RS BG .. TR AM AZ TM TJ .. .. .. KR .. .. .. .. ..
.. .. .. NI AW LC BB DM .. MT .. ME AL XK MK GR CY LB SY IQ IR AF NP BT .. .. TW .. .. ..
.. .. .. CR PA GD TT VC .. MA DZ TN LY .. EG .. .. IL JO KW BH PK IN BD MM MO HK .. .. ..
.. .. .. .. CO VE GY SR EH MR ML NE TD SD ER .. .. PS SA QA AE .. .. .. TH LA VN .. .. ..
.. .. .. .. EC BR CV .. SN GM BF NG CM CF SS ET DJ .. .. YE OM .. MV LK .. KH .. PH .. ..
.. .. .. .. PE BO .. GW GN CI GH TG BJ GQ UG KE SO .. .. .. .. .. .. .. MY SG BN .. PW ..
.. .. .. .. .. PY .. .. SL LR .. ST GA CG RW TZ .. SC .. .. .. .. .. .. .. ID TL PG SB ..
.. .. .. .. CL AR UY .. .. .. .. .. .. CD BI MW KM .. .. .. .. .. .. .. .. .. AU NC VU FJ
.. .. .. .. .. FK .. .. .. .. .. .. AO ZM ZW MZ .. MG MU .. .. .. .. .. .. .. .. .. TO WS
.. .. .. .. .. .. .. .. .. .. .. .. NA BW SZ .. .. RE .. .. .. .. .. .. .. .. .. .. NZ ..
.. .. .. .. .. .. .. .. .. .. .. .. .. ZA LS .. .. .. .. .. .. .. .. .. .. .. .. .. .. ..
"""
PLACES: Mapping[str, tuple[int, int]] = {
    code: (column, row)
    for row, line in enumerate(_ROWS.split("\n")[1:-1])
    for column, code in enumerate(line.split())
    if code != ".."
}
"""Column and row of each country that has a tile."""
WIDTH = TILE * 30
HEIGHT = TILE * 16


class Tile(NamedTuple):
    """A country on the map; `x` and `y` are of its upper left corner."""

    code: str
    x: int
    y: int
    size: int
    step: int
    """From 0, nothing, to 4, as many as anywhere."""
    is_hot: bool
    """Whether an unusual share of its events was refused."""
    events: int
    refused: int


def tiles(counts: Mapping[str, tuple[int, int]]) -> list[Tile]:
    """The map for events and refused events by country, in steps that each are four times the last."""
    most = max((events for events, _ in counts.values()), default=0)
    found = []
    for code, (column, row) in PLACES.items():
        events, refused = counts.get(code, (0, 0))
        step = 0
        if events:
            step = 4
            while step > 1 and events * 4 ** (5 - step) <= most:
                step -= 1
        found.append(
            Tile(code, column * TILE, row * TILE, TILE - _GAP, step,
                 refused >= 3 and refused * 5 >= events, events, refused)
        )  # fmt: skip
    return found
