package authz_test

import (
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
)

// Who may do what where. What the API makes of it is tested there. SPEC B14, B28
func TestAllowed(t *testing.T) {
	who := map[string]authn.Identity{
		"peer":     {ID: "p"},
		"admin":    {ID: "a", Roles: []string{"admin"}},
		"system":   {ID: "s", Roles: []string{"system"}},
		"scoped":   {ID: "w", Scope: &authn.Scope{Bucket: "bkt", Prefix: "ws/"}},
		"reader":   {ID: "r", Scope: &authn.Scope{Bucket: "bkt", Prefix: "ws/", ReadOnly: true}},
		"internal": {ID: "i", Scope: &authn.Scope{Bucket: "_managed", Prefix: "ws/"}},
		"thief":    {ID: "t", Roles: []string{"system"}, Scope: &authn.Scope{Bucket: "_tunnelmesh"}},
	}
	for _, c := range []struct {
		action      authz.Action
		bucket, key string
		allowed     string // names, by blanks
	}{
		{authz.Read, "bkt", "ws/a", "peer admin system scoped reader"},
		{authz.Read, "bkt", "other/a", "peer admin system"},
		{authz.Write, "bkt", "ws/a", "peer admin system scoped"},
		{authz.Write, "bkt", "ws", "peer admin system"},
		{authz.List, "bkt", "ws/", "peer admin system scoped reader"},
		{authz.List, "bkt", "", "peer admin system"},
		{authz.SeeBucket, "bkt", "", "peer admin system scoped reader"},
		{authz.CreateBucket, "bkt", "", "peer admin system scoped"},
		{authz.DeleteBucket, "bkt", "", "peer admin system"},
		{authz.Read, "_tunnelmesh", "k", "system"},
		{authz.List, "_tunnelmesh", "", "system"},
		{authz.SeeBucket, "_tunnelmesh", "", "system"},
		{authz.Write, "_tunnelmesh", "k", ""},
		{authz.CreateBucket, "_tunnelmesh", "", ""},
		{authz.DeleteBucket, "_tunnelmesh", "", ""},
		{authz.Read, "_managed", "ws/a", "system internal"},
		{authz.Write, "_managed", "ws/a", "internal"},
		{authz.Write, "_managed", "other/a", ""},
		{authz.DeleteBucket, "_managed", "", ""},
	} {
		for name, id := range who {
			want := false
			for _, w := range strings.Fields(c.allowed) {
				want = want || w == name
			}
			if got := authz.Allowed(id, c.action, c.bucket, c.key); got != want {
				t.Errorf("%s: action %d on %s/%s: %v, want %v", name, c.action, c.bucket, c.key, got, want)
			}
		}
	}
}
