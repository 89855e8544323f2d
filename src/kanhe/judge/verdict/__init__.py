"""From what the detectors said to one decision: pure, the same signals always give the same bytes."""
