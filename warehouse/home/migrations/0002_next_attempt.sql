-- When a message that failed is tried again: until now a note, "retry:" and the message's alert_id.
ALTER TABLE alerts ADD COLUMN next_attempt TEXT;
UPDATE alerts SET next_attempt = (SELECT value FROM notes WHERE name = 'retry:' || alert_id)
    WHERE state IN ('queued', 'failed');
DELETE FROM notes WHERE name LIKE 'retry:%';
