package authz_test

import (
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
)

// Who may do what where. What the API makes of it is tested there. SPEC B14, B28, C23
func TestAllowed(t *testing.T) {
	who := map[string]authn.Identity{
		"peer":      {ID: "p", Grants: []authn.Grant{{Role: authn.RoleBucketWrite, Bucket: "*"}}},
		"nobody":    {ID: "n"},
		"admin":     {ID: "a", Grants: []authn.Grant{{Role: authn.RoleAdmin}}},
		"system":    {ID: "s", Grants: []authn.Grant{{Role: authn.RoleSystem}}},
		"owner":     {ID: "o", Grants: []authn.Grant{{Role: authn.RoleBucketAdmin, Bucket: "bkt"}}},
		"everyone":  {ID: "e", Grants: []authn.Grant{{Role: authn.RoleBucketRead, Bucket: "*"}}},
		"writer":    {ID: "x", Grants: []authn.Grant{{Role: authn.RoleBucketWrite, Bucket: "bkt", Prefix: "ws/"}}},
		"viewer":    {ID: "v", Grants: []authn.Grant{{Role: authn.RoleBucketRead, Bucket: "bkt", Prefix: "ws/"}}},
		"elsewhere": {ID: "y", Grants: []authn.Grant{{Role: authn.RoleBucketAdmin, Bucket: "bkt2"}}},
		"scoped":    {ID: "w", Scope: &authn.Scope{Bucket: "bkt", Prefix: "ws/"}},
		"reader":    {ID: "r", Scope: &authn.Scope{Bucket: "bkt", Prefix: "ws/", ReadOnly: true}},
		"internal":  {ID: "i", Scope: &authn.Scope{Bucket: "_managed", Prefix: "ws/"}},
		"thief":     {ID: "t", Grants: []authn.Grant{{Role: authn.RoleSystem}, {Role: authn.RoleAdmin}}, Scope: &authn.Scope{Bucket: "_tunnelmesh"}},
	}
	for _, c := range []struct {
		action      authz.Action
		bucket, key string
		allowed     string // names, by blanks
	}{
		{authz.Read, "bkt", "ws/a", "peer admin owner everyone writer viewer scoped reader"},
		{authz.Read, "bkt", "other/a", "peer admin owner everyone"},
		{authz.Write, "bkt", "ws/a", "peer admin owner writer scoped"},
		{authz.Write, "bkt", "ws", "peer admin owner"},
		{authz.List, "bkt", "ws/", "peer admin owner everyone writer viewer scoped reader"},
		{authz.List, "bkt", "", "peer admin owner everyone"},
		{authz.SeeBucket, "bkt", "", "peer admin owner everyone writer viewer scoped reader"},
		{authz.CreateBucket, "bkt", "", "peer admin owner writer scoped"},
		{authz.DeleteBucket, "bkt", "", "admin owner"},
		{authz.Read, "bkt2", "ws/a", "peer admin everyone elsewhere"},
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

// SPEC C23: who makes a bucket that was not there.
func TestMayCreate(t *testing.T) {
	for _, c := range []struct {
		grant  authn.Grant
		bucket string
		want   bool
	}{
		{authn.Grant{Role: authn.RoleAdmin}, "bkt", true},
		{authn.Grant{Role: authn.RoleAdmin}, "_bkt", false},
		{authn.Grant{Role: authn.RoleSystem}, "bkt", false},
		{authn.Grant{Role: authn.RoleBucketWrite, Bucket: "*"}, "bkt", true},
		{authn.Grant{Role: authn.RoleBucketWrite, Bucket: "*", Prefix: "a/"}, "bkt", false},
		{authn.Grant{Role: authn.RoleBucketWrite, Bucket: "bkt"}, "bkt", false},
		{authn.Grant{Role: authn.RoleBucketAdmin, Bucket: "bkt"}, "bkt", true},
		{authn.Grant{Role: authn.RoleBucketAdmin, Bucket: "bkt"}, "other", false},
		{authn.Grant{Role: authn.RoleBucketRead, Bucket: "*"}, "bkt", false},
	} {
		if got := authz.MayCreate(authn.Identity{Grants: []authn.Grant{c.grant}}, c.bucket); got != c.want {
			t.Errorf("%s makes %s: %v", c.grant, c.bucket, got)
		}
	}
	if authz.MayCreate(authn.Identity{Grants: []authn.Grant{{Role: authn.RoleAdmin}}, Scope: &authn.Scope{Bucket: "bkt"}}, "bkt") {
		t.Error("a scoped pair makes a bucket")
	}
}
