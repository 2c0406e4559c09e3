"""scripts/fuzz: runs libFuzzer programs (runs), and keeps the account of what each has had (ledger)."""
