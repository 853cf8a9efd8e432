"""The one contract client: everything that speaks to an Ethereum node stands here."""

from mayhouse_cli.chain.lean_imports import load_lean

load_lean()  # before any file below imports web3 or eth_account itself
