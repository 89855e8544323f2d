"""The numbers that the program and the kernel agree on: places, widths and codes."""

from __future__ import annotations

from kanhe.judge.intake import cells

LAYOUT = 2
"""To be raised whenever the same declarations would lay out the state in another way."""
MISSING = cells.MISSING
"""The integer that stands for a field the event left out."""
VALUE_MAX = 10**13
"""The greatest magnitude of an integer that is aggregated; anything beyond is missing."""
SUM_MAX = 2**62
"""A sum beyond this magnitude reads as missing rather than risk a wrapped value."""
BUCKETS = 60
"""How many buckets a window is kept in."""
KEEP_MS = 180 * 86_400_000
"""An entity that no event names for this long, on its own clock, starts anew."""
MAX_BY = 3
"""How many fields an entity may be made of."""
SEPARATOR = "\x1f"
"""Stands between the texts handed to the kernel; the reader refuses it inside ids and texts."""

GROUP = cells.ROWS
"""How many events the kernel takes in one call."""
TEND = 1 << 32
"""Added to how many events were taken when the next step of changing the index is due."""
SPARE_SLOTS = 64
"""How many slots must be left, beside twice as many as there are entities, for the next event."""
MOVES = 32
"""How many slots of the older index are moved with each event, while there is one."""
TOUCHES = 64
"""After how many events each next page of the index to come is touched, before anything is in it."""
PAGE_WORDS = 1 << 18
"""Words of a huge page, which the system clears when it is first touched."""
AHEAD = 4
"""How many events ahead the records of a group are called up."""
NEXT = 1
"""How many events ahead the blocks that the records point to are called up."""
ARRAY_HEAD = 3
"""Bytes before the journal forms of the vectors of a group, which are an array of MessagePack."""
BYTES_HEAD = 5
"""Bytes before each of them."""
SLACK = 8
"""Bytes of room behind the texts, which are read eight at a time."""

# Counters of the state, at the head of the meta array.
TOP = 0
ENTITIES = 1
ARENA_WORDS = 2
INDEX_SLOTS = 3
FULL = 4
SIP_K0 = 5
SIP_K1 = 6
OLDER_SLOTS = 7
MOVED = 8
TOUCHED = 9
FREE_LISTS = 16
CLASSES = 12

# The head of the program array.
P_FEATURES = 0
P_GAUGES = 1
P_GAUGE_COUNT = 2
P_GAUGE_X = 3
P_KEYS_X = 4
P_RECORDS_X = 5
P_CONSTANTS_X = 6
P_INPUTS = 7
PROGRAM_HEAD = 8

# A gauge: one width and delay, worked out once per event for all tracks that share it.
G_WIDTH_MS = 0
G_DELAY_MS = 1
GAUGE_WIDTH = 2

# One table of entities.
T_WORDS = 0
T_SALT = 1
T_BY_COUNT = 2
T_BY = 3
T_TRACKS = 6
T_TRACK_COUNT = 7
T_BEFORE = 8
T_BEFORE_COUNT = 9
T_AFTER = 10
T_AFTER_COUNT = 11
T_BLANKS = 12
T_BLANK_COUNT = 13
T_SETS = 14
T_SET_COUNT = 15

# What one event type does to one table: places and numbers of its updates.
E_TABLE = 0
E_PLAIN = 1
E_PLAIN_COUNT = 2
E_MOVED = 3
E_MOVED_COUNT = 4
E_UPDATES = 5
E_UPDATE_COUNT = 6
E_SETS = 7
E_SET_COUNT = 8
E_MEMOS = 9
E_MEMO_COUNT = 10
ENTRY_WIDTH = 11

# One track: the buckets of one window (and delay) of one table.
K_WIDTH_MS = 0
K_DELAY_MS = 1
K_PLACE = 2
K_TOTALS = 3
K_COLUMNS = 4
K_FREE = 5
K_KINDS = 6
K_GAUGE = 7
TRACK_WIDTH = 8

# Within a track of a record: the block and the state come first, then the newest bucket.
OPEN = 2

# Kinds of column in a track.
COUNT = 0
SUM = 1
SQUARES_LOW = 2
SQUARES_HIGH = 3
MIN = 4
MAX = 5

# Places within the record of an entity.
R_KEY = 0
R_CLOCK = 1
R_SLOTS = 2

# Updates.
PLAIN_COLUMN = 3
U_TRACK = 0
U_TIME = 1
U_COUNT = 2
UPDATE_HEAD = 3
UPDATE_COLUMN = 4
DISTINCT_UPDATE = 7
LAST_UPDATE = 6

# Reads.
READ_WIDTH = 6
READ_COUNT = 0
READ_SUM = 1
READ_MEAN = 2
READ_STD = 3
READ_MIN = 4
READ_MAX = 5
READ_DISTINCT = 6
READ_SHARE = 7
READ_RATE = 8
READ_LAST = 9
READ_SINCE = 10
READ_FIRST = 11
READ_AGE = 12

# What a remembered value is.
REMEMBER_TEXT = 0
REMEMBER_NUMBER = 1
REMEMBER_TIME = 2
REMEMBER_PLACE = 3
REMEMBER_FIRST = 4

# Inputs of one event. Behind the values the kernel keeps what it works out once for all tables: the
# hashes of the texts, the bucket numbers of the gauges, the keys of the entities,
# their records, and the constants 1 and MISSING.
X_AT = 0
X_TENANT = 1
X_BITS = 2
X_SUBJECT = 3
X_KIND = 4
X_VALUES = 5

# Where the inputs of an event stand among its cells, written by `sources`: first, by the number of the
# event type, the place of its head (0: it has none). Behind a head stand the values (a slot, and the
# slot of a currency or -1), the texts (a slot, and their place in the inputs), and the steps by which
# the condition bits are worked out.
S_KIND = 0
S_SUBJECT = 1
S_VALUE_COUNT = 2
S_TEXT_COUNT = 3
S_STEP_COUNT = 4
SOURCE_HEAD = 5
SOURCE_VALUE = 2
SOURCE_TEXT = 2

# The steps by which conditions are worked out, over a stack of whole numbers: 1 and 0 are true and
# false, a number may be MISSING. Each is its code and two words, mostly unused.
STEP_WIDTH = 3
NUMBER_OF = 0
AMOUNT_OF = 1
CONSTANT = 2
HAS = 3
TEXT_AMONG = 4
TEXTS_SAME = 5
ADD = 6
SUBTRACT = 7
MULTIPLY = 8
FLOOR = 9
REMAINDER = 10
LEAST = 11
GREATEST = 12
NEGATE = 13
ABSOLUTE = 14
IS_KNOWN = 15
NUMBER_AMONG = 16
BELOW = 17
AT_MOST = 18
EQUAL = 19
UNEQUAL = 20
AND = 21
OR = 22
NOT = 23
SET_BIT = 24

# What one minor unit of a currency is worth in minor units of the base: whole ones, and a fraction.
F_WHOLE = 0
F_PART = 1
F_OF = 2
FACTOR_WIDTH = 3

# The addresses the kernel is given.
PLACE_ARENA = 0
PLACE_INDEX = 1
PLACE_META = 2
PLACE_PROGRAM = 3
PLACE_INPUTS = 4
PLACE_TEXTS = 5
PLACE_VECTORS = 6
PLACE_PACKED = 7
PLACE_SIZE = 8
PLACE_SOURCES = 9
PLACE_FACTORS = 10
PLACE_STACK = 11
PLACE_ROWS = 12
PLACE_SALTS = 13
PLACE_CELLS = 14
PLACE_CELL_TEXT = 15
PLACE_CELL_TYPES = 16
PLACE_CELL_BYTES = 17
"""Not an address, but how many bytes the cells of one event take."""
PLACE_OLDER = 18
"""0 unless entities are being moved from an older index."""
PLACE_WIDER = 19
"""0 unless an index to come is being touched."""
PLACES = 20
