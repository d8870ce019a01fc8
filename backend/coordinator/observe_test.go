package coordinator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
)

// ask sends a request to the store's listener with a peer's token, and returns the status.
func ask(r *running, method, path, token, body string) (int, error) {
	req, err := http.NewRequest(http.MethodGet, r.status.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Method = method
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// SPEC C21, A35: a token that somebody gives as a name is not in the audit log.
func TestAuditHoldsNoToken(t *testing.T) {
	dir := t.TempDir()
	r := serveWith(t, coordinator.ServeOptions{Config: config.Config{
		S3: config.S3{DataDir: dir}, Listen: config.Listen{Address: "127.0.0.1:0"}, Audit: config.Default().Audit,
	}})
	p := addPeer(t, r, "p")
	if _, err := r.admin.RotatePeer(t.Context(), p.Token, nil); !fault.Is(err, fault.NotFound) || strings.Contains(err.Error(), p.Token) {
		t.Errorf("%v", err)
	}
	if status, err := ask(r, http.MethodGet, "/s3/bucket/"+p.Token, p.Token, ""); err != nil || status != http.StatusNotFound {
		t.Error(status, err)
	}
	r.stop() // which writes what is left
	text, err := os.ReadFile(coordinator.AuditFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), p.Token) || strings.Count(string(text), "mesh_***") < 2 {
		t.Errorf("%s", text)
	}
}

// SPEC C21: the audit log begins a new file at its size, keeps as many as it is told, for its
// owner alone, and every line is whole and says who asked for what, and why not.
func TestAuditRotates(t *testing.T) {
	const maxSize, keep = 1 << 20, 2
	dir := t.TempDir()
	r := serveWith(t, coordinator.ServeOptions{Config: config.Config{
		S3: config.S3{DataDir: dir}, Listen: config.Listen{Address: "127.0.0.1:0"}, Audit: config.Audit{Enabled: true, MaxSize: maxSize, Keep: keep},
	}})
	peer, err := r.admin.AddPeer(t.Context(), coordinator.AddPeer{Name: "reader", Grants: []authn.Grant{{Role: authn.RoleBucketRead, Bucket: "elsewhere"}}})
	if err != nil {
		t.Fatal(err)
	}
	// Lines of a kilobyte: enough of them to fill five files.
	long := strings.Repeat("k", 1000)
	g := errgroup.Group{}
	g.SetLimit(8)
	for i := range 5 * maxSize / 1000 {
		g.Go(func() error {
			status, err := ask(r, http.MethodGet, fmt.Sprintf("/s3/team/%d-%s", i, long), peer.Token, "")
			if err == nil && status != http.StatusForbidden {
				err = fmt.Errorf("status %d", status)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	r.stop()
	files, err := filepath.Glob(filepath.Join(dir, "audit", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1+keep {
		t.Errorf("%d files: %v; want the current one and %d before it", len(files), files, keep)
	}
	for _, path := range files {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || info.Size() > maxSize || info.Size() == 0 {
			t.Errorf("%s: mode %v, %d bytes", path, info.Mode(), info.Size())
		}
		checkAuditLines(t, path, peer)
	}
}

func checkAuditLines(t *testing.T, path string, peer coordinator.NewPeer) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for s := bufio.NewScanner(f); s.Scan(); lines++ {
		var l struct {
			Who, Key, Action, Bucket, Object, Reason, Remote, Request string
			Allowed                                                   *bool
		}
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v in %s", path, err, s.Text())
		}
		if l.Who == "local" {
			continue
		}
		if l.Who != peer.ID || l.Key != peer.ID || l.Action != "Read" || l.Bucket != "team" || len(l.Object) < 1000 || l.Allowed == nil || *l.Allowed ||
			l.Reason != "AccessDenied" || l.Remote == "" || l.Request == "" {
			t.Fatalf("%s: %s", path, s.Text())
		}
		if strings.Contains(s.Text(), peer.Token) {
			t.Fatalf("%s has a token", path)
		}
	}
	if lines == 0 {
		t.Errorf("%s has no lines", path)
	}
}

// SPEC B25, C20: a disk without room for clients is a warning, in the metrics too, before one of them is refused.
func TestFullDiskIsAWarning(t *testing.T) {
	r := serveWith(t, coordinator.ServeOptions{Config: config.Config{
		S3: config.S3{DataDir: t.TempDir(), Reserve: 1 << 60}, Listen: config.Listen{Address: "127.0.0.1:0"},
	}})
	s, err := r.admin.Storage(t.Context())
	if err != nil || len(s.Warnings) != 1 || s.Warnings[0].Kind != "disk" || !strings.Contains(s.Warnings[0].Message, "is full") {
		t.Errorf("%+v, %v", s.Warnings, err)
	}
}

// SPEC C14, C20: an address that is taken is a conflict, that of the metrics too.
func TestAddressIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	free, taken := config.Listen{Address: "127.0.0.1:0"}, config.Listen{Address: l.Addr().String()}
	for _, c := range []config.Config{{Listen: taken}, {Listen: free, Metrics: config.Metrics{Listen: taken}}} {
		c.S3.DataDir = t.TempDir()
		err := coordinator.Serve(t.Context(), coordinator.ServeOptions{
			Config: c, Socket: filepath.Join(t.TempDir(), "s"), Log: slog.New(slog.DiscardHandler),
		})
		if !fault.Is(err, fault.Conflict) || fault.As(err).Hint == "" {
			t.Error(err)
		}
	}
}

// SPEC C9, C21: an answer of the control plane has the id of its line in the audit log. What a token lets
// its peer read is there too, a backup of every secret first of all; polls, which are answered to all, are not.
func TestControlIsAudited(t *testing.T) {
	dir := t.TempDir()
	c := config.Config{S3: config.S3{DataDir: dir}, Listen: config.Listen{Address: "127.0.0.1:0"}, Audit: config.Default().Audit}
	r := serveWith(t, coordinator.ServeOptions{Config: c})
	peer, err := r.admin.AddPeer(t.Context(), coordinator.AddPeer{Name: "backup", Grants: []authn.Grant{{Role: authn.RoleSystem}}})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, path := range []string{"/v1/backup", "/v1/storage", "/v1/whoami"} {
		req, err := http.NewRequest(http.MethodGet, r.status.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+peer.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		ids[path] = resp.Header.Get("X-Amz-Request-Id")
		if ids[path] == "" {
			t.Errorf("%s has no request id", path)
		}
	}
	// A token where a name belongs is not repeated, by anybody.
	_, noPeer := r.admin.RemovePeer(t.Context(), peer.Token)
	_, noBinding := r.admin.Unbind(t.Context(), peer.Token)
	for _, err := range []error{noPeer, noBinding} {
		if !fault.Is(err, fault.NotFound) || strings.Contains(err.Error()+fault.As(err).Hint, peer.Token) {
			t.Error(err)
		}
	}
	r.stop()
	text, err := os.ReadFile(coordinator.AuditFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/v1/backup":  `"request":"` + ids["/v1/backup"] + `","who":"` + peer.ID + `","action":"GET /v1/backup","allowed":true,"remote":"127.0.0.1:`,
		"/v1/storage": `"request":"` + ids["/v1/storage"] + `","who":"` + peer.ID + `","action":"GET /v1/storage","allowed":false,"reason":"only an admin may`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s: no %s in\n%s", path, want, text)
		}
	}
	if strings.Contains(string(text), "whoami") || strings.Contains(string(text), peer.Token) {
		t.Errorf("a poll, or a token, in\n%s", text)
	}
}

// SPEC C20, B25: the metrics are Prometheus' text, with what the store holds and the marks that are passed;
// no name and no request, however odd, breaks them or makes series of its own.
func TestMetricsParse(t *testing.T) {
	r := serve(t, t.TempDir())
	ctx := t.Context()
	if _, err := r.admin.CreateBucket(ctx, coordinator.NewBucket{Name: "team", Quota: 10}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.admin.Create(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed, Quota: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	peer, err := r.admin.AddPeer(ctx, coordinator.AddPeer{Name: `quo"te\ {a="b"}`})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := ask(r, http.MethodPut, "/s3/team/nine", peer.Token, "123456789"); status != http.StatusOK {
		t.Fatal(status, err)
	}
	for _, method := range []string{"BREW", "PROPFIND", "UNHEARD-OF"} {
		if status, err := ask(r, method, "/s3/team/nine", peer.Token, ""); status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d, %v", method, status, err)
		}
	}
	socket := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return unixsock.Dial(ctx, r.socket)
	}}}
	resp, err := socket.Get("http://local/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	gauges := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			labels := []string{}
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			if m.GetGauge() != nil {
				gauges[name+" "+strings.Join(labels, " ")] = m.GetGauge().GetValue()
			}
		}
		if strings.HasPrefix(name, "artifacts_") && family.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
	}
	for series, want := range map[string]float64{
		"artifacts_bucket_bytes bucket=team": 9, "artifacts_bucket_objects bucket=team": 1, "artifacts_bucket_quota_bytes bucket=team": 10,
		"artifacts_workspace_quota_bytes workspace=notes": 1 << 20, "artifacts_workspace_bytes workspace=notes": 0,
		"artifacts_peers ": 1, "artifacts_warnings kind=quota": 1, "artifacts_warnings kind=damage": 0, "artifacts_warnings kind=missing": 0,
	} {
		if got, ok := gauges[series]; !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", series, got, ok, want)
		}
	}
	methods := map[string]bool{}
	for _, m := range families["artifacts_s3_requests_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "method" {
				methods[l.GetValue()] = true
			}
		}
	}
	if want := map[string]bool{"PUT": true, "other": true}; !maps.Equal(methods, want) {
		t.Errorf("series of the methods %v, want %v", methods, want)
	}
}
