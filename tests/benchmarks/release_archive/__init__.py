"""A simulated archive of the Treasury's 276 releases, a server that serves it as the Treasury does, and the measure of
`backfill --release-archive` against it.
"""
