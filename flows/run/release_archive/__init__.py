"""The Treasury's archive of releases: the flow that fetches and reads it, and the loading of what its zips held."""
