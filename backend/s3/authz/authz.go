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
	CreateBucket               // of a name; whether it may be a new one is MayCreate
	DeleteBucket
	List  // keys or uploads that begin with a prefix
	Read  // an object, a copy's source
	Write // an object or a part, delete, multipart
)

var names = [...]string{"ListBuckets", "SeeBucket", "CreateBucket", "DeleteBucket", "List", "Read", "Write"}

// String is the action's name in the audit log.
func (a Action) String() string { return names[a] }

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
	if id.Scope != nil {
		return inScope(*id.Scope, a, bucket, key)
	}
	return Granted(id, a, bucket, key)
}

// Granted reports whether the grants of id alone allow a, whether or not the bucket is a
// reserved one: the coordinator asks it before it issues a scoped pair.
func Granted(id authn.Identity, a Action, bucket, key string) bool {
	for _, g := range id.Grants {
		if granted(g, a, bucket, key) {
			return true
		}
	}
	return false
}

// MayCreate reports whether id may make a bucket that does not exist. Others that may
// CreateBucket only repeat the creation of one that does, as many clients do before they write.
func MayCreate(id authn.Identity, bucket string) bool {
	if id.Scope != nil || store.Reserved(bucket) {
		return false
	}
	for _, g := range id.Grants {
		everywhere := g.Role == authn.RoleBucketWrite && g.Bucket == authn.AllBuckets
		if g.Role == authn.RoleAdmin || g.Prefix == "" && (everywhere || g.Role == authn.RoleBucketAdmin && covers(g, bucket)) {
			return true
		}
	}
	return false
}

func covers(g authn.Grant, bucket string) bool {
	return g.Bucket == authn.AllBuckets || g.Bucket == bucket
}

// granted holds a grant to its bucket and prefix (SPEC C23).
func granted(g authn.Grant, a Action, bucket, key string) bool {
	if g.Role == authn.RoleAdmin {
		return true
	}
	if !g.Role.OfBucket() || !covers(g, bucket) {
		return false
	}
	switch a {
	case SeeBucket:
		return true
	case List, Read:
		return strings.HasPrefix(key, g.Prefix)
	case Write:
		return g.Role != authn.RoleBucketRead && strings.HasPrefix(key, g.Prefix)
	case CreateBucket:
		return g.Role != authn.RoleBucketRead
	case DeleteBucket:
		return g.Role == authn.RoleBucketAdmin && g.Prefix == ""
	default:
		return false
	}
}

// inScope holds a scoped pair to its bucket and prefix (SPEC B28).
func inScope(s authn.Scope, a Action, bucket, key string) bool {
	if bucket != s.Bucket || (s.ReadOnly && a.changes()) {
		return false
	}
	switch a {
	case SeeBucket, CreateBucket:
		return true
	case DeleteBucket:
		return false
	default:
		return strings.HasPrefix(key, s.Prefix)
	}
}
