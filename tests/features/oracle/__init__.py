"""A second, independent opinion on every feature: SQL and plain Python that share no code with the kernel."""
