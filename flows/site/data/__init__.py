"""Data that others can use: each table as CSV, Parquet and workbook with its description, a database, and their page."""

from treasury_watch.flows.site.data.building import build

__all__ = ["build"]
