package coordinator_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func openStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := local.Open(local.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record is a document of the system bucket.
func record(t *testing.T, s *store.Store, key string) string {
	t.Helper()
	r, err := s.Get(t.Context(), coordinator.SystemBucket, key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// running is a coordinator over its HTTP listeners.
type running struct {
	status coordinator.Status
	admin  *client.Client
	socket string
	log    *lockedLog
	stop   func()
}

// lockedLog can be read while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (r *running) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r.log, nil)) }

// public asks where peers do, and has no token.
func (r *running) public(t *testing.T) *client.Client {
	c := client.Remote(r.status.URL, "")
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, dir string) *running {
	t.Helper()
	return serveWith(t, coordinator.ServeOptions{
		Config: config.Config{S3: config.S3{DataDir: dir}, Listen: config.Listen{Address: "127.0.0.1:0"}},
	})
}

// serveWith fills in what a test does not care for.
func serveWith(t *testing.T, opt coordinator.ServeOptions) *running {
	t.Helper()
	r := &running{log: &lockedLog{}}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan coordinator.Status, 1), make(chan error, 1)
	opt.Kind, opt.Socket, opt.Version, opt.Log = "configured", filepath.Join(t.TempDir(), "s"), "test", r.logger()
	opt.Ready = func(s coordinator.Status) { ready <- s }
	go func() { ended <- coordinator.Serve(ctx, opt) }()
	select {
	case r.status = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	r.admin, r.socket = client.Local(opt.Socket), opt.Socket
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		r.admin.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// SPEC B15, B16, B28, B29, C1: a managed workspace comes back active with a pair of its
// own; the control state is in the system bucket and survives a restart.
func TestManagedWorkspace(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := openStore(t, dir)
	o, err := coordinator.NewOrchestrator(ctx, s, coordinator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := o.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed, Bucket: "ignored"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if w.State != workspace.Active || w.Bucket != coordinator.ManagedBucket || !strings.HasPrefix(w.Prefix, "notes-") || !strings.HasSuffix(w.Prefix, "/") {
		t.Errorf("created %+v", w)
	}
	if _, err := o.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second one of the name: %v", err)
	}
	writer, err := o.OpenSession(ctx, "notes", "", false)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := o.OpenSession(ctx, "notes", "", true)
	if err != nil {
		t.Fatal(err)
	}
	if writer.AccessKeyID == reader.AccessKeyID || len(writer.AccessKeyID) != 20 || len(writer.SecretAccessKey) < 40 {
		t.Errorf("pairs %s and %s", writer.AccessKeyID, reader.AccessKeyID)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openStore(t, dir)
	defer s.Close()
	again, err := coordinator.NewOrchestrator(ctx, s, coordinator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if again.Mesh().ID != o.Mesh().ID || o.Mesh().ID == "" {
		t.Error("the coordinator has another id after a restart")
	}
	same, err := again.OpenSession(ctx, "notes", "", false)
	if err != nil || same.AccessKeyID != writer.AccessKeyID || same.SecretAccessKey != writer.SecretAccessKey {
		t.Errorf("the pair is another after a restart: %v", err)
	}
	if _, _, err := again.AccessKey(ctx, writer.AccessKeyID); err != nil {
		t.Errorf("the pair does not sign: %v", err)
	}
	if w, err = again.DeleteWorkspace(ctx, "notes"); err != nil || w.State != workspace.Deleted {
		t.Errorf("deleted: %v, %v", w.State, err)
	}
	if _, _, err := again.AccessKey(ctx, writer.AccessKeyID); err == nil {
		t.Error("the pair of a deleted workspace still signs")
	}
	if _, err := again.OpenSession(ctx, "notes", "", false); !fault.Is(err, fault.NotFound) {
		t.Errorf("a session of a deleted workspace: %v", err)
	}
	renewed, err := again.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, "")
	if err != nil || renewed.Prefix == w.Prefix {
		t.Errorf("the name is not free, or its prefix is the old one: %v", err)
	}
}

// SPEC B29: a create that was cut off after its record is taken up by the next.
func TestCreateIsResumed(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, t.TempDir())
	defer s.Close()
	docs, err := documents.Open(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = docs.Write(ctx, "workspaces/0011223344556677.json", workspace.Workspace{
		ID: "0011223344556677", Name: "cut", Backend: workspace.Managed, State: workspace.PendingFormat,
		Bucket: coordinator.ManagedBucket, Prefix: "cut-00112233/", Quota: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := coordinator.NewOrchestrator(ctx, s, coordinator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.OpenSession(ctx, "cut", "", false); !fault.Is(err, fault.Conflict) {
		t.Errorf("a session of an unfinished workspace: %v", err)
	}
	if _, err := o.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "cut", Backend: workspace.BYO, Bucket: "b", Endpoint: "http://h"}, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("another request took it up: %v", err)
	}
	w, err := o.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "cut", Backend: workspace.Managed, Quota: 500}, "")
	if err != nil || w.ID != "0011223344556677" || w.State != workspace.Active || w.Quota != 500 {
		t.Errorf("taken up: %+v, %v", w, err)
	}
	if p, err := s.Prefix(ctx, w.Bucket, w.Prefix); err != nil || p.Quota != 500 {
		t.Errorf("bounded to %+v, %v", p, err)
	}
	byo := coordinator.CreateWorkspace{Name: "mine", Backend: workspace.BYO, Bucket: "b", Endpoint: "http://h", Prefix: "p"}
	first, err := o.CreateWorkspace(ctx, byo, "")
	if err != nil || first.State != workspace.PendingFormat || first.Prefix != "p/" {
		t.Fatalf("byo: %+v, %v", first, err)
	}
	byo.Region = "eu-west-2"
	second, err := o.CreateWorkspace(ctx, byo, "")
	if err != nil || second.ID != first.ID || second.Region != "eu-west-2" {
		t.Errorf("taken up: %+v, %v", second, err)
	}
	if w, err := o.Activate(ctx, "mine"); err != nil || w.State != workspace.Active {
		t.Errorf("activated: %+v, %v", w, err)
	}
}

// SPEC A31, B30: the schema has no field for a key, and a request that brings one
// anyway is refused without repeating it.
func TestSecretsAreRefused(t *testing.T) {
	r := serve(t, t.TempDir())
	peer, err := r.admin.AddPeer(t.Context(), coordinator.AddPeer{Name: "tester"})
	if err != nil {
		t.Fatal(err)
	}
	const secret = "byo-secret-0123456789-abcdefg03S"
	for _, body := range []string{
		`{"name":"x","backend":"byo","bucket":"b","endpoint":"http://h","access_key_id":"` + secret + `"}`,
		`{"name":"x","backend":"byo","bucket":"b","endpoint":"http://h","secret_access_key":"` + secret + `"}`,
		`{"name":"x","backend":"byo","bucket":"b","endpoint":"http://h","credentials":{"secret":"` + secret + `"}}`,
		`{"name":"x","backend":"byo","bucket":"b","endpoint":"http://k:` + secret + `@h"}`,
		`{"name":"x","backend":"byo"}{"secret":"` + secret + `"}`,
		`{"name":{"` + secret + `":1}}`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.status.URL+"/v1/workspaces", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+peer.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s %v", body, resp.Status, err)
		}
		if strings.Contains(string(answer), secret) {
			t.Errorf("the answer repeats the secret: %s", answer)
		}
	}
	if list, err := r.admin.Workspaces(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("workspaces: %v, %v", list, err)
	}
	r.stop()
	if strings.Contains(r.log.String(), secret) || strings.Contains(r.log.String(), peer.Token) {
		t.Errorf("the log shows a secret: %s", r.log)
	}
}

// SPEC B8: peers show their token; without one, or with another's, nothing opens.
func TestPeerTokens(t *testing.T) {
	r := serve(t, t.TempDir())
	peer, err := r.admin.AddPeer(t.Context(), coordinator.AddPeer{Name: "Build Runner 7"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(peer.ID, "build-runner-7-") || len(peer.Token) < 40 {
		t.Errorf("peer %q", peer.ID)
	}
	if _, err := client.Remote(r.status.URL, peer.Token).Workspaces(t.Context()); err != nil {
		t.Errorf("with the token: %v", err)
	}
	for _, token := range []string{"", "mesh_", peer.ID, peer.Token + "x"} {
		if _, err := client.Remote(r.status.URL, token).Workspaces(t.Context()); !fault.Is(err, fault.Auth) {
			t.Errorf("token %q: %v", token, err)
		}
	}
	// What the local admin may, a peer may not.
	if _, err := client.Remote(r.status.URL, peer.Token).Stop(t.Context()); err == nil {
		t.Error("a peer stopped the coordinator")
	}
	if _, err := client.Remote(r.status.URL, peer.Token).AddPeer(t.Context(), coordinator.AddPeer{Name: "friend"}); err == nil {
		t.Error("a peer enrolled another")
	}
	if _, err := r.admin.AddPeer(t.Context(), coordinator.AddPeer{Name: "///"}); !fault.Is(err, fault.Usage) {
		t.Errorf("a name without letters: %v", err)
	}
}

// A waiting screen hears of a change at once, and a stop does not wait for it.
func TestChanges(t *testing.T) {
	r := serve(t, t.TempDir())
	s, err := r.admin.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan int64, 1)
	go func() {
		n, err := r.admin.Changes(t.Context(), s.Revision)
		if err != nil {
			t.Error(err)
		}
		heard <- n
	}()
	if _, err := r.admin.Create(t.Context(), coordinator.CreateWorkspace{Name: "x", Backend: workspace.Managed}); err != nil {
		t.Fatal(err)
	}
	if n := <-heard; n <= s.Revision {
		t.Errorf("revision %d after %d", n, s.Revision)
	}
	s, err = r.admin.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() {
		_, err := r.admin.Changes(t.Context(), s.Revision)
		waiting <- err
	}()
	begin := time.Now()
	r.stop()
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("the stop took %s", d)
	}
	if err := <-waiting; err != nil && !fault.Is(err, fault.Unreachable) && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Two coordinators on one data_dir would corrupt it.
func TestSecondCoordinatorIsRefused(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir)
	err := coordinator.Serve(t.Context(), coordinator.ServeOptions{
		Config: config.Config{S3: config.S3{DataDir: dir}}, Socket: filepath.Join(t.TempDir(), "s"), Log: slog.New(slog.DiscardHandler),
	})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v", err)
	}
}
