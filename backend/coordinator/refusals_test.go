package coordinator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

// SPEC B8, B14, B28, C23: what the control plane refuses to whom. Everything is asked by a peer that has
// nothing, by one that writes all buckets, by the system role, and by nobody; and changes nothing.
func TestControlRefuses(t *testing.T) {
	r := serve(t, t.TempDir())
	ctx := t.Context()
	if _, err := r.admin.CreateBucket(ctx, coordinator.NewBucket{Name: "team", Quota: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.Create(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.Create(ctx, coordinator.CreateWorkspace{Name: "gone", Backend: workspace.Managed}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.Delete(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.CreateShare(ctx, coordinator.NewShare{Name: "guests", Bucket: "team"}); err != nil {
		t.Fatal(err)
	}
	peer := func(name string, grants ...authn.Grant) coordinator.NewPeer {
		p, err := r.admin.AddPeer(ctx, coordinator.AddPeer{Name: name, Grants: grants})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	victim := peer("victim")
	callers := map[string]string{
		"nothing": peer("nothing", authn.Grant{Role: authn.RoleBucketRead, Bucket: "elsewhere"}).Token,
		"writer":  peer("writer").Token,
		"system":  peer("system", authn.Grant{Role: authn.RoleSystem}).Token,
		"nobody":  "mesh_nobody",
	}
	revision := func() int64 {
		s, err := r.admin.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s.Revision
	}
	before := revision()
	for _, c := range []struct {
		method, path, body string
		allowed            string // who of them may
	}{
		{"GET", "/v1/storage", "", ""},
		{"GET", "/v1/peers", "", ""},
		{"POST", "/v1/peers", `{"name":"x"}`, ""},
		{"POST", "/v1/peers", `{"name":"x","grants":[{"role":"admin"}]}`, ""},
		{"GET", "/v1/peers/" + victim.ID, "", ""},
		{"DELETE", "/v1/peers/" + victim.ID, "", ""},
		{"POST", "/v1/peers/" + victim.ID + "/rotate", `{}`, ""},
		{"POST", "/v1/peers/victim/rotate", `{"grace_seconds":0}`, ""},
		{"GET", "/v1/bindings", "", ""},
		{"POST", "/v1/bindings", `{"peer":"writer","role":"admin"}`, ""},
		{"POST", "/v1/bindings", `{"peer":"nothing","role":"bucket-write","bucket":"*"}`, ""},
		{"DELETE", "/v1/bindings/x", "", ""},
		{"PUT", "/v1/buckets/team/quota", `{"bytes":0}`, ""},
		{"DELETE", "/v1/buckets/team", "", ""},
		{"DELETE", "/v1/buckets/team?recursive=true", "", ""},
		{"DELETE", "/v1/buckets/team/known", "", ""},
		{"PUT", "/v1/buckets/team/recycle", `{"seconds":1}`, ""},
		{"DELETE", "/v1/buckets/team/deleted", "", ""},
		{"DELETE", "/v1/buckets/_tunnelmesh/deleted", "", ""},
		{"GET", "/v1/buckets/_tunnelmesh/deleted", "", ""},
		{"POST", "/v1/buckets/_tunnelmesh/restore", `{"key":"mesh.json"}`, ""},
		{"PUT", "/v1/buckets/_tunnelmesh/quota", `{"bytes":1}`, ""},
		{"DELETE", "/v1/buckets/_tunnelmesh?recursive=true", "", ""},
		{"POST", "/v1/buckets", `{"name":"_another"}`, ""},
		{"POST", "/v1/buckets", `{"name":"mine","quota":5}`, ""},
		{"PUT", "/v1/workspaces/notes/quota", `{"bytes":0}`, ""},
		{"DELETE", "/v1/workspaces/notes", "", ""},
		{"DELETE", "/v1/workspaces/notes/sessions", "", ""},
		{"DELETE", "/v1/workspaces/notes/known", "", ""},
		{"POST", "/v1/workspaces/gone/restore", "", ""},
		{"POST", "/v1/workspaces/gone/purge", "", ""},
		{"POST", "/v1/workspaces", `{"name":"y","backend":"managed","quota":5}`, ""},
		{"POST", "/v1/workspaces", `{"name":"y","backend":"mesh","bucket":"_tunnelmesh"}`, ""},
		{"DELETE", "/v1/shares/guests", "", ""},
		{"POST", "/v1/shares", `{"name":"s","bucket":"_tunnelmesh"}`, ""},
		{"POST", "/v1/shares", `{"name":"s","bucket":"_managed"}`, ""},
		{"POST", "/v1/shares", `{"name":"s","workspace":"gone"}`, ""},
		{"GET", "/v1/backup", "", "system"},
		// The local admin's alone, and spellings of what is not.
		{"POST", "/v1/stop", "", ""},
		{"POST", "/v1/reload", "", ""},
		{"GET", "/v1/certificate", "", ""},
		{"GET", "/metrics", "", ""},
		{"GET", "//v1/peers", "", ""},
		{"GET", "/v1/./peers", "", ""},
		{"GET", "/V1/peers", "", ""},
		{"GET", "/v1/peers/", "", ""},
		{"GET", "/v1/status/../peers", "", ""},
	} {
		for who, token := range callers {
			if who == c.allowed {
				continue
			}
			status, err := ask(r, c.method, c.path, token, c.body)
			if err != nil {
				t.Fatal(err)
			}
			refused := status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusBadRequest && strings.Contains(c.body, "_tunnelmesh")
			if who == "nobody" {
				refused = status == http.StatusUnauthorized || status == http.StatusNotFound
			}
			if !refused {
				t.Errorf("%s: %s %s %s is answered %d", who, c.method, c.path, c.body, status)
			}
		}
	}
	if after := revision(); after != before {
		t.Errorf("the control state has changed: revision %d, was %d", after, before)
	}
	// Whose socket it is decides, not a header that says so.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.status.URL+"/v1/peers", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(coordinator.PeerHeader, victim.ID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a claim without a token is answered %d", resp.StatusCode)
	}
}

// SPEC B20, B22: a body that does not say a size in whole bytes sets no quota, and takes none away.
func TestQuotaBodies(t *testing.T) {
	r := serve(t, t.TempDir())
	ctx := t.Context()
	if _, err := r.admin.CreateBucket(ctx, coordinator.NewBucket{Name: "team", Quota: 1000}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.Create(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed, Quota: 1000}); err != nil {
		t.Fatal(err)
	}
	admin, err := r.admin.AddPeer(ctx, coordinator.AddPeer{Name: "admin", Grants: []authn.Grant{{Role: authn.RoleAdmin}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `{"bytes":null}`, `{"bytes":"5"}`, `{"bytes":1.5}`, `{"bytes":1e3}`, `{"bytes":-1}`, `{"bytes":9223372036854775808}`,
		`{"bytes":5,"x":1}`, `{"bytes":5}{"bytes":6}`, `{"bytes":5,"force":"yes"}`, `{"bytes":5`, `{"force":true}`,
	} {
		for _, path := range []string{"/v1/buckets/team/quota", "/v1/workspaces/notes/quota"} {
			if status, err := ask(r, "PUT", path, admin.Token, body); status != http.StatusBadRequest || err != nil {
				t.Errorf("%s %s is answered %d, %v", path, body, status, err)
			}
		}
	}
	b, err := r.admin.Bucket(ctx, "team")
	if err != nil || b.Quota != 1000 {
		t.Errorf("%+v, %v", b, err)
	}
	if status, err := ask(r, "PUT", "/v1/buckets/team/quota", admin.Token, `{"bytes":0}`); status != http.StatusOK || err != nil {
		t.Errorf("0 is answered %d, %v", status, err)
	}
}

// SPEC B28, B29, C22, C23, C27: what a peer may do with what is not its own: as much as its roles say, and what
// is issued to one peer is not another's.
func TestControlOfOthers(t *testing.T) {
	r := serve(t, t.TempDir())
	ctx := t.Context()
	if _, err := r.admin.CreateBucket(ctx, coordinator.NewBucket{Name: "team"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.SetRecycle(ctx, "team", time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.Create(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.CreateShare(ctx, coordinator.NewShare{Name: "guests", Bucket: "team"}); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"nothing": addPeer(t, r, "nothing", authn.Grant{Role: authn.RoleBucketRead, Bucket: "elsewhere"}).Token,
		"viewer":  addPeer(t, r, "viewer", authn.Grant{Role: authn.RoleBucketRead, Bucket: authn.AllBuckets}).Token,
		"ci":      addPeer(t, r, "ci", authn.Grant{Role: authn.RoleBucketWrite, Bucket: "team", Prefix: "ci/"}).Token,
		"writer":  addPeer(t, r, "writer").Token,
		"second":  addPeer(t, r, "second").Token,
	}
	as := map[string]*client.Client{}
	for who, token := range tokens {
		as[who] = client.Remote(r.status.URL, token)
		defer as[who].Close()
	}
	change(t, r, http.MethodPut, tokens["writer"], "team/ci/a", "team/docs/a")
	change(t, r, http.MethodDelete, tokens["writer"], "team/ci/a", "team/docs/a")
	deleted, err := as["viewer"].DeletedObjects(ctx, "team", "docs/")
	if err != nil || len(deleted) != 1 {
		t.Fatal(deleted, err)
	}
	for _, c := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"nothing", "POST", "/v1/shares", `{"name":"s","bucket":"team"}`, 403},
		{"nothing", "GET", "/v1/buckets/team/deleted", "", 403},
		{"nothing", "POST", "/v1/buckets/team/restore", `{"key":"docs/a"}`, 403},
		{"nothing", "POST", "/v1/buckets", `{"name":"mine"}`, 403},
		{"nothing", "POST", "/v1/workspaces", `{"name":"mine","backend":"managed"}`, 403},
		{"nothing", "POST", "/v1/workspaces/notes/session", `{"read_only":true}`, 404},
		{"viewer", "POST", "/v1/buckets/team/restore", `{"key":"docs/a"}`, 403},
		{"viewer", "POST", "/v1/buckets/team/restore", `{"key":"none"}`, 403},
		{"viewer", "POST", "/v1/workspaces/notes/session", `{}`, 403},
		{"viewer", "POST", "/v1/workspaces/notes/session", `{"read_only":true}`, 200},
		{"viewer", "POST", "/v1/buckets", `{"name":"mine"}`, 403},
		{"ci", "GET", "/v1/buckets/team/deleted", "", 403},
		{"ci", "GET", "/v1/buckets/team/deleted?prefix=docs/", "", 403},
		{"ci", "GET", "/v1/buckets/team/deleted?prefix=ci/", "", 200},
		{"ci", "POST", "/v1/buckets/team/restore", `{"key":"docs/a"}`, 403},
		{"ci", "POST", "/v1/buckets/team/restore", `{"id":"` + deleted[0].ID + `"}`, 403},
		{"ci", "POST", "/v1/buckets/team/restore", `{"key":"ci/a"}`, 200},
		{"ci", "POST", "/v1/shares", `{"name":"s","bucket":"team"}`, 403},
		{"ci", "POST", "/v1/shares", `{"name":"s","bucket":"team","prefix":"c"}`, 403},
		{"ci", "PUT", "/v1/buckets/team/quota", `{"bytes":5}`, 403},
		{"ci", "GET", "/v1/peers/ci", "", 200},
		{"ci", "POST", "/v1/peers/ci/rotate", `{"grace_seconds":3600}`, 200},
		{"ci", "GET", "/v1/peers/writer", "", 403},
		{"ci", "POST", "/v1/peers/writer/rotate", `{}`, 403},
		{"ci", "POST", "/v1/peers/none/rotate", `{}`, 403},
		{"writer", "POST", "/v1/workspaces", `{"name":"half","backend":"byo","bucket":"b","endpoint":"http://h"}`, 200},
		{"second", "POST", "/v1/workspaces", `{"name":"half","backend":"byo","bucket":"b","endpoint":"http://h"}`, 409},
		{"second", "POST", "/v1/workspaces/half/activate", "", 403},
	} {
		if status, err := ask(r, c.method, c.path, tokens[c.who], c.body); err != nil || status != c.status {
			t.Errorf("%s: %s %s %s is answered %d, want %d (%v)", c.who, c.method, c.path, c.body, status, c.status, err)
		}
	}
	if list, err := as["writer"].Shares(ctx); err != nil || len(list) != 0 {
		t.Errorf("shares of others: %+v, %v", list, err)
	}
	keys := map[string]string{}
	for _, who := range []string{"writer", "second"} {
		s, err := as[who].OpenSession(ctx, "notes", false)
		if err != nil {
			t.Fatal(err)
		}
		keys[who] = s.AccessKeyID
	}
	if keys["writer"] == keys["second"] {
		t.Error("two peers have one pair")
	}
	if n, err := r.admin.RevokeSessions(ctx, "notes", "writer"); err != nil || n != 1 {
		t.Errorf("%d revoked, %v", n, err)
	}
	for who, same := range map[string]bool{"writer": false, "second": true} {
		if s, err := as[who].OpenSession(ctx, "notes", false); err != nil || (s.AccessKeyID == keys[who]) != same {
			t.Errorf("%s has the pair of before: %v, %v", who, !same, err)
		}
	}
}
