"""The Treasury's Fiscal Data service: one envelope of JSON, a layout for each table."""
