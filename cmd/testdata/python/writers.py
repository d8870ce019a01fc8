"""Twenty writers against a quota of 5 MB (SPEC B25, E9): sys.argv[1] is bucket or workspace. See quota.txtar."""
import os, sys
from concurrent.futures import ThreadPoolExecutor
from attack import ClientError, client
e = os.environ
what = sys.argv[1]
bucket, prefix, pair = (e.get("BUCKET", "team"), "", ("PEER", "TOKEN")) if what == "bucket" else ("_managed", e["PAIR_PREFIX"], ("PAIR_KEY", "PAIR_SECRET"))
c = client(e["URL"] + "/s3", e[pair[0]], e[pair[1]])
body = os.urandom(1 << 20)
def together(label, write):
    def outcome(i):
        try:
            write(i)
            return "taken"
        except ClientError as failed:
            return failed.response["Error"]["Code"]
    with ThreadPoolExecutor(20) as pool:
        out = list(pool.map(outcome, range(20)))
    rest = sorted(set(out) - {"taken"})
    print("%s: %s%d taken, %s" % (what, label, out.count("taken"), ", ".join("%d %s" % (out.count(r), r) for r in rest)))
    held = c.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    assert sum(o["Size"] for o in held) <= 5 << 20, held
    assert len(held) == out.count("taken") + (1 if label == "copies: " else 0), held
    return held
def clear(keep=()):
    for o in c.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        if o["Key"] not in keep:
            c.delete_object(Bucket=bucket, Key=o["Key"])
together("", lambda i: c.put_object(Bucket=bucket, Key="%sfull-%d" % (prefix, i), Body=body))
clear()
def parts(i):
    key = "%sparts-%d" % (prefix, i)
    up = c.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    try:
        etag = c.upload_part(Bucket=bucket, Key=key, UploadId=up, PartNumber=1, Body=body)["ETag"]
    except ClientError:
        c.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=up)
        raise
    c.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=up, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
together("in parts: ", parts)
clear()
c.put_object(Bucket=bucket, Key=prefix + "source", Body=body)
together("copies: ", lambda i: c.copy_object(Bucket=bucket, Key="%scopy-%d" % (prefix, i), CopySource={"Bucket": bucket, "Key": prefix + "source"}))
clear()
for i in range(5):
    c.put_object(Bucket=bucket, Key="%sfull-%d" % (prefix, i), Body=body)
with ThreadPoolExecutor(20) as pool:
    done = list(pool.map(lambda i: c.put_object(Bucket=bucket, Key="%sfull-%d" % (prefix, i % 5), Body=os.urandom(1 << 20)), range(20)))
print("%s: overwritten by as much: %d of 20" % (what, len(done)))
