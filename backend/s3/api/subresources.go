package api

import (
	"net/http"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
)

// standing is what a read of a feature answers that no bucket here has: S3's own answer
// of a bucket that never set it. Setting it is NotImplemented.
type standing struct {
	code    string // of a 404; empty: root is answered with content
	message string
	root    string
	content string
}

func none(code, message string) standing { return standing{code: code, message: message} }

var bucketAnswers = map[string]standing{
	"acl":               {root: "AccessControlPolicy"},
	"versioning":        {root: "VersioningConfiguration"},
	"notification":      {root: "NotificationConfiguration"},
	"logging":           {root: "BucketLoggingStatus"},
	"accelerate":        {root: "AccelerateConfiguration"},
	"requestPayment":    {root: "RequestPaymentConfiguration", content: "<Payer>BucketOwner</Payer>"},
	"policy":            none("NoSuchBucketPolicy", "The bucket policy does not exist"),
	"policyStatus":      none("NoSuchBucketPolicy", "The bucket policy does not exist"),
	"tagging":           none("NoSuchTagSet", "The TagSet does not exist"),
	"cors":              none("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
	"lifecycle":         none("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
	"encryption":        none("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"),
	"object-lock":       none("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"),
	"replication":       none("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
	"website":           none("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
	"publicAccessBlock": none("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
	"ownershipControls": none("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
	"analytics":         none("NoSuchConfiguration", "The specified configuration does not exist."),
	"inventory":         none("NoSuchConfiguration", "The specified configuration does not exist."),
	"metrics":           none("NoSuchConfiguration", "The specified configuration does not exist."),
}

var objectAnswers = map[string]standing{
	"acl":        {root: "AccessControlPolicy"},
	"tagging":    {root: "Tagging", content: "<TagSet></TagSet>"},
	"legal-hold": none("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration"),
	"retention":  none("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration"),
	"torrent":    none("NotImplemented", "Torrents are not implemented."),
	"restore":    none("NotImplemented", "Restore is not implemented."),
	"select":     none("NotImplemented", "Select is not implemented."),
}

// subresource answers for a feature that is named in the query; nil where none is.
func (q *request) subresource(table map[string]standing) operation {
	for name := range q.query {
		s, ok := table[name]
		if !ok {
			continue
		}
		if q.r.Method == http.MethodGet || q.r.Method == http.MethodHead {
			return func(q *request) error { return q.answerStanding(s) }
		}
		return refuseWith(notImplemented(name))
	}
	return nil
}

func (q *request) answerStanding(s standing) error {
	var owner string
	if q.key == "" {
		if err := q.allow(authz.SeeBucket, q.bucket, ""); err != nil {
			return err
		}
	} else {
		if err := q.allow(authz.Read, q.bucket, q.key); err != nil {
			return err
		}
		if _, err := q.store.Head(q.r.Context(), q.bucket, q.key); err != nil {
			return err
		}
	}
	b, err := q.store.Bucket(q.r.Context(), q.bucket)
	if err != nil {
		return err
	}
	owner = b.Owner
	if s.code == "NotImplemented" {
		return fail(http.StatusNotImplemented, s.code, "%s", s.message)
	}
	if s.code != "" {
		return fail(http.StatusNotFound, s.code, "%s", s.message)
	}
	var x xmlWriter
	x.root(s.root)
	if s.root == "AccessControlPolicy" {
		x.owner(owner)
		x.b = append(x.b, `<AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">`...)
		x.text("ID", owner)
		x.text("DisplayName", owner)
		x.b = append(x.b, `</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>`...)
	}
	x.b = append(x.b, s.content...)
	x.close(s.root)
	q.xml(http.StatusOK, &x)
	return nil
}

func (x *xmlWriter) owner(id string) {
	x.open("Owner")
	x.text("ID", id)
	x.text("DisplayName", id)
	x.close("Owner")
}
