-- What the archive once took in: so that a file that is lost is noticed, and a lost note is written again.
CREATE TABLE IF NOT EXISTS archive_manifest (
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    path TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (source, sha256)
);
