"""The data folder: its files and folders, the operational state, failures of disk and rights."""
