-- Writes a part of an upload that has none of its number, where the bucket, its quotas and the
-- reservation are as they were seen; otherwise it does nothing. The caller holds the key's stripe.
--   $1 bucket  $2 its version  $3 key  $4 upload  $5 number  $6 reservation, 0: none is needed
--   $7 seq  $8 size  $9 record  $10 new blobs  $11 how often each  $12 stripe  $13 what may be counted
WITH seen AS (
    SELECT 1 FROM buckets b JOIN uploads u ON u.bucket = b.id AND u.key = $3 AND u.id = $4
    WHERE b.id = $1 AND b.version = $2
        AND NOT EXISTS (SELECT 1 FROM parts p WHERE p.bucket = $1 AND p.key = $3 AND p.upload = $4 AND p.number = $5)
        AND ($6::bigint = 0 OR EXISTS (SELECT 1 FROM reservations WHERE id = $6))
), written AS (
    INSERT INTO parts (bucket, key, upload, number, seq, size, record)
    SELECT $1, $3, $4, $5::int, $7::bigint, $8::bigint, $9::bytea FROM seen
    RETURNING seq
), counted AS (
    UPDATE usage SET part_bytes = usage.part_bytes + $8
    FROM seen WHERE bucket = $1 AND stripe = $12 AND prefix = ANY($13::bytea[])
), spent AS (
    DELETE FROM reservations USING seen WHERE id = $6
), referred AS (
    INSERT INTO blobs (blob, refs)
    SELECT new.blob, new.refs FROM seen, unnest($10::bytea[], $11::bigint[]) AS new(blob, refs)
)
SELECT count(*) FROM written
