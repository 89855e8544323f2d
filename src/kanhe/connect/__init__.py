"""Shop software that speaks to Kanhe. Each package here is for one framework, and needs `kanhe.client` only."""
