package authz

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Action is what is asked for.
type Action int

// The actions.
const (
	ListBuckets  Action = iota // which of the buckets is asked one by one, with SeeBucket
	SeeBucket                  // HeadBucket, GetBucketLocation, and what a bucket says of itself
	CreateBucket               // of a name
	DeleteBucket
	List  // keys or uploads that begin with a prefix
	Read  // an object, a copy's source
	Write // an object or a part, delete, multipart
)

func (a Action) changes() bool { return a == CreateBucket || a == DeleteBucket || a == Write }

// Allowed reports whether id may do a. key is the object's key for Read and Write and the
// prefix for List; otherwise empty.
func Allowed(id authn.Identity, a Action, bucket, key string) bool {
	if a == ListBuckets {
		return true
	}
	if store.Reserved(bucket) {
		// Reserved names: nobody writes, the system role reads. A scoped pair that the
		// coordinator issued for one of its own buckets is the one exception, and never
		// reaches the bucket that holds the control state.
		scoped := id.Scope != nil && bucket == id.Scope.Bucket && bucket != store.SystemBucket
		if !scoped {
			return id.Scope == nil && !a.changes() && id.Has(authn.RoleSystem)
		}
	}
	if id.Scope == nil {
		return true
	}
	return inScope(*id.Scope, a, bucket, key)
}

// inScope holds a scoped pair to its bucket and prefix (SPEC B28).
func inScope(s authn.Scope, a Action, bucket, key string) bool {
	if bucket != s.Bucket || (s.ReadOnly && a.changes()) {
		return false
	}
	switch a {
	case SeeBucket:
		return true
	case CreateBucket:
		return true // clients re-PUT their bucket; the API answers that only for one that exists
	case DeleteBucket:
		return false
	default:
		return strings.HasPrefix(key, s.Prefix)
	}
}
