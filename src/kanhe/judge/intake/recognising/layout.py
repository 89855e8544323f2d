"""Where everything lies in the tables that the recogniser's kernel reads, and in what it works with."""

from __future__ import annotations

LARGEST = 8192
"""The largest row that is looked at, in bytes: it bounds the memory for a group."""
PADDING = 64
"""How many zero bytes stand behind the rows, and how much room behind whatever is written in blocks.

Blocks are read as a whole. A zero byte ends every text and every number, so that none is followed
out of the buffer.
"""
PROBES = 8
"""How many places a word is looked for in; there is none further from its first place."""
NAMES, TYPES, COUNTRIES, CURRENCIES, CHOICES = range(5)
"""Which words are meant: names of fields, of types, codes. `CHOICES` + n: those of the field n."""
POINTS = 0x10000
"""For so many code points it is known whether they can be printed; those beyond are doubted in ids."""

# What kind of value a field has.
ID, TEXT, WHOLE, DEGREES, BOOL, WORD, IDS, TYPE = range(8)

# What else is checked in a text.
NOTHING, ADDRESS, EMAIL, CARD = range(4)

# What it means that a field is there.
IS_MONEY, IS_CURRENCY, IS_ENTITY = 1, 2, 4

# A row of the fields; the last row is that of `type`.
F_KIND = 0
F_LEAST = 1
F_GREATEST = 2
F_LONGEST = 3
F_CHECK = 4
F_MARKS = 5
F_WORDS = 6
"""Which words its values are."""
F_PREFIX = 7
"""Where `,"name":` stands in the pool."""
F_PREFIX_SIZE = 8
F_WIDTH = 9

# A row of the types.
T_HEAD = 0
"""Where `{"type":"name"` stands in the pool."""
T_HEAD_SIZE = 1
T_FIELDS = 2
T_REQUIRED = 3
"""How many of its fields are required: the first ones."""
T_NAMING = 4
"""Whether somebody must be named."""
T_OPEN = 5
"""Whether any sender may send it; the others are doubted."""
T_WIDTH = 6

# A row of the words.
W_HASH = 0
W_PLACE = 1
"""Where the word stands in the pool; the word itself if it has fewer than eight bytes."""
W_SIZE = 2
W_NUMBER = 3
"""What it means; -1 where there is no word."""
W_WIDTH = 4

# A row of the members of the event that is being read.
M_FIELD = 0
M_START = 1
M_SIZE = 2
"""How large the value is as it was sent, with quotation marks."""
M_NUMBER = 3
"""`MISSING` for null."""
M_LOOSE = 4
"""How much white space is in the value that the canonical form does not have."""
M_WIDTH = 5

# The numbers and addresses that the kernel is called with.
(
    AT_FIELDS, AT_TYPES, AT_SLOTS, AT_WORDS, AT_POOL, AT_PRINTABLE, AT_MEMBERS, AT_SEEN, AT_FOLLOWS,
    AT_SLOT_MEMBERS, AT_PRESENT, AT_TEXT, AT_IDS, AT_KINDS, AT_ENDS, AT_TIMES, AT_CELLS,
    N_FIELDS, N_WORDS, N_WIDTH, N_STAMP, N_IDS,
    PLACES,
) = range(23)  # fmt: skip
