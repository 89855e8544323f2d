"""Oscar's search under its own label: a dozen products are found by the database."""
