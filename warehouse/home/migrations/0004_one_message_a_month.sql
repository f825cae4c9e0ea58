-- A flagged month is one finding, whatever rules flag it: month:HOLDER:MONTH, no longer month:RULE:HOLDER:MONTH. Of the
-- rows on one month the one that came furthest keeps the month under its new key, so that nothing is told twice.
UPDATE alerts SET finding = 'month:' || substr(finding, 7 + instr(substr(finding, 7), ':')) WHERE alert_id IN (
    SELECT alert_id FROM (
        SELECT alert_id, row_number() OVER (
            PARTITION BY recipient, substr(finding, 7 + instr(substr(finding, 7), ':'))
            ORDER BY CASE WHEN state IN ('sent', 'written') THEN 1 WHEN state = 'uncertain' THEN 2
                          WHEN state IN ('queued', 'failed') THEN 3 WHEN state = 'superseded' THEN 4 ELSE 5 END, queued, finding
        ) AS place
        FROM alerts WHERE finding LIKE 'month:%:%:%'
    ) WHERE place = 1);
UPDATE alerts SET state = 'superseded', error = 'told with the other findings of its month', next_attempt = NULL
    WHERE finding LIKE 'month:%:%:%' AND state IN ('queued', 'failed');
