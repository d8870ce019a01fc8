package coordinator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// mesh is an orchestrator over a store, with a clock that the test turns.
type mesh struct {
	*coordinator.Orchestrator
	store *store.Store
	dir   string
	time  time.Time
}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{dir: t.TempDir(), time: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	m.open(t)
	t.Cleanup(func() { _ = m.store.Close() })
	return m
}

func (m *mesh) open(t *testing.T) {
	t.Helper()
	m.store = openStore(t, m.dir)
	var err error
	m.Orchestrator, err = coordinator.NewOrchestrator(t.Context(), m.store, coordinator.Options{Now: func() time.Time { return m.time }})
	if err != nil {
		t.Fatal(err)
	}
}

// restart is a new process on the same data.
func (m *mesh) restart(t *testing.T) {
	t.Helper()
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	m.open(t)
}

func (m *mesh) peer(t *testing.T, name string, grants ...authn.Grant) coordinator.NewPeer {
	t.Helper()
	p, err := m.AddPeer(t.Context(), coordinator.AddPeer{Name: name, Grants: grants})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signs reports what a secret opens as SigV4 would ask: the present one or one in its grace.
func (m *mesh) signs(t *testing.T, key, secret string) bool {
	t.Helper()
	_, present, err := m.AccessKey(t.Context(), key)
	if errors.Is(err, authn.ErrUnknown) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	previous, err := m.PreviousSecret(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Token(t.Context(), secret)
	if byToken := err == nil; byToken != (secret == present || previous != "" && secret == previous) {
		t.Errorf("as a Bearer token it is taken: %v", byToken)
	}
	return secret == present || previous != "" && secret == previous
}

func (m *mesh) may(t *testing.T, key string, a authz.Action, bucket, object string) bool {
	t.Helper()
	id, _, err := m.AccessKey(t.Context(), key)
	return err == nil && authz.Allowed(id, a, bucket, object)
}

func (m *mesh) put(t *testing.T, bucket, key string, size int) {
	t.Helper()
	if _, err := m.store.Put(t.Context(), bucket, key, bytes.NewReader(make([]byte, size)), store.PutOptions{Size: int64(size)}); err != nil {
		t.Fatal(err)
	}
}

// SPEC B8: the old token goes on for its grace and no longer, over a restart and whatever
// the clock does; without grace it ends at once.
func TestRotation(t *testing.T) {
	m := newMesh(t)
	p := m.peer(t, "ci")
	hour := time.Hour
	second, err := m.RotatePeer(t.Context(), "ci", &hour)
	if err != nil || second.Token == p.Token || second.ID != p.ID {
		t.Fatalf("%v", err)
	}
	check := func(when string, first, now bool) {
		t.Helper()
		if got := m.signs(t, p.ID, p.Token); got != first {
			t.Errorf("%s the old token signs: %v", when, got)
		}
		if got := m.signs(t, p.ID, second.Token); got != now {
			t.Errorf("%s the new token signs: %v", when, got)
		}
	}
	check("at once", true, true)
	m.restart(t)
	check("after a restart", true, true)
	m.time = m.time.Add(59 * time.Minute)
	check("within the hour", true, true)
	m.time = m.time.Add(time.Minute)
	check("after the hour", false, true)
	m.time = m.time.Add(-24 * time.Hour) // the clock was put back
	check("with the clock put back", false, true)
	m.time = m.time.Add(24 * time.Hour)
	none := time.Duration(0)
	third, err := m.RotatePeer(t.Context(), p.ID, &none)
	if err != nil {
		t.Fatal(err)
	}
	check("after a rotation without grace", false, false)
	if !m.signs(t, p.ID, third.Token) {
		t.Error("the newest token does not sign")
	}
	for _, bad := range []time.Duration{-1, 31 * 24 * time.Hour} {
		if _, err := m.RotatePeer(t.Context(), p.ID, &bad); !fault.Is(err, fault.Usage) {
			t.Errorf("a grace of %s: %v", bad, err)
		}
	}
}

// SPEC B8: what goes with a peer ends with it, and what it made stays.
func TestRemovePeer(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	m.peer(t, "root", authn.Grant{Role: authn.RoleAdmin})
	p := m.peer(t, "ci")
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "builds"}, p.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, p.ID); err != nil {
		t.Fatal(err)
	}
	session, err := m.OpenSession(ctx, "notes", p.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	share, err := m.CreateShare(ctx, coordinator.NewShare{Name: "release", Bucket: "builds"}, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !m.may(t, session.AccessKeyID, authz.Write, coordinator.ManagedBucket, session.Workspace.Prefix+"a") || !m.may(t, share.AccessKeyID, authz.Read, "builds", "a") {
		t.Fatal("its pairs do not work")
	}
	if _, err := m.RemovePeer(ctx, "ci"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if m.signs(t, p.ID, p.Token) || m.may(t, session.AccessKeyID, authz.Read, coordinator.ManagedBucket, session.Workspace.Prefix+"a") || m.may(t, share.AccessKeyID, authz.Read, "builds", "a") {
			t.Error("something of a removed peer still opens")
		}
		if len(m.Peers()) != 1 || len(m.Bindings()) != 1 {
			t.Errorf("peers %v, bindings %v", m.Peers(), m.Bindings())
		}
		if b, err := m.Bucket(ctx, "builds"); err != nil || b.Owner != p.ID || b.OwnerName != "" {
			t.Errorf("its bucket: %+v, %v", b, err)
		}
		m.restart(t)
	}
	if _, err := m.RemovePeer(ctx, "ci"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a second time: %v", err)
	}
}

// The last admin can be neither removed nor unbound; a second one makes both possible.
func TestLastAdmin(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	m.peer(t, "root", authn.Grant{Role: authn.RoleAdmin})
	p := m.peer(t, "second")
	if _, err := m.RemovePeer(ctx, "root"); !fault.Is(err, fault.Conflict) {
		t.Errorf("the last admin is removed: %v", err)
	}
	if _, err := m.Unbind(ctx, m.Bindings()[0].ID); err != nil && !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	for _, b := range m.Bindings() {
		if b.Role == authn.RoleAdmin {
			if _, err := m.Unbind(ctx, b.ID); !fault.Is(err, fault.Conflict) {
				t.Errorf("the last admin is unbound: %v", err)
			}
		}
	}
	if _, err := m.Bind(ctx, coordinator.Bind{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleAdmin}}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.RemovePeer(ctx, "root"); err != nil {
		t.Error(err)
	}
}

// SPEC C23: roles are bound to a bucket and prefix, a pair of a session follows what its
// peer may do now, and whoever makes a bucket is its admin.
func TestBindings(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	root := m.peer(t, "root", authn.Grant{Role: authn.RoleAdmin})
	p := m.peer(t, "auditor", authn.Grant{Role: authn.RoleBucketRead, Bucket: "logs", Prefix: "2026/"})
	if !m.may(t, p.ID, authz.Read, "logs", "2026/a") || m.may(t, p.ID, authz.Read, "logs", "2025/a") || m.may(t, p.ID, authz.Write, "logs", "2026/a") {
		t.Error("bucket-read:logs/2026/ opens something else")
	}
	w, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, root.ID)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Bind(ctx, coordinator.Bind{Peer: "auditor", Grant: authn.Grant{Role: authn.RoleBucketWrite}, Workspace: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.Bind(ctx, coordinator.Bind{Peer: "auditor", Grant: authn.Grant{Role: authn.RoleBucketWrite}, Workspace: "notes"}); err != nil || again.ID != b.ID {
		t.Errorf("the same binding twice: %+v, %v", again, err)
	}
	s, err := m.OpenSession(ctx, "notes", p.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	write := func() bool { return m.may(t, s.AccessKeyID, authz.Write, w.Bucket, w.Prefix+"a") }
	read := func() bool { return m.may(t, s.AccessKeyID, authz.Read, w.Bucket, w.Prefix+"a") }
	if !write() || !read() || m.may(t, s.AccessKeyID, authz.Read, w.Bucket, "other/a") || m.may(t, p.ID, authz.Read, w.Bucket, w.Prefix+"a") {
		t.Error("the session's pair opens too little or too much")
	}
	if _, err := m.Bind(ctx, coordinator.Bind{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketRead}, Workspace: "notes"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Unbind(ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	if write() || !read() {
		t.Error("the pair did not follow the peer to bucket-read")
	}
	for _, b := range m.Bindings() {
		if b.Peer == p.ID && b.Bucket == w.Bucket {
			if _, err := m.Unbind(ctx, b.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if write() || read() {
		t.Error("the pair opens what its peer may not any more")
	}

	member := m.peer(t, "member")
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "mine"}, member.ID); err != nil {
		t.Fatal(err)
	}
	if !m.may(t, member.ID, authz.DeleteBucket, "mine", "") || m.may(t, member.ID, authz.DeleteBucket, "logs", "") {
		t.Error("a member is not the admin of the bucket it made alone")
	}
	for _, bad := range []coordinator.Bind{
		{Peer: p.ID, Grant: authn.Grant{Role: "owner", Bucket: "*"}},
		{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleAdmin, Bucket: "logs"}},
		{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketRead}},
		{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketRead, Bucket: "_tunnelmesh"}},
		{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketRead, Bucket: "a/b"}},
		{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketRead, Bucket: "Logs"}},
		{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketRead, Bucket: "logs\x1b[31m"}},
		{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketAdmin}, Workspace: "notes"},
	} {
		if _, err := m.Bind(ctx, bad); !fault.Is(err, fault.Usage) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// SPEC C27: a share reads what it is of until it expires, writes nothing, and is gone when revoked.
func TestShares(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	p := m.peer(t, "maria")
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "builds"}, p.ID); err != nil {
		t.Fatal(err)
	}
	s, err := m.CreateShare(ctx, coordinator.NewShare{Name: "v1", Bucket: "builds", Prefix: "v1/", Expires: m.time.Add(time.Hour)}, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	reads := func() bool { return m.may(t, s.AccessKeyID, authz.Read, "builds", "v1/app") }
	if !reads() || m.may(t, s.AccessKeyID, authz.Write, "builds", "v1/app") || m.may(t, s.AccessKeyID, authz.Read, "builds", "v2/app") {
		t.Error("the share opens too little or too much")
	}
	m.restart(t)
	m.time = m.time.Add(time.Hour)
	if reads() {
		t.Error("it opens after its end")
	}
	if _, err := m.CreateShare(ctx, coordinator.NewShare{Name: "v1", Bucket: "builds"}, p.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("the name twice: %v", err)
	}
	if _, err := m.CreateShare(ctx, coordinator.NewShare{Name: "past", Bucket: "builds", Expires: m.time}, p.ID); !fault.Is(err, fault.Usage) {
		t.Errorf("an end that is over: %v", err)
	}
	late := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600))
	if _, err := m.CreateShare(ctx, coordinator.NewShare{Name: "late", Bucket: "builds", Expires: late}, p.ID); !fault.Is(err, fault.Usage) {
		t.Errorf("an end that cannot be written down: %v", err)
	}
	forever, err := m.CreateShare(ctx, coordinator.NewShare{Name: "all", Bucket: "builds"}, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.RevokeShare(ctx, "all"); err != nil || m.may(t, forever.AccessKeyID, authz.Read, "builds", "a") {
		t.Errorf("revoked: %v", err)
	}
	for _, bad := range []coordinator.NewShare{{Name: "x y", Bucket: "builds"}, {Name: "x"}, {Name: "x", Bucket: "_tunnelmesh"}, {Name: "x", Bucket: "b", Workspace: "w"}} {
		if _, err := m.CreateShare(ctx, bad, p.ID); err == nil {
			t.Errorf("%+v is shared", bad)
		}
	}
}

// SPEC C27: a share ends with its bucket, whoever has the bucket's name after that; with its workspace; and
// with its owner.
func TestSharesEnd(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	owner := m.peer(t, "owner")
	for what, end := range map[string]func() error{
		"bucket": func() error {
			if err := m.DeleteBucket(ctx, "team"); err != nil {
				return err
			}
			_, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "team"}, "")
			return err
		},
		"workspace": func() error {
			if _, err := m.DeleteWorkspace(ctx, "notes"); err != nil {
				return err
			}
			_, err := m.RestoreWorkspace(ctx, "notes")
			return err
		},
	} {
		req, by := coordinator.NewShare{Name: what, Bucket: "team"}, ""
		var err error
		if what == "bucket" {
			_, err = m.NewBucket(ctx, coordinator.NewBucket{Name: "team"}, owner.ID)
		} else {
			_, err = m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, "")
			req = coordinator.NewShare{Name: what, Workspace: "notes"}
		}
		if err != nil {
			t.Fatal(err)
		}
		share, err := m.CreateShare(ctx, req, by)
		if err != nil {
			t.Fatal(err)
		}
		if !m.may(t, share.AccessKeyID, authz.Read, share.Bucket, share.Prefix+"x") {
			t.Errorf("%s: the share does not open", what)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if m.may(t, share.AccessKeyID, authz.Read, share.Bucket, share.Prefix+"x") {
			t.Errorf("%s: the share outlives it", what)
		}
	}
	if _, err := m.CreateShare(ctx, coordinator.NewShare{Name: "of a peer", Bucket: "team"}, owner.ID); !fault.Is(err, fault.Usage) {
		t.Error(err)
	}
	if _, err := m.CreateShare(ctx, coordinator.NewShare{Name: "theirs", Bucket: "team"}, owner.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := m.RemovePeer(ctx, owner.ID); err != nil {
		t.Fatal(err)
	}
	if list := m.Shares(); len(list) != 0 {
		t.Errorf("shares %+v", list)
	}
}

// SPEC C22, C1: a deleted workspace comes back with what was in it; when its retention is
// over it is removed for good, its objects too, also where a purge was cut off.
func TestRecycleBin(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	w, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed, Quota: 1000}, "")
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, w.Bucket, w.Prefix+"a", 600)
	if _, err := m.DeleteWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	other, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.RestoreWorkspace(ctx, "notes"); !fault.Is(err, fault.Conflict) {
		t.Errorf("its name is another's: %v", err)
	}
	if _, err := m.DeleteWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.RestoreWorkspace(ctx, "notes"); !fault.Is(err, fault.Conflict) {
		t.Errorf("two of the name: %v", err)
	}
	back, err := m.RestoreWorkspace(ctx, w.ID)
	if err != nil || back.State != workspace.Active || back.Prefix != w.Prefix {
		t.Fatalf("%+v, %v", back, err)
	}
	got, err := m.Workspace(ctx, "notes", true)
	if err != nil || got.Usage.Bytes != 600 || got.Quota != 1000 {
		t.Errorf("%+v, %v", got, err)
	}
	if n, err := m.PurgeExpired(ctx); n != 0 || err != nil {
		t.Errorf("%d purged before their time, %v", n, err)
	}
	if _, err := m.DeleteWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	m.time = m.time.Add(time.Duration(config.Default().Workspaces.Retention))
	m.restart(t)
	if n, err := m.PurgeExpired(ctx); n != 2 || err != nil {
		t.Errorf("%d purged, %v", n, err)
	}
	if u, err := m.store.PrefixUsage(ctx, w.Bucket, w.Prefix); u.Total() != 0 || err != nil {
		t.Errorf("%+v is left, %v", u, err)
	}
	if _, err := m.DeletedWorkspace(other.ID, func(workspace.Workspace) bool { return true }); !fault.Is(err, fault.NotFound) {
		t.Errorf("a purged one: %v", err)
	}
	if list, err := m.store.Prefixes(ctx, w.Bucket); err != nil || len(list) != 0 {
		t.Errorf("counted prefixes are left: %v, %v", list, err)
	}
}

// SPEC B25: a workspace's quota bounds it, survives a restart, and is not set below what is
// there but by force.
func TestWorkspaceQuota(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	w, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed, Quota: 1000}, "")
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, w.Bucket, w.Prefix+"a", 900)
	m.restart(t)
	if _, err := m.store.Put(ctx, w.Bucket, w.Prefix+"b", strings.NewReader(strings.Repeat("x", 101)), store.PutOptions{Size: 101}); !errors.Is(err, store.ErrQuotaExceeded) {
		t.Errorf("a write past the quota: %v", err)
	}
	if _, err := m.SetWorkspaceQuota(ctx, "notes", 500, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("below what is there: %v", err)
	}
	if _, err := m.SetWorkspaceQuota(ctx, "notes", -1, true); !fault.Is(err, fault.Usage) {
		t.Errorf("a negative one: %v", err)
	}
	if _, err := m.SetWorkspaceQuota(ctx, "notes", 500, true); err != nil {
		t.Error(err)
	}
	m.restart(t)
	if p, err := m.store.Prefix(ctx, w.Bucket, w.Prefix); err != nil || p.Quota != 500 || p.Total() != 900 {
		t.Errorf("%+v, %v", p, err)
	}
}

// SPEC B26: parts of uploads in flight are in a workspace's usage, whose quota they fill.
func TestWorkspaceUsageHasParts(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	w, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed, Quota: 1000}, "")
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, w.Bucket, w.Prefix+"a", 300)
	id, err := m.store.CreateUpload(ctx, store.UploadInfo{Bucket: w.Bucket, Key: w.Prefix + "b"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.store.PutPart(ctx, w.Bucket, w.Prefix+"b", id, 1, strings.NewReader(strings.Repeat("x", 600)), store.PartOptions{Size: 600}); err != nil {
		t.Fatal(err)
	}
	w, err = m.SetWorkspaceQuota(ctx, "notes", 1100, false)
	if err != nil || *w.Usage != (workspace.Usage{Bytes: 300, Objects: 1, PartBytes: 600}) || w.Usage.Total() != 900 {
		t.Errorf("%+v, %v", w.Usage, err)
	}
	s, err := coordinator.StorageOf(ctx, m.Orchestrator, m.dir)
	if err != nil || len(s.Warnings) != 1 || s.Warnings[0].Message != "workspace notes is past 80 % of its quota: 900 of 1100 bytes" {
		t.Errorf("%+v, %v", s.Warnings, err)
	}
}

// SPEC B20: what a mesh workspace below a prefix holds is counted as long as there is one there, and
// so does not have to be listed.
func TestMeshWorkspaceIsCounted(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "team"}, ""); err != nil {
		t.Fatal(err)
	}
	m.put(t, "team", "notes/a", 600)
	counted := func(want bool) {
		t.Helper()
		p, err := m.store.Prefix(ctx, "team", "notes/")
		if !want && errors.Is(err, store.ErrNoSuchPrefix) {
			return
		}
		if !want || err != nil || p.Bytes != 600 || p.Objects != 1 {
			t.Errorf("counted: %+v, %v", p, err)
		}
	}
	must := func(_ workspace.Workspace, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"one", "two"} {
		must(m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: name, Backend: workspace.Mesh, Bucket: "team", Prefix: "notes"}, ""))
		counted(true)
	}
	if err := m.store.DropPrefix(ctx, "team", "notes/"); err != nil { // as an older program has left it
		t.Fatal(err)
	}
	m.restart(t)
	counted(true)
	must(m.DeleteWorkspace(ctx, "one"))
	counted(true)
	must(m.DeleteWorkspace(ctx, "two"))
	counted(false)
	must(m.RestoreWorkspace(ctx, "one"))
	counted(true)
	if err := m.EmptyBucket(ctx, "team"); err != nil {
		t.Fatal(err)
	}
	m.restart(t) // without its bucket
	must(m.DeleteWorkspace(ctx, "one"))
	must(m.RestoreWorkspace(ctx, "two"))
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "team"}, ""); err != nil {
		t.Fatal(err)
	}
	for range 2 { // nothing is left of it
		_, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "bad", Backend: workspace.Mesh, Bucket: "team", Prefix: "a\x00b"}, "")
		if !fault.Is(err, fault.Usage) {
			t.Errorf("a prefix that is no key: %v", err)
		}
	}
	if _, err := m.Workspace(ctx, "bad", false); !fault.Is(err, fault.NotFound) {
		t.Errorf("the workspace that was refused: %v", err)
	}
}

// SPEC B15: after a crash between a bucket and its record the two agree again.
func TestBucketsAndRecordsAgree(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	p := m.peer(t, "maria")
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "known", Quota: 100}, p.ID); err != nil {
		t.Fatal(err)
	}
	docs, err := documents.Open(ctx, m.store, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	steps := []func() error{
		func() error { return m.store.CreateBucket(ctx, "unrecorded", store.CreateBucketOptions{Owner: p.ID}) },
		func() error {
			return docs.Write(ctx, "buckets/lost.json", coordinator.BucketRecord{Name: "lost", Owner: p.ID, Quota: 7})
		},
		func() error { return m.store.SetQuota(ctx, "known", 5) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	m.restart(t)
	list, err := m.Buckets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, b := range list {
		if b.OwnerName == "maria" {
			got[b.Name] = b.Quota
		}
	}
	if len(got) != 3 || got["known"] != 100 || got["unrecorded"] != 0 || got["lost"] != 7 {
		t.Errorf("%v", got)
	}
	if !m.may(t, p.ID, authz.DeleteBucket, "unrecorded", "") {
		t.Error("its owner is not its admin")
	}
	// A bucket that holds something keeps its record.
	m.put(t, "known", "k", 1)
	if err := m.DeleteBucket(ctx, "known"); !errors.Is(err, store.ErrBucketNotEmpty) {
		t.Error(err)
	}
	if err := m.EmptyBucket(ctx, "known"); err != nil {
		t.Error(err)
	}
	m.restart(t)
	if _, err := m.Bucket(ctx, "known"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a deleted bucket: %v", err)
	}
}

// SPEC B16, B18: a backup is taken while changes go on and holds what was before or after
// each of them; a restore brings all of it back, knows what is missing, and refuses a place
// that is not empty.
func TestBackupAndRestore(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	root := m.peer(t, "root", authn.Grant{Role: authn.RoleAdmin})
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "logs", Quota: 1 << 20}, root.ID); err != nil {
		t.Fatal(err)
	}
	m.put(t, "logs", "a", 10)
	w, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed, Quota: 5000}, root.ID)
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, w.Bucket, w.Prefix+"a", 20)
	writing, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		for i := 0; writing.Err() == nil; i++ {
			if _, err := m.AddPeer(ctx, coordinator.AddPeer{Name: "peer " + time.Duration(i).String()}); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for len(m.Peers()) < 5 {
		time.Sleep(time.Millisecond)
	}
	archive, err := m.Backup(ctx)
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		t.Fatal(err)
	}
	c, err := coordinator.ReadBackup(archive)
	if err != nil {
		t.Fatal(err)
	}
	peers, bindings := 0, 0
	for key := range c.Documents {
		if strings.HasPrefix(key, "peers/") {
			peers++
		}
		if strings.HasPrefix(key, "bindings/") {
			bindings++
		}
	}
	if peers < 5 || peers != bindings {
		t.Errorf("%d peers and %d bindings: a change is half in the backup", peers, bindings)
	}
	if err := coordinator.Restore(ctx, m.dir, c); !fault.Is(err, fault.Conflict) {
		t.Errorf("over a store: %v", err)
	}
	fresh := &mesh{dir: t.TempDir() + "/data", time: m.time}
	if err := coordinator.Restore(ctx, fresh.dir, c); err != nil {
		t.Fatal(err)
	}
	fresh.open(t)
	defer fresh.store.Close()
	if !fresh.signs(t, root.ID, root.Token) || fresh.Mesh().ID != m.Mesh().ID || fresh.Mesh().Restored.IsZero() {
		t.Error("the admin's token, or the coordinator's id, is another")
	}
	b, err := fresh.Bucket(ctx, "logs")
	if err != nil || b.Quota != 1<<20 || b.Owner != root.ID || b.Missing == nil || b.Missing.Objects != 1 || b.Missing.Bytes != 10 {
		t.Errorf("%+v, %v", b, err)
	}
	back, err := fresh.Workspace(ctx, "notes", true)
	if err != nil || back.Quota != 5000 || back.Known.Missing(*back.Usage).Bytes != 20 {
		t.Errorf("%+v, %v", back, err)
	}
	fresh.put(t, "logs", "a", 10)
	if b, err := fresh.Bucket(ctx, "logs"); err != nil || b.Missing != nil {
		t.Errorf("the object is back: %+v, %v", b, err)
	}
}

// The names of what each peer made are told apart from those of others.
func TestPeerNames(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	m.peer(t, "Build Runner 7")
	if _, err := m.AddPeer(ctx, coordinator.AddPeer{Name: "Build Runner 7"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second one of the name: %v", err)
	}
	if _, err := m.AddPeer(ctx, coordinator.AddPeer{Name: "Build Runner 7", Another: true}); err != nil {
		t.Error(err)
	}
	if _, err := m.Peer("Build Runner 7"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a name of two: %v", err)
	}
	if _, err := m.AddPeer(ctx, coordinator.AddPeer{Name: m.Peers()[0].ID}); !fault.Is(err, fault.Conflict) {
		t.Errorf("the id of another: %v", err)
	}
	// Composed or not, it is one name.
	composed := m.peer(t, "Ren\u00e9")
	if _, err := m.AddPeer(ctx, coordinator.AddPeer{Name: "Rene\u0301"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("a name that looks the same: %v", err)
	}
	if p, err := m.RemovePeer(ctx, "Rene\u0301"); err != nil || p.ID != composed.ID {
		t.Errorf("%+v, %v", p, err)
	}
	twice := authn.Grant{Role: authn.RoleBucketRead, Bucket: "logs"}
	if _, err := m.AddPeer(ctx, coordinator.AddPeer{Name: "twice", Grants: []authn.Grant{twice, twice}}); !fault.Is(err, fault.Usage) {
		t.Errorf("a role twice: %v", err)
	}
	for _, bad := range []string{"", "///", "a\nb", " a", "a\x1b[31m", "a\u202eb", "a\xffb", strings.Repeat("x", 41)} {
		if _, err := m.AddPeer(ctx, coordinator.AddPeer{Name: bad}); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	ids := map[string]bool{}
	for _, p := range m.Peers() {
		ids[p.ID] = true
		if !slices.ContainsFunc(p.Bindings, func(b coordinator.Binding) bool { return b.Role == authn.RoleBucketWrite && b.Bucket == "*" }) {
			t.Errorf("%s may do %v", p.ID, p.Bindings)
		}
	}
	if len(ids) != 2 {
		t.Errorf("ids %v", ids)
	}
}

// SPEC B14, B16: a copy of the system bucket knows what buckets held, too, once that was recorded.
func TestRestoreOfACopyKnowsWhatIsMissing(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "logs"}, ""); err != nil {
		t.Fatal(err)
	}
	m.put(t, "logs", "a", 10)
	if err := m.RecordUsage(ctx); err != nil {
		t.Fatal(err)
	}
	archive, err := m.Backup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c, err := coordinator.ReadBackup(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for key, raw := range c.Documents {
		path := filepath.Join(dir, filepath.FromSlash(key))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, raw, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	copied, err := coordinator.ReadSyncedBucket(dir)
	if err != nil {
		t.Fatal(err)
	}
	fresh := &mesh{dir: t.TempDir() + "/data", time: m.time}
	if err := coordinator.Restore(ctx, fresh.dir, copied); err != nil {
		t.Fatal(err)
	}
	fresh.open(t)
	defer fresh.store.Close()
	if b, err := fresh.Bucket(ctx, "logs"); err != nil || b.Missing == nil || b.Missing.Bytes != 10 || !b.KnownAt.Equal(m.time) {
		t.Errorf("%+v, %v", b, err)
	}
}

// A workspace that was never finished leaves nothing to restore.
func TestDeleteOfAnUnfinishedWorkspace(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	if _, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "cut", Backend: workspace.BYO, Bucket: "b", Endpoint: "http://h"}, ""); err != nil {
		t.Fatal(err)
	}
	if w, err := m.DeleteWorkspace(ctx, "cut"); err != nil || w.State != workspace.Deleted {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := m.RestoreWorkspace(ctx, "cut"); !fault.Is(err, fault.NotFound) {
		t.Errorf("it is restored: %v", err)
	}
}

// SPEC C22: a peer's deleted workspaces are its own: that others have deleted one of the name, or one that is
// named as the id of another, does not come between.
func TestDeletedWorkspacesOfOthers(t *testing.T) {
	r := serveWith(t, coordinator.ServeOptions{Config: config.Config{
		S3: config.S3{DataDir: t.TempDir()}, Listen: config.Listen{Address: "127.0.0.1:0"}, Workspaces: config.Workspaces{Retention: config.Duration(time.Hour)},
	}})
	ctx := t.Context()
	var as [2]*client.Client
	var made [2]workspace.Workspace
	remove := func(i int, name string) workspace.Workspace {
		w, err := as[i].Create(ctx, coordinator.CreateWorkspace{Name: name, Backend: workspace.Managed})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := as[i].Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
		return w
	}
	for i := range as {
		as[i] = client.Remote(r.status.URL, addPeer(t, r, fmt.Sprint("peer ", i)).Token)
		defer as[i].Close()
		made[i] = remove(i, "notes")
	}
	remove(1, made[0].ID)
	if w, err := as[0].RestoreWorkspace(ctx, "notes"); err != nil || w.ID != made[0].ID {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := as[0].RestoreWorkspace(ctx, made[1].ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("another's: %v", err)
	}
	if _, err := as[0].Delete(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	if w, err := r.admin.RestoreWorkspace(ctx, made[0].ID); err != nil || w.ID != made[0].ID {
		t.Errorf("by an id that is also a name: %+v, %v", w, err)
	}
}

// SPEC C23: roles that were bound to a workspace end when it is purged.
func TestPurgeEndsRoles(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	p := m.peer(t, "maria", authn.Grant{Role: authn.RoleBucketRead, Bucket: "logs"})
	if _, err := m.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Bind(ctx, coordinator.Bind{Peer: p.ID, Grant: authn.Grant{Role: authn.RoleBucketRead}, Workspace: "notes"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.DeleteWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	if len(m.Bindings()) != 2 {
		t.Error("it can still be restored, and the role is gone")
	}
	if _, err := m.PurgeWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	if list := m.Bindings(); len(list) != 1 || list[0].Bucket != "logs" {
		t.Errorf("%+v", list)
	}
}

// A name of dots is a name in the paths of the API too, and not the way to something else. SPEC C14
func TestNamesOfDots(t *testing.T) {
	r := serve(t, t.TempDir())
	ctx := t.Context()
	for _, name := range []string{"sessions", "known", "quota"} {
		if _, err := r.admin.Create(ctx, coordinator.CreateWorkspace{Name: name, Backend: workspace.Managed}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".", ".."} {
		for what, call := range map[string]func() error{
			"revoke":  func() error { _, err := r.admin.RevokeSessions(ctx, name, ""); return err },
			"forget":  func() error { _, err := r.admin.ForgetMissingOf(ctx, name); return err },
			"delete":  func() error { _, err := r.admin.Delete(ctx, name); return err },
			"restore": func() error { _, err := r.admin.RestoreWorkspace(ctx, name); return err },
			"session": func() error { _, err := r.admin.OpenSession(ctx, name, false); return err },
			"bucket":  func() error { _, err := r.admin.Bucket(ctx, name); return err },
			"deleted": func() error { _, err := r.admin.DeletedObjects(ctx, name, ""); return err },
			"peer":    func() error { _, err := r.admin.Peer(ctx, name); return err },
			"remove":  func() error { _, err := r.admin.RemovePeer(ctx, name); return err },
			"unbind":  func() error { _, err := r.admin.Unbind(ctx, name); return err },
			"share":   func() error { _, err := r.admin.RevokeShare(ctx, name); return err },
		} {
			if err := call(); !fault.Is(err, fault.NotFound) && (what != "deleted" || err != nil) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
	if list, err := r.admin.Workspaces(ctx); err != nil || len(list) != 3 {
		t.Errorf("%d workspaces, %v", len(list), err)
	}
}

// SPEC C27: of a share that a crash cut off nothing stays, and its name is free.
func TestHalfAShare(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "team"}, ""); err != nil {
		t.Fatal(err)
	}
	half := coordinator.ScopedPair{AccessKeyID: "SH0", SecretAccessKey: "secret", Share: "release", Bucket: "team", ReadOnly: true}
	if err := coordinator.Documents(m.Orchestrator).Write(ctx, "credentials/SH0.json", half); err != nil {
		t.Fatal(err)
	}
	m.restart(t)
	if m.may(t, "SH0", authz.Read, "team", "a") {
		t.Error("its pair opens the bucket")
	}
	if _, err := m.CreateShare(ctx, coordinator.NewShare{Name: "release", Bucket: "team"}, ""); err != nil {
		t.Error(err)
	}
	m.restart(t)
	if len(m.Shares()) != 1 || !m.may(t, m.Shares()[0].AccessKeyID, authz.Read, "team", "a") {
		t.Errorf("the whole one is lost: %+v", m.Shares())
	}
}

// SPEC B8: a request that waits for its turn while its peer is removed, or loses what it was allowed by, changes
// nothing; that of a peer that has got more meanwhile does.
func TestClaims(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	m.peer(t, "root", authn.Grant{Role: authn.RoleAdmin})
	hour, none := time.Hour, time.Duration(0)
	for what, c := range map[string]struct {
		meanwhile func(p coordinator.NewPeer) error
		holds     bool
	}{
		"removed": {func(p coordinator.NewPeer) error { _, err := m.RemovePeer(ctx, p.ID); return err }, false},
		"rotated": {func(p coordinator.NewPeer) error { _, err := m.RotatePeer(ctx, p.ID, &none); return err }, false},
		"unbound": {func(p coordinator.NewPeer) error {
			info, err := m.Peer(p.ID)
			if err == nil {
				_, err = m.Unbind(ctx, info.Bindings[0].ID)
			}
			return err
		}, false},
		"in its grace": {func(p coordinator.NewPeer) error { _, err := m.RotatePeer(ctx, p.ID, &hour); return err }, true},
		"with a bucket": {func(p coordinator.NewPeer) error {
			_, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "team"}, p.ID)
			return err
		}, true},
		"without its bucket": {func(coordinator.NewPeer) error { return m.DeleteBucket(ctx, "own") }, true},
	} {
		p := m.peer(t, "p", authn.Grant{Role: authn.RoleAdmin})
		if what == "without its bucket" {
			if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "own"}, p.ID); err != nil {
				t.Fatal(err)
			}
		}
		id, err := m.Token(ctx, p.Token)
		if err != nil {
			t.Fatal(err)
		}
		claim := coordinator.Claimed(ctx, p.Token, id)
		if err := c.meanwhile(p); err != nil {
			t.Fatal(err)
		}
		before := len(m.Peers())
		_, err = m.AddPeer(claim, coordinator.AddPeer{Name: "another"})
		if c.holds != (err == nil) || err != nil && !fault.Is(err, fault.Auth) || (len(m.Peers()) > before) != c.holds {
			t.Errorf("%s: %v", what, err)
		}
		for _, name := range []string{"p", "another"} {
			if _, err := m.RemovePeer(ctx, name); err != nil && !fault.Is(err, fault.NotFound) {
				t.Fatal(err)
			}
		}
	}
}
