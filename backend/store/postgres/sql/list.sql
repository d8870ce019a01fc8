-- A page of a list whose keys are rolled up at a delimiter, in one go: as many keys as there may be
-- entries are scanned, which is all that a folder of files needs. Where they are rolled up to
-- fewer, each further step goes to the first key that the entry before it does not cover, so that
-- what lies below a common prefix costs one look.
--   $1 bucket's name  $2 from  $3 end  $4 bytes of the list's prefix  $5 delimiter  $6 smallest bytes above the delimiter  $7 entries
-- at is the delimiter's place in a key, counted from 1 behind the list's prefix; 0: the key has none.
WITH RECURSIVE here AS (
    SELECT id FROM buckets WHERE name = $1
), scanned AS MATERIALIZED (
    SELECT o.key, position($5::bytea IN substring(o.key FROM $4::int + 1)) AS at, o.size, o.info
    FROM objects o WHERE o.bucket = (SELECT id FROM here) AND o.key >= $2 AND o.key < $3
    ORDER BY o.key LIMIT $7
), entry (n, key, at, size, info) AS (
    (SELECT (SELECT count(DISTINCT CASE WHEN at > 0 THEN substring(key FROM 1 FOR $4::int + at) ELSE key END) FROM scanned),
            key, at, NULL::bigint, NULL::bytea
        FROM scanned WHERE (SELECT count(*) FROM scanned) = $7 ORDER BY key DESC LIMIT 1)
    UNION ALL
    SELECT entry.n + 1, next.key, position($5::bytea IN substring(next.key FROM $4::int + 1)), next.size, next.info
    FROM entry CROSS JOIN LATERAL (
        SELECT o.key, o.size, o.info FROM objects o
        WHERE o.bucket = (SELECT id FROM here) AND o.key < $3 AND o.key >=
            CASE WHEN entry.at > 0 THEN substring(entry.key FROM 1 FOR $4::int + entry.at - 1) || $6::bytea
                ELSE entry.key || '\x00'::bytea END
        ORDER BY o.key LIMIT 1
    ) next
    WHERE entry.n < $7
)
SELECT key, at, size, CASE WHEN at = 0 THEN info END FROM scanned
UNION ALL
SELECT key, at, size, CASE WHEN at = 0 THEN info END FROM entry WHERE size IS NOT NULL
ORDER BY key
