-- Sets quota aside for a write to a key, where it fits everything that limits the key, and says what
-- is at the key. The caller has taken the bucket's turn, and that of all buckets where there is a bound.
--   $1 bucket's name  $2 key  $3 bytes  $4 true: bytes are the object's new size, false: they are what to set aside
--   $5 more bytes, to be set aside where eight times as many are free
--   $6 '' and the beginnings of key that may be counted  $7 bound of all buckets, 0: none
--   $8 reservation  $9 instance  $10 false: nothing is written, it is only asked whether it fits
--   $11 upload  $12 number: of a part, which is then meant where $4 says object; NULL: none
WITH here AS (
    SELECT id, version FROM buckets WHERE name = $1
), old AS (
    SELECT o.seq, o.size, o.info, o.detail FROM here JOIN objects o ON o.bucket = here.id AND o.key = $2
), part AS (
    SELECT p.size, p.seq FROM here JOIN parts p ON p.bucket = here.id AND p.key = $2 AND p.upload = $11::bytea AND p.number = $12::int
), need AS (
    SELECT greatest($3::bigint - CASE WHEN NOT $4::boolean THEN 0
        WHEN $11::bytea IS NULL THEN coalesce((SELECT size FROM old), 0)
        ELSE coalesce((SELECT size FROM part), 0) END, 0) AS bytes
), limits AS (
    SELECT q.prefix, q.bytes,
        (SELECT sum(u.bytes + u.part_bytes)::bigint FROM usage u
            WHERE u.bucket = q.bucket AND u.prefix = q.prefix)
        + (SELECT coalesce(sum(r.bytes), 0)::bigint FROM reservations r
            WHERE r.bucket = q.bucket AND r.key >= q.prefix AND r.key < q.above
                AND r.version >= q.since AND r.id <> $8) AS used
    FROM here JOIN quotas q ON q.bucket = here.id AND q.prefix = ANY($6::bytea[])
    WHERE q.bytes > 0
    UNION ALL
    SELECT NULL, $7::bigint,
        (SELECT coalesce(sum(u.bytes + u.part_bytes), 0)::bigint FROM buckets b
            JOIN usage u ON u.bucket = b.id AND u.prefix = ''::bytea)
        + (SELECT coalesce(sum(r.bytes), 0)::bigint FROM reservations r WHERE r.id <> $8)
    WHERE $7::bigint > 0
), exceeded AS ( -- the narrowest
    SELECT l.prefix, l.bytes, l.used FROM limits l, need
    WHERE need.bytes > 0 AND l.used + need.bytes > l.bytes
    ORDER BY length(l.prefix) DESC NULLS LAST LIMIT 1
), held AS (
    INSERT INTO reservations (id, instance, bucket, key, version, bytes)
    SELECT $8::bigint, $9::bigint, here.id, $2::bytea, here.version,
        CASE WHEN $5::bigint > need.bytes AND NOT EXISTS (SELECT 1 FROM limits l WHERE l.used + 8 * $5::bigint > l.bytes)
            THEN $5::bigint ELSE need.bytes END
    FROM here, need
    WHERE $10::boolean AND need.bytes > 0 AND EXISTS (SELECT 1 FROM limits) AND NOT EXISTS (SELECT 1 FROM exceeded)
    ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, version = excluded.version
    RETURNING bytes
)
SELECT here.id, here.version,
    EXISTS (SELECT 1 FROM limits), EXISTS (SELECT 1 FROM limits WHERE prefix IS NOT NULL), need.bytes, (SELECT bytes FROM held),
    e.bytes, e.used, e.prefix,
    (SELECT u.info FROM uploads u WHERE u.bucket = here.id AND u.key = $2 AND u.id = $11::bytea), (SELECT seq FROM part),
    old.seq, old.size, old.info, old.detail
FROM here CROSS JOIN need LEFT JOIN exceeded e ON true LEFT JOIN old ON true
