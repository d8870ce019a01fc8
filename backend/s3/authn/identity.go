package authn

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
)

// Identity is who a request comes from.
type Identity struct {
	ID          string // of the peer; owner of the buckets it makes
	AccessKeyID string // with which it signed; logged, never secret
	Grants      []Grant
	Scope       *Scope // of a scoped pair, which has no grants; nil: a peer

	proof proof // of the secret that it showed; see Authenticator.Still
}

// proof tells secrets apart without being one.
type proof [sha256.Size]byte

func proofOf(secret string) proof { return sha256.Sum256([]byte(secret)) }

// Scope bounds an identity to a prefix of one bucket (SPEC B28).
type Scope struct {
	Bucket   string
	Prefix   string // ends in "/" where it means a folder; empty: the whole bucket
	ReadOnly bool
}

// Role is what a peer may do (SPEC C23).
type Role string

// The roles. Admin and System are not bound to a bucket; the others are, to one or to all
// that are not reserved, and where they are bound to a prefix they end there.
const (
	RoleAdmin       Role = "admin"        // everything but the coordinator's own buckets, and the control plane
	RoleSystem      Role = "system"       // lists and reads the coordinator's own buckets, and nothing else (SPEC B14)
	RoleBucketAdmin Role = "bucket-admin" // writes, and makes and deletes the bucket, and sets its quota
	RoleBucketWrite Role = "bucket-write" // reads, and writes and deletes objects; on all buckets it makes new ones too
	RoleBucketRead  Role = "bucket-read"  // lists and reads
)

// Roles are all of them, the strongest first.
var Roles = []Role{RoleAdmin, RoleSystem, RoleBucketAdmin, RoleBucketWrite, RoleBucketRead}

// OfBucket reports whether a role is bound to a bucket.
func (r Role) OfBucket() bool { return strings.HasPrefix(string(r), "bucket-") }

// AllBuckets in a Grant stands for every bucket that is not reserved.
const AllBuckets = "*"

// Grant is a role and where it holds.
type Grant struct {
	Role   Role   `json:"role"`
	Bucket string `json:"bucket,omitempty"` // AllBuckets or one; empty for the roles that are not bound to one
	Prefix string `json:"prefix,omitempty"` // of keys; empty: all of the bucket
}

// String is the grant as people write it: bucket-read:logs/2026/.
func (g Grant) String() string {
	switch {
	case g.Bucket == "":
		return string(g.Role)
	case g.Prefix == "":
		return string(g.Role) + ":" + g.Bucket
	}
	return string(g.Role) + ":" + g.Bucket + "/" + g.Prefix
}

// ParseGrant reads what String writes; a role of buckets without a colon holds for all of them. What is
// wrong with its parts is the coordinator's to say, that nothing is after the colon as well: of
// "admin:", where a bucket was forgotten, there is no role.
func ParseGrant(text string) Grant {
	role, where, bound := strings.Cut(text, ":")
	bucket, prefix, _ := strings.Cut(where, "/")
	g := Grant{Role: Role(role), Bucket: bucket, Prefix: prefix}
	switch {
	case g.Role.OfBucket() && !bound:
		g.Bucket = AllBuckets
	case bound && where == "" && !g.Role.OfBucket():
		g.Role = Role(text)
	}
	return g
}

// Has reports whether the identity has a role, wherever it is bound.
func (id Identity) Has(role Role) bool {
	return slices.ContainsFunc(id.Grants, func(g Grant) bool { return g.Role == role })
}

// ErrUnknown is what Identities return (wrapped or not) for a key or token that nobody
// has. Any other error is a failure of the store, and answered as one.
var ErrUnknown = errors.New("no such access key or token")

// Identities knows the mesh's peers and scoped pairs.
type Identities interface {
	// AccessKey returns whose key it is and the secret it signs with.
	AccessKey(ctx context.Context, accessKeyID string) (Identity, string, error)
	// Token returns whose bearer token it is.
	Token(ctx context.Context, bearer string) (Identity, error)
}

// Rotating is implemented by Identities that keep a replaced secret valid for a grace
// period (SPEC B8). It is asked where the present secret does not match; "" is none.
type Rotating interface {
	PreviousSecret(ctx context.Context, accessKeyID string) (string, error)
}
