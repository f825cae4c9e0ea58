"""The published tables: declared, built from the ledger, written."""
