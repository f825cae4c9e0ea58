-- Every published figure that a later release of the same source replaced.
SELECT old.source, old.holder_id, holders.holder, holders.kind, old.month, old.measure, old.series,
    old.value_usd_mn AS old_usd_mn, new.value_usd_mn AS new_usd_mn,
    new.value_usd_mn - old.value_usd_mn AS difference_usd_mn,
    old.released AS first_released, new.released, new.evidence
FROM observations AS old
JOIN observations AS new
    ON new.source = old.source AND new.holder_id = old.holder_id AND new.month = old.month
   AND new.measure = old.measure AND new.series = old.series AND new.released = old.superseded
   AND (new.superseded IS NULL OR new.superseded > new.released)
JOIN holders ON holders.holder_id = old.holder_id
WHERE old.superseded IS NOT NULL AND old.superseded > old.released
ORDER BY old.source, old.holder_id, old.measure, old.series, old.month, new.released
