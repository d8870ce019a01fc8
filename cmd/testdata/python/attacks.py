"""Every way to write, and without the system role to read, the system bucket (SPEC B14, E8). See system_bucket.txtar."""
import os, urllib.parse
from attack import Attack, bulk_errors, client, raw, send
e = os.environ
s3, b = e["URL"] + "/s3", "_tunnelmesh"
netloc = urllib.parse.urlsplit(s3).netloc
reader = client(s3, e["SYSTEM"], e["SYSTEM_TOKEN"])
def state():
    found = {}
    for page in reader.get_paginator("list_objects_v2").paginate(Bucket=b):
        for o in page["Contents"]:
            if not o["Key"].startswith("state/"):  # by which several coordinators agree, all the time
                found[o["Key"]] = (o["ETag"], o["LastModified"])
    return found, reader.list_multipart_uploads(Bucket=b).get("Uploads"), [x["Name"] for x in reader.list_buckets()["Buckets"]]
document = "peers/" + e["PEER"] + ".json"
before = state()
assert document in before[0]
admin = client(s3, e["ADMIN"], e["ADMIN_TOKEN"])
admin.put_object(Bucket="team", Key="mine", Body=b"mine")

def attack(label, key, secret, reads):
    c, a = client(s3, key, secret), Attack()
    to = dict(Bucket=b, Key=document)
    mine = dict(Bucket="team", Key="mine")
    writes = {
        "put": lambda: c.put_object(Body=b"x", **to),
        "put new": lambda: c.put_object(Body=b"x", Bucket=b, Key="peers/new.json"),
        "put empty": lambda: c.put_object(**to),
        "put if match": lambda: c.put_object(Body=b"x", IfNoneMatch="*", **to) if "IfNoneMatch" in c.meta.service_model.operation_model("PutObject").input_shape.members else raw(s3, key, secret, "PUT", "/%s/%s" % (b, document), b"x", {"If-None-Match": "*"}),
        "delete": lambda: c.delete_object(**to),
        "delete missing": lambda: c.delete_object(Bucket=b, Key="missing"),
        "bulk delete": lambda: bulk_errors(c.delete_objects(Bucket=b, Delete={"Objects": [{"Key": document}, {"Key": "mesh.json"}]})),
        "copy to": lambda: c.copy_object(CopySource=mine, **to),
        "copy onto itself": lambda: c.copy_object(CopySource=to, MetadataDirective="REPLACE", **to),
        "multipart": lambda: c.create_multipart_upload(**to),
        "part": lambda: c.upload_part(UploadId="x", PartNumber=1, Body=b"x", **to),
        "part copy to": lambda: c.upload_part_copy(UploadId="x", PartNumber=1, CopySource=mine, **to),
        "complete": lambda: c.complete_multipart_upload(UploadId="x", MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}, **to),
        "abort": lambda: c.abort_multipart_upload(UploadId="x", **to),
        "tagging": lambda: c.put_object_tagging(Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}, **to),
        "delete tagging": lambda: c.delete_object_tagging(**to),
        "delete bucket": lambda: c.delete_bucket(Bucket=b),
        "create bucket": lambda: c.create_bucket(Bucket=b),
        "create another": lambda: c.create_bucket(Bucket="_another"),
        "metadata put": lambda: c.put_object(Body=b"x", Metadata={"a": "b"}, **to),
    }
    for name, call in writes.items():
        a.refused(name, call)
    # What is not offered at all is not offered here either.
    for name, call in {
        "acl": lambda: c.put_object_acl(ACL="public-read", **to),
        "bucket acl": lambda: c.put_bucket_acl(Bucket=b, ACL="public-read-write"),
        "policy": lambda: c.put_bucket_policy(Bucket=b, Policy="{}"),
        "lifecycle": lambda: c.put_bucket_lifecycle_configuration(Bucket=b, LifecycleConfiguration={"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}),
        "versioning": lambda: c.put_bucket_versioning(Bucket=b, VersioningConfiguration={"Status": "Enabled"}),
        "cors": lambda: c.put_bucket_cors(Bucket=b, CORSConfiguration={"CORSRules": [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["*"]}]}),
        "replication": lambda: c.put_public_access_block(Bucket=b, PublicAccessBlockConfiguration={"BlockPublicAcls": False}),
        "bucket tagging": lambda: c.put_bucket_tagging(Bucket=b, Tagging={"TagSet": []}),
        "website": lambda: c.put_bucket_website(Bucket=b, WebsiteConfiguration={"IndexDocument": {"Suffix": "x"}}),
        "delete policy": lambda: c.delete_bucket_policy(Bucket=b),
        "ownership": lambda: c.put_bucket_ownership_controls(Bucket=b, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}),
    }.items():
        a.refused(name, call, (403, 501, 405))
    # Every way to write the name.
    quoted = urllib.parse.quote(document)
    for name, path in {
        "escaped": "/%5Ftunnelmesh/" + quoted, "escaped lower": "/%5ftunnelmesh/" + quoted, "all escaped": "/" + "".join("%%%02X" % x for x in b.encode()) + "/" + quoted,
        "two slashes": "//_tunnelmesh/" + quoted, "two slashes after": "/_tunnelmesh//" + quoted, "dot": "/./_tunnelmesh/" + quoted, "dot dot": "/team/../_tunnelmesh/" + quoted,
        "escaped dot dot": "/team/%2E%2E/_tunnelmesh/" + quoted, "escaped slash": "/team%2F..%2F_tunnelmesh/" + quoted, "escaped slash in the name": "/_tunnelmesh%2F" + quoted, "back slash": "/team%5C..%5C_tunnelmesh/" + quoted,
        "upper": "/_TUNNELMESH/" + quoted, "mixed": "/_TunnelMesh/" + quoted, "trailing dot": "/_tunnelmesh./" + quoted, "trailing space": "/_tunnelmesh%20/" + quoted,
        "leading space": "/%20_tunnelmesh/" + quoted, "zero": "/_tunnelmesh%00/" + quoted, "zero before": "/%00_tunnelmesh/" + quoted, "twice escaped": "/%255Ftunnelmesh/" + quoted,
        "semicolon": "/_tunnelmesh;x=y/" + quoted, "full width": "/" + urllib.parse.quote("\uff3ftunnelmesh") + "/" + quoted, "soft hyphen": "/_tunnel%C2%ADmesh/" + quoted,
        "overlong": "/%C1%9Ftunnelmesh/" + quoted,
    }.items():
        # A name that is none of a bucket's is no bucket, and a `..` is a key like any other.
        for method in ["PUT", "DELETE"]:
            if "/team/" in path:
                continue
            a.refused(name + " " + method, lambda: raw(s3, key, secret, method, path, b"x" if method == "PUT" else b""), (400, 403, 404))
    for host in ["_tunnelmesh.coordinator.test", "_TUNNELMESH.COORDINATOR.TEST", "_tunnelmesh.coordinator.test.", "_tunnelmesh.coordinator.test:80", "_tunnelmesh..coordinator.test"]:
        a.refused("host " + host, lambda: raw(s3, key, secret, "PUT", "/" + quoted, b"x", host=host), (400, 403, 404))
    # Signed beforehand, and as a form.
    for method in ["put_object", "delete_object"]:
        url = urllib.parse.urlsplit(c.generate_presigned_url(method, Params=to, ExpiresIn=600))
        a.refused("presigned " + method, lambda: send(netloc, {"p": "PUT", "d": "DELETE"}[method[0]], url.path + "?" + url.query, b"" if method[0] == "d" else b"x"))
    form = c.generate_presigned_post(b, document, ExpiresIn=600)
    body = b"".join(b"--x\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % (k.encode(), v.encode()) for k, v in list(form["fields"].items()) + [("file", "x")]) + b"--x--\r\n"
    a.refused("form", lambda: send(netloc, "POST", "/s3/_tunnelmesh", body, {"Content-Type": "multipart/form-data; boundary=x"}), (400, 401, 403, 501))
    # Overrides of the method and of the path that some servers follow.
    for header in [{"X-HTTP-Method-Override": "PUT"}, {"X-Original-URL": "/s3/_tunnelmesh/x"}, {"X-Rewrite-URL": "/s3/_tunnelmesh/x"}]:
        a.refused("override", lambda: raw(s3, key, secret, "POST", "/_tunnelmesh/" + quoted, b"x", header), (403, 405))
    if not reads:
        up = dict(Bucket="team", Key="up", UploadId="x", PartNumber=1)
        if label != "pair of a workspace":
            up["UploadId"] = c.create_multipart_upload(Bucket="team", Key="up")["UploadId"]
        source = "_tunnelmesh/" + quoted
        for name, call in {
            "get": lambda: c.get_object(**to), "head": lambda: c.head_object(**to), "list": lambda: c.list_objects_v2(Bucket=b), "list V1": lambda: c.list_objects(Bucket=b),
            "list versions": lambda: c.list_object_versions(Bucket=b), "uploads": lambda: c.list_multipart_uploads(Bucket=b), "head bucket": lambda: c.head_bucket(Bucket=b), "location": lambda: c.get_bucket_location(Bucket=b),
            "get tagging": lambda: c.get_object_tagging(**to), "parts": lambda: c.list_parts(UploadId="x", **to),
            "presigned get": lambda: send(netloc, "GET", c.generate_presigned_url("get_object", Params=to)[len("http://" + netloc):]),
            "copy source": lambda: c.copy_object(CopySource=to, Bucket="team", Key="stolen"),
            "part copy source": lambda: c.upload_part_copy(CopySource=to, **up),
            "range": lambda: c.get_object(Range="bytes=0-1", **to),
            "attributes": lambda: c.get_object_attributes(ObjectAttributes=["ETag"], **to),
        }.items():
            a.refused(name, call)
        for written in ["/%5Ftunnelmesh/" + quoted, "%5ftunnelmesh/" + quoted, "//_tunnelmesh/" + quoted]:
            a.refused("copy source " + written, lambda: raw(s3, key, secret, "PUT", "/team/stolen", b"", {"X-Amz-Copy-Source": written}), (400, 403, 404))
        assert b not in [x["Name"] for x in c.list_buckets()["Buckets"]]
        if label != "pair of a workspace":
            c.abort_multipart_upload(Bucket="team", Key="up", UploadId=up["UploadId"])
    else:
        assert c.get_object(**to)["Body"].read()
    a.report(label)

attack("peer", e["PEER"], e["PEER_TOKEN"], False)
attack("admin", e["ADMIN"], e["ADMIN_TOKEN"], False)
attack("pair of a workspace", e["PAIR_KEY"], e["PAIR_SECRET"], False)
attack("system", e["SYSTEM"], e["SYSTEM_TOKEN"], True)
attack("every role", e["BOTH"], e["BOTH_TOKEN"], True)
a = Attack()
for method in ["GET", "PUT", "DELETE", "POST", "HEAD", "OPTIONS"]:
    a.refused(method, lambda: send(netloc, method, "/s3/_tunnelmesh/" + document), (401, 403, 405))
a.report("unsigned")
after = state()
assert before[2] == after[2], (before[2], after[2])
assert not after[1], after[1]
changed = {k for k in before[0].keys() | after[0].keys() if before[0].get(k) != after[0].get(k)}
assert not changed, changed
assert "stolen" not in [o["Key"] for o in admin.list_objects_v2(Bucket="team")["Contents"]]
print("nothing was written")
