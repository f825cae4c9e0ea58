-- The largest revisions of countries' positions by the newest release that revised any, largest first.
SELECT row_number() OVER (
        ORDER BY abs(difference_usd_mn) DESC, holder_id, month
    ) AS place,
    holder_id, holder, month, source, old_usd_mn, new_usd_mn, difference_usd_mn,
    100 * difference_usd_mn / nullif(old_usd_mn, 0) AS revised_pct, first_released, released
FROM (
    -- One figure, one row: of the sources of a release that state it, the first by precedence.
    SELECT revisions.*, row_number() OVER (PARTITION BY holder_id, month ORDER BY precedence, source) AS choice
    FROM revisions JOIN sources USING (source)
    WHERE revisions.kind = 'country' AND measure = 'total_position' AND difference_usd_mn IS NOT NULL
      AND difference_usd_mn <> 0 AND evidence <> 'press'
      AND released = (SELECT max(released) FROM revisions WHERE evidence <> 'press')
)
WHERE choice = 1
ORDER BY place
LIMIT 100
