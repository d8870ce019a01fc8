package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// cannedACLs are S3's: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl.
// Those that are true say what is so anyway: the bucket's owner has all rights, nobody else any.
var cannedACLs = map[string]bool{
	"": true, "private": true, "bucket-owner-full-control": true,
	"public-read": false, "public-read-write": false, "authenticated-read": false, "aws-exec-read": false,
	"bucket-owner-read": false, "log-delivery-write": false,
}

// storageClasses are S3's; one of them is offered.
var storageClasses = map[string]bool{
	"": true, "STANDARD": true,
	"REDUCED_REDUNDANCY": false, "STANDARD_IA": false, "ONEZONE_IA": false, "INTELLIGENT_TIERING": false, "GLACIER": false,
	"GLACIER_IR": false, "DEEP_ARCHIVE": false, "OUTPOSTS": false, "SNOW": false, "EXPRESS_ONEZONE": false, "FSX_OPENZFS": false,
}

// neverKept are beginnings of headers that ask for what is not offered.
var neverKept = []string{
	"X-Amz-Grant-", "X-Amz-Server-Side-Encryption", "X-Amz-Copy-Source-Server-Side-Encryption", "X-Amz-Object-Lock-",
	"X-Amz-Website-Redirect-Location", "X-Amz-Write-Offset-Bytes",
}

// refuseHeaders refuses what is not kept rather than keep silent about it.
func (q *request) refuseHeaders() error {
	for name, values := range q.r.Header {
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if err := refuseHeader(name, values[0]); err != nil {
			return err
		}
	}
	return nil
}

func refuseHeader(name, value string) error {
	switch name {
	case "X-Amz-Acl":
		if is, known := cannedACLs[value]; !known {
			return invalid("%q is no canned ACL", value)
		} else if !is {
			return notImplemented("x-amz-acl other than private")
		}
	case "X-Amz-Storage-Class":
		if is, known := storageClasses[value]; !known {
			return fail(http.StatusBadRequest, "InvalidStorageClass", "The storage class you specified is not valid")
		} else if !is {
			return notImplemented("storage classes other than STANDARD")
		}
	case "X-Amz-Bucket-Object-Lock-Enabled":
		if !strings.EqualFold(value, "false") {
			return notImplemented("object lock")
		}
	case "X-Amz-Object-Ownership":
		if value != "BucketOwnerEnforced" {
			return notImplemented("x-amz-object-ownership other than BucketOwnerEnforced")
		}
	default:
		for _, prefix := range neverKept {
			if strings.HasPrefix(name, prefix) {
				return notImplemented(strings.ToLower(name))
			}
		}
	}
	return nil
}

// refuseCustomerKey refuses a read with the key of an encryption that no object has.
func (q *request) refuseCustomerKey() error {
	if _, ok := q.r.Header["X-Amz-Server-Side-Encryption-Customer-Algorithm"]; ok {
		return badRequest("The encryption parameters are not applicable to this object.")
	}
	return nil
}

// expectedOwner holds the request to x-amz-expected-bucket-owner and its twin for a copy's source:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html.
func (q *request) expectedOwner(header, bucket string) error {
	want := q.r.Header.Get(header)
	if want == "" || bucket == "" || !authz.Allowed(q.who, authz.SeeBucket, bucket, "") {
		return nil // who may not see the bucket is refused later, and learns nothing here
	}
	b, err := q.store.Bucket(q.r.Context(), bucket)
	if errors.Is(err, store.ErrNoSuchBucket) {
		return nil // the operation's own answer, which may be to make it
	}
	if err != nil {
		return err
	}
	if b.Owner != want {
		return fail(http.StatusForbidden, "AccessDenied", "Access Denied: the bucket belongs to another peer than %s names", strings.ToLower(header))
	}
	return nil
}
