-- Which rows lost their content, in the order in which they did: whoever keeps something of rows
-- beside the journal learns here what to drop.
CREATE TABLE erased (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
