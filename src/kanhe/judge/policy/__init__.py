"""The policy pack: a folder of text with one content hash, read, checked, and described."""
