"""The one contract client: everything that speaks to an Ethereum node stands here."""
