-- Writes an object and all that goes with it, where the bucket, its quotas, the object and the
-- reservation are as they were seen; otherwise it does nothing. The caller holds the key's stripe.
--   $1 bucket  $2 its version, -1: any  $3 key  $4 seq seen, 0: no object  $5 reservation, 0: none is needed
--   $6 new seq  $7 size  $8 info  $9 detail  $10 new blobs  $11 how often each
--   $12 stripe  $13 what may be counted  $14 bytes more  $15 objects more
--   $16 etag  $17 modified
WITH seen AS (
    SELECT b.name FROM buckets b LEFT JOIN objects o ON o.bucket = b.id AND o.key = $3
    WHERE b.id = $1 AND $2::bigint IN (b.version, -1) AND coalesce(o.seq, 0) = $4
        AND ($5::bigint = 0 OR EXISTS (SELECT 1 FROM reservations WHERE id = $5))
), written AS (
    INSERT INTO objects (bucket, key, seq, size, info, detail)
    SELECT $1, $3, $6::bigint, $7::bigint, $8::bytea, $9::bytea FROM seen
    ON CONFLICT (bucket, key) DO UPDATE
        SET seq = excluded.seq, size = excluded.size, info = excluded.info, detail = excluded.detail
    RETURNING seq
), counted AS (
    UPDATE usage SET bytes = usage.bytes + $14, objects = usage.objects + $15
    FROM seen WHERE bucket = $1 AND stripe = $12 AND prefix = ANY($13::bytea[])
), spent AS (
    DELETE FROM reservations USING seen WHERE id = $5
), referred AS (
    INSERT INTO blobs (blob, refs)
    SELECT new.blob, new.refs FROM seen, unnest($10::bytea[], $11::bigint[]) AS new(blob, refs)
), told AS (
    INSERT INTO news (kind, bucket, key, etag, size, modified)
    SELECT 'put', seen.name, $3, $16::bytea, $7, $17::bigint FROM seen
)
SELECT count(*) FROM written
