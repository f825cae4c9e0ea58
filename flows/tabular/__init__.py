"""Rows as files that others open: CSV, JSON, Parquet, Excel workbooks. What `query` and the site both write."""
