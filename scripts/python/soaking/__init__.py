"""scripts/soak simulation: the account of all stories that were told (ledger)."""
