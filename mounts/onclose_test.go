//go:build linux

package mounts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
)

// With SyncOnClose a program's close returns when the bucket has the object, and fails where
// it does not get it: refused, unanswered or interrupted. Nothing is lost by that. SPEC C5, D4.
func TestSyncOnClose(t *testing.T) {
	const bound = 3 * time.Second
	w := newWorld(t)
	p := w.behindProxy()
	w.spec.Options.SyncOnClose, w.spec.Options.StoreTimeout, w.spec.Options.DirCache = true, bound, time.Hour
	if s := w.mount(); !s.Options.SyncOnClose {
		t.Error("the status does not say sync_on_close")
	}
	want := map[string][]byte{"small": []byte("data"), "large": pattern(1, 40<<20)}
	for name, data := range want {
		w.write(name, data)
		w.wantObjects(map[string][]byte{name: data})
		must(t, os.Remove(w.path(name)))
		w.drained()
	}
	for name, data := range want {
		w.write(name, data)
	}
	w.wantObjects(want) // nobody waited

	f, err := os.Create(w.path("synced"))
	must(t, err)
	_, err = f.WriteString("by fsync")
	must(t, err)
	must(t, f.Sync())
	want["synced"] = []byte("by fsync")
	w.wantObjects(want)
	must(t, f.Close())

	w.known("")
	p.Set(faultproxy.QuotaFull)
	wantErrno(t, os.WriteFile(w.path("refused"), []byte("1"), 0o644), syscall.EDQUOT)
	p.Set(faultproxy.BlackHole)
	begin := time.Now()
	wantErrno(t, os.WriteFile(w.path("unanswered"), []byte("2"), 0o644), syscall.ETIMEDOUT)
	if took := time.Since(begin); took < bound || took > bound+10*time.Second {
		t.Errorf("close gave up after %v, want about %v", took, bound)
	}
	source := filepath.Join(t.TempDir(), "source")
	must(t, os.WriteFile(source, []byte("3"), 0o600))
	program := exec.Command("cp", source, w.path("interrupted")) // a shell's > closes twice
	must(t, program.Start())
	w.until("the program's file is closed", func() bool {
		return w.status().Pending() == 3
	})
	begin = time.Now()
	must(t, program.Process.Signal(syscall.SIGTERM))
	_ = program.Wait()
	if took := time.Since(begin); took > bound/2 {
		t.Errorf("a signalled program waited for %v", took)
	}
	p.Set(faultproxy.Pass)
	want["refused"], want["unanswered"], want["interrupted"] = []byte("1"), []byte("2"), []byte("3")
	w.unmount()
	w.wantObjects(want)
}
