"""Everything that touches stored data: the archive, the ledger of vintages, the tables, the publication."""
