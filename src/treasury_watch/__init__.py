"""Who holds, buys and sells U.S. Treasury securities.

The packages beside this file are links to the folders at the top of the repository: they are installed under one name.
"""
