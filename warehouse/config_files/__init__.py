"""The files of config/ as they are read: text, typed models, and what is wrong in one line."""
