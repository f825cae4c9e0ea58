-- IF NOT EXISTS: files from before versions were counted have these tables and the version 0.
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, command TEXT, started TEXT, finished TEXT, outcome TEXT, summary TEXT);
CREATE TABLE IF NOT EXISTS validation_results (
    run_id TEXT, gate TEXT, subject TEXT, expectation TEXT, success INTEGER, blocking INTEGER, observed TEXT,
    checked TEXT, PRIMARY KEY (run_id, gate, subject, expectation));
CREATE TABLE IF NOT EXISTS alerts (
    alert_id TEXT PRIMARY KEY, finding TEXT, recipient TEXT, holder TEXT, month TEXT, rule TEXT, severity TEXT,
    title TEXT, state TEXT, attempts INTEGER DEFAULT 0, queued TEXT, sent TEXT, error TEXT, message BLOB,
    message_id TEXT);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS validators (
    source TEXT PRIMARY KEY, url TEXT, etag TEXT, last_modified TEXT, sha256 TEXT, checked TEXT);
