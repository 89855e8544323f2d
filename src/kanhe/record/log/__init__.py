"""The log: an append-only Merkle tree over entries, which outsiders check without trusting anyone.

Nothing here reads a file, a clock or a random number: bytes, times, salts and keys are arguments.

- `merkle` hashes (RFC 6962), makes and checks proofs (RFC 9162)
- `tiles` lays the tree out as files (C2SP tlog-tiles) and reads it back
- `note`, `checkpoint`, `cosignature` sign a tree's size and root, and witness it
- `proof` is the text of one inclusion proof (C2SP tlog-proof), `receipt` what Kanhe adds to it
- `entry` says what one entry holds: nothing personal
- `witness` decides whether a checkpoint may be cosigned (C2SP tlog-witness)
- `ports` says what is asked of whatever keeps the files, and of the witnesses
- `witness_list` reads which witnesses are asked
- `verify` checks a receipt alone, from one file, with nothing else of Kanhe
"""
