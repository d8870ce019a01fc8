package coordinator_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC B21: a reload changes what can change live, names what cannot, and keeps everything
// where the file is broken.
func TestReload(t *testing.T) {
	c := config.Default()
	c.S3.DataDir, c.Listen.Address = t.TempDir(), "127.0.0.1:0"
	var mu sync.Mutex // a signal is no synchronisation
	next, broken := c, error(nil)
	level := &slog.LevelVar{}
	r := serveWith(t, coordinator.ServeOptions{
		Config: c, Level: level,
		Reload: func() (config.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			return next, broken
		},
	})
	size := func() int64 {
		s, err := r.admin.Storage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.MaxSize
	}
	got, err := r.admin.Reload(t.Context())
	if err != nil || got.Changed == nil || len(got.Changed)+len(got.Restart) != 0 {
		t.Errorf("nothing changed: %+v, %v", got, err)
	}
	next.S3.MaxSize, next.S3.DataDir, next.S3.Hosts = 10<<30, "/elsewhere", []string{"x.mesh"}
	next.MeshCIDR = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10")}
	next.Log.Level = config.Level(slog.LevelDebug)
	next.Workspaces.Retention = 0
	next.Audit.Enabled = false
	next.Listen = config.Listen{Interface: "lo", Port: 81}
	for i := range 2 {
		got, err = r.admin.Reload(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		changed, restart := keys(got.Changed), keys(got.Restart)
		want := "s3.max_size mesh_cidr workspaces.retention audit.enabled log.level"
		if i == 1 { // what is in force has not changed again; what waits still waits
			want = ""
		}
		if i == 0 && got.Changed[0].String() != "s3.max_size: 0 → 10737418240" || got.Restart[2].String() != "listen: 127.0.0.1:0 → {interface: lo, port: 81}" {
			t.Errorf("%v, %v", got.Changed, got.Restart)
		}
		if changed != want || restart != "s3.data_dir s3.hosts listen" {
			t.Errorf("changed %s; restart %s", changed, restart)
		}
	}
	if size() != 10<<30 || level.Level() != slog.LevelDebug {
		t.Errorf("max_size %d, level %s", size(), level.Level())
	}
	if text, err := os.ReadFile(coordinator.AuditFile(c.S3.DataDir)); err != nil || strings.Count(string(text), "POST /v1/reload") != 1 {
		t.Errorf("audit.enabled false: after three reloads, the second of which set it, the audit log is %s, %v", text, err)
	}
	// Loopback is always let in.
	if _, err := r.public(t).Status(t.Context()); !fault.Is(err, fault.Auth) {
		t.Errorf("over the mesh address: %v", err)
	}

	broken = errors.New("coordinator.yaml:3: no")
	next.S3.MaxSize = 1
	if _, err := r.admin.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "coordinator.yaml:3") || size() != 10<<30 {
		t.Errorf("a broken file: %v, max_size %d", err, size())
	}
	mu.Lock()
	broken = nil
	mu.Unlock()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); size() != 1; {
		if time.Now().After(deadline) {
			t.Fatal("SIGHUP reloads nothing")
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.stop()
	for _, want := range []string{`this change needs a restart" key=s3.data_dir`, "coordinator.yaml:3: no", "key=s3.max_size old=10737418240 new=1"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, r.log.String())
		}
	}

	// The system bucket has what the last reload put into force.
	s := openStore(t, c.S3.DataDir)
	defer s.Close()
	text := record(t, s, "config.json")
	for _, want := range []string{`"max_size":1,`, `"retention":"0s"`, `"data_dir":"` + c.S3.DataDir + `"`, `"mesh_cidr":["100.64.0.0/10"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in config.json: %s", want, text)
		}
	}
}

func keys(changes []config.Change) string {
	var list []string
	for _, c := range changes {
		list = append(list, c.Key)
	}
	return strings.Join(list, " ")
}

// SPEC B21: without a file there is nothing to read again.
func TestReloadWithoutAFile(t *testing.T) {
	r := serve(t, t.TempDir())
	if _, err := r.admin.Reload(t.Context()); !fault.Is(err, fault.Usage) {
		t.Errorf("%v", err)
	}
}
