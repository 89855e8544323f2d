"""Oscar's app of the same name, with what this shop does differently."""
