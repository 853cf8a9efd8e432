"""A complete local set-up: an embedded Postgres, a local chain and the contract on it."""
