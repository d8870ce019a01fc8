package coordinator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
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
