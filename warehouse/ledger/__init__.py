"""The vintages: dating and loading files, and what each source said until when."""
