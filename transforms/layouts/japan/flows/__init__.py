"""Japan's portfolio flows: by week, by month, by type of investor."""
