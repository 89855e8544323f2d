"""Record: what happened, provably."""
