-- A page of a list whose keys are rolled up at a delimiter. Each step goes to the first key that the
-- entry before it does not cover, so that what lies below a common prefix costs one look.
--   $1 bucket's name  $2 from  $3 end  $4 bytes of the list's prefix  $5 delimiter  $6 smallest bytes above the delimiter  $7 entries
-- cut is the number of a key's bytes before the delimiter, -1 where the key has none.
WITH RECURSIVE entry (n, key, cut) AS (
    SELECT 0, NULL::bytea, -1
    UNION ALL
    SELECT entry.n + 1, next.key,
        CASE WHEN position($5::bytea IN substring(next.key FROM $4::int + 1)) > 0
            THEN $4::int + position($5::bytea IN substring(next.key FROM $4::int + 1)) - 1 ELSE -1 END
    FROM entry CROSS JOIN LATERAL (
        SELECT o.key FROM objects o
        WHERE o.bucket = (SELECT id FROM buckets WHERE name = $1) AND o.key < $3 AND o.key >=
            CASE WHEN entry.n = 0 THEN $2
                WHEN entry.cut >= 0 THEN substring(entry.key FROM 1 FOR entry.cut) || $6::bytea
                ELSE entry.key || '\x00'::bytea END
        ORDER BY o.key LIMIT 1
    ) next
    WHERE entry.n < $7
)
SELECT entry.key, entry.cut, o.size, o.info
FROM entry LEFT JOIN objects o
    ON entry.cut < 0 AND o.bucket = (SELECT id FROM buckets WHERE name = $1) AND o.key = entry.key
WHERE entry.n > 0 ORDER BY entry.n
