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
	many    string // root of the list of all, which a GET without an id asks for
}

func none(code, message string) standing { return standing{code: code, message: message} }

// noneOf is of a feature that a bucket can have several of, each with an id.
func noneOf(root string) standing {
	return standing{code: "NoSuchConfiguration", message: "The specified configuration does not exist.", many: root}
}

func never(what string) standing {
	return standing{code: "NotImplemented", message: what + " not implemented."}
}

var bucketAnswers = map[string]standing{
	"acl":                   {root: "AccessControlPolicy"},
	"versioning":            {root: "VersioningConfiguration"},
	"notification":          {root: "NotificationConfiguration"},
	"logging":               {root: "BucketLoggingStatus"},
	"accelerate":            {root: "AccelerateConfiguration"},
	"requestPayment":        {root: "RequestPaymentConfiguration", content: "<Payer>BucketOwner</Payer>"},
	"policy":                none("NoSuchBucketPolicy", "The bucket policy does not exist"),
	"policyStatus":          none("NoSuchBucketPolicy", "The bucket policy does not exist"),
	"tagging":               none("NoSuchTagSet", "The TagSet does not exist"),
	"cors":                  none("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
	"lifecycle":             none("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
	"encryption":            none("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"),
	"object-lock":           none("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"),
	"replication":           none("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
	"website":               none("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
	"publicAccessBlock":     none("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
	"ownershipControls":     none("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
	"analytics":             noneOf("ListBucketAnalyticsConfigurationResult"),
	"intelligent-tiering":   noneOf("ListBucketIntelligentTieringConfigurationsOutput"),
	"inventory":             noneOf("ListInventoryConfigurationsResult"),
	"metrics":               noneOf("ListMetricsConfigurationsResult"),
	"abac":                  never("Attribute-based access control is"),
	"metadataConfiguration": never("Metadata tables are"),
	"metadataTable":         never("Metadata tables are"),
	"session":               never("Sessions are"),
}

var objectAnswers = map[string]standing{
	"acl":          {root: "AccessControlPolicy"},
	"legal-hold":   none("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration"),
	"retention":    none("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration"),
	"torrent":      never("Torrents are"),
	"restore":      never("Restore is"),
	"select":       never("Select is"),
	"encryption":   never("Encryption is"),
	"renameObject": never("Renaming is"),
}

// subresource answers for a feature that is named in the query; nil where none is.
func (q *request) subresource(table map[string]standing) operation {
	for name := range q.query {
		s, ok := table[name]
		if !ok {
			continue
		}
		switch {
		case q.r.Method == http.MethodGet, q.r.Method == http.MethodHead:
			return func(q *request) error { return q.answerStanding(s) }
		case q.r.Method == http.MethodDelete && s.code != "NotImplemented":
			return (*request).deleteStanding
		case q.r.Method == http.MethodPut && name == "acl" && q.r.Header.Get("X-Amz-Acl") != "" && q.body.Length == 0:
			return (*request).putACL
		}
		return refuseWith(notImplemented(name))
	}
	return nil
}

// visible checks that the identity sees the bucket or object whose feature is meant, and
// returns the bucket's owner.
func (q *request) visible() (owner string, err error) {
	if q.key == "" {
		if err := q.allow(authz.SeeBucket, q.bucket, ""); err != nil {
			return "", err
		}
	} else {
		if err := q.allow(authz.Read, q.bucket, q.key); err != nil {
			return "", err
		}
		if _, err := q.store.Head(q.r.Context(), q.bucket, q.key); err != nil {
			return "", err
		}
	}
	b, err := q.store.Bucket(q.r.Context(), q.bucket)
	if err != nil {
		return "", err
	}
	return b.Owner, nil
}

// deleteStanding answers the removal of what is not there as S3 does.
func (q *request) deleteStanding() error {
	if err := q.settable(); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// putACL takes the canned ACLs that say what is so anyway.
func (q *request) putACL() error {
	if err := q.settable(); err != nil {
		return err
	}
	if err := q.refuseHeaders(); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// settable checks that the identity may change the bucket or object. Who may end a bucket may
// set it.
func (q *request) settable() error {
	action := authz.DeleteBucket
	if q.key != "" {
		action = authz.Write
	}
	if err := q.allow(action, q.bucket, q.key); err != nil {
		return err
	}
	_, err := q.visible()
	return err
}

func (q *request) answerStanding(s standing) error {
	owner, err := q.visible()
	if err != nil {
		return err
	}
	if s.many != "" && !q.query.Has("id") {
		s = standing{root: s.many, content: "<IsTruncated>false</IsTruncated>"}
	}
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

func (x *xmlWriter) owner(id string) { x.person("Owner", id) }

func (x *xmlWriter) person(element, id string) {
	x.open(element)
	x.text("ID", id)
	x.text("DisplayName", id)
	x.close(element)
}
