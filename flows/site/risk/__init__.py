"""The page's section on what holding Treasuries risks, and its charts."""
