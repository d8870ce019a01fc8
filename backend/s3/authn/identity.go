package authn

import (
	"context"
	"errors"
)

// Identity is who a request comes from.
type Identity struct {
	ID          string // of the peer; owner of the buckets it makes
	AccessKeyID string // with which it signed; logged, never secret
	Roles       []string
	Scope       *Scope // nil: a peer, which may use every bucket that is not reserved
}

// Scope bounds an identity to a prefix of one bucket (SPEC B28).
type Scope struct {
	Bucket   string
	Prefix   string // ends in "/" where it means a folder; empty: the whole bucket
	ReadOnly bool
}

// RoleSystem alone lists and reads the coordinator's own buckets (SPEC B14).
const RoleSystem = "system"

// Has reports whether the identity has a role.
func (id Identity) Has(role string) bool {
	for _, r := range id.Roles {
		if r == role {
			return true
		}
	}
	return false
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
