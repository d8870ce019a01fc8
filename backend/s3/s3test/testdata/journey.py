"""What a script with boto3 does with the store. Fails at the first surprise."""
import os
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
s3 = boto3.client("s3", endpoint_url=ENDPOINT)  # nothing else is set: SPEC B4
v4 = boto3.client("s3", endpoint_url=ENDPOINT, config=Config(signature_version="s3v4"))
B = "bkt"


def code(call, **args):
    """The code of the error that call ends with."""
    try:
        call(**args)
    except ClientError as e:
        return e.response["Error"]["Code"]
    raise AssertionError(f"{call} {args} did not fail")


def fetch(url, data=None, **headers):
    """Status and body of a GET, or of a PUT of data."""
    r = urllib.request.Request(url, data=data, headers=headers, method="PUT" if data is not None else "GET")
    try:
        with urllib.request.urlopen(r) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


s3.create_bucket(Bucket=B)
assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == [B]
assert code(s3.head_bucket, Bucket="none") == "404"

# Odd keys; a and a/b side by side; nothing leaves the bucket (SPEC B13).
keys = ["a", "a/b", "a//b", "/lead", "trail/", "sp ace", "pl+us", "per%41cent", "ü/€/😀", "../../up", "a/../b", "./dot",
        "q?x=1&y", "hash#1", "semi;colon", "quote'\"<>&", "tab\tnew\nline", "back\\slash", "~tilde", "x" * 1024]
for k in keys:
    s3.put_object(Bucket=B, Key=k, Body=k.encode())
for k in keys:
    assert s3.get_object(Bucket=B, Key=k)["Body"].read() == k.encode(), k
pages = s3.get_paginator("list_objects_v2").paginate(Bucket=B, PaginationConfig={"PageSize": 3})
listed = [o["Key"] for p in pages for o in p["Contents"]]
assert listed == sorted(keys, key=str.encode), listed
v1 = [o["Key"] for p in s3.get_paginator("list_objects").paginate(Bucket=B, PaginationConfig={"PageSize": 4}) for o in p["Contents"]]
assert v1 == listed, v1
top = s3.list_objects_v2(Bucket=B, Delimiter="/")
assert [p["Prefix"] for p in top["CommonPrefixes"]] == ["../", "./", "/", "a/", "trail/", "ü/"], top["CommonPrefixes"]
for k in keys:
    s3.copy_object(Bucket=B, Key="copy of " + k[:900], CopySource={"Bucket": B, "Key": k})
    assert s3.head_object(Bucket=B, Key="copy of " + k[:900])["ContentLength"] == len(k.encode()), k

# Metadata and headers.
s3.put_object(Bucket=B, Key="meta", Body=b"m", ContentType="text/x", CacheControl="no-cache", Metadata={"Name": "value", "two": "2"})
head = s3.head_object(Bucket=B, Key="meta")
assert (head["ContentType"], head["CacheControl"], head["Metadata"]) == ("text/x", "no-cache", {"name": "value", "two": "2"}), head
s3.copy_object(Bucket=B, Key="meta", CopySource=f"{B}/meta", MetadataDirective="REPLACE", Metadata={"new": "1"})
assert s3.head_object(Bucket=B, Key="meta")["Metadata"] == {"new": "1"}

# 50 MB up and down in parts, and a copy of it in parts.
data = os.urandom(50_000_000)
with open("big", "wb") as f:
    f.write(data)
s3.upload_file("big", B, "big")
s3.download_file(B, "big", "down")
with open("down", "rb") as f:
    assert f.read() == data
s3.copy({"Bucket": B, "Key": "big"}, B, "big2", Config=TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20))
assert s3.get_object(Bucket=B, Key="big2", Range="bytes=-10")["Body"].read() == data[-10:]
part = s3.get_object(Bucket=B, Key="big", Range="bytes=1000-1999")
assert part["Body"].read() == data[1000:2000] and part["ContentRange"] == "bytes 1000-1999/50000000", part
assert code(s3.get_object, Bucket=B, Key="big", Range="bytes=50000000-") == "InvalidRange"
up = s3.create_multipart_upload(Bucket=B, Key="left")
s3.upload_part(Bucket=B, Key="left", UploadId=up["UploadId"], PartNumber=3, Body=b"x")
assert [p["PartNumber"] for p in s3.list_parts(Bucket=B, Key="left", UploadId=up["UploadId"])["Parts"]] == [3]
assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=B)["Uploads"]] == ["left"]
s3.abort_multipart_upload(Bucket=B, Key="left", UploadId=up["UploadId"])
assert code(s3.list_parts, Bucket=B, Key="left", UploadId=up["UploadId"]) == "NoSuchUpload"

# Checksums that the client computes, and verifies when it reads.
for algorithm in ["CRC32", "SHA1", "SHA256"]:
    put = s3.put_object(Bucket=B, Key="sum", Body=data[:100_000], ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=B, Key="sum", ChecksumMode="ENABLED")
    assert got["Body"].read() == data[:100_000] and got["Checksum" + algorithm] == put["Checksum" + algorithm], got

# Conditions and errors.
etag = s3.head_object(Bucket=B, Key="a")["ETag"]
assert code(s3.get_object, Bucket=B, Key="a", IfNoneMatch=etag) == "304"
assert code(s3.get_object, Bucket=B, Key="a", IfMatch='"x"') == "PreconditionFailed"
assert code(s3.get_object, Bucket=B, Key="none") == "NoSuchKey"
assert code(s3.head_object, Bucket=B, Key="none") == "404"
assert code(s3.get_object, Bucket="none", Key="none") == "NoSuchBucket"
assert code(s3.delete_bucket, Bucket=B) == "BucketNotEmpty"
assert code(s3.put_object, Bucket="_tunnelmesh", Key="x", Body=b"") == "AccessDenied"  # SPEC B14
s3.delete_object(Bucket=B, Key="none")

# Presigned, as boto3 does unless told otherwise (V2: refused with advice), and with V4.
status, body = fetch(s3.generate_presigned_url("get_object", Params={"Bucket": B, "Key": "a"}))
assert status == 400 and b"signature_version=&#39;s3v4&#39;" in body, (status, body)
for k in keys:
    status, body = fetch(v4.generate_presigned_url("get_object", Params={"Bucket": B, "Key": k}))
    assert (status, body) == (200, k.encode()), (k, status, body)
status, body = fetch(v4.generate_presigned_url("put_object", Params={"Bucket": B, "Key": "put by url"}), data=b"presigned")
assert status == 200, body
assert s3.get_object(Bucket=B, Key="put by url")["Body"].read() == b"presigned"
url = v4.generate_presigned_url("get_object", Params={"Bucket": B, "Key": "a", "ResponseContentType": "text/y"}, ExpiresIn=60)
assert fetch(url)[0] == 200
status, body = fetch(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))
assert status == 403 and b"SignatureDoesNotMatch" in body, body

# Deletes, many at once.
bucket = boto3.resource("s3", endpoint_url=ENDPOINT).Bucket(B)
assert len(bucket.objects.all().delete()[0]["Deleted"]) == 2 * len(keys) + 5
assert "Contents" not in s3.list_objects_v2(Bucket=B)
s3.delete_bucket(Bucket=B)
assert code(s3.list_objects_v2, Bucket=B) == "NoSuchBucket"
