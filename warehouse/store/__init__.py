"""Archive and publication on an object store."""
