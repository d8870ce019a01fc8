//go:build linux

package mounts_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// behindProxy has the next mount reach its store through a proxy. What the test asks of the
// bucket itself goes past it.
func (w *world) behindProxy() *faultproxy.Proxy {
	p := faultproxy.Start(w.t, w.spec.Endpoint)
	w.spec.Endpoint = p.Endpoint()
	return p
}

func (w *world) status() mounts.Status {
	w.t.Helper()
	s, err := w.m.Find(w.t.Context(), w.spec.Mountpoint)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// degraded waits until the mount says so, and returns why.
func (w *world) degraded(what string) string {
	w.t.Helper()
	begin := time.Now()
	var s mounts.Status
	w.until("the mount says that it is degraded: "+what, func() bool { s = w.status(); return s.Health == mounts.Degraded })
	w.t.Logf("%s: after %v: %s", what, time.Since(begin).Round(10*time.Millisecond), s.Reason)
	if s.Reason == "" || strings.Contains(s.Reason, "\n") {
		w.t.Errorf("%s: the reason is %q, want one line", what, s.Reason)
	}
	return s.Reason
}

func (w *world) healthy() {
	w.t.Helper()
	w.until("the mount is well again", func() bool { return w.status().Health == mounts.OK })
}

// readable waits until a file can be read again. What it holds is then what it should.
func (w *world) readable(name string, want []byte) {
	w.t.Helper()
	w.until(name+" can be read", func() bool { _, err := os.ReadFile(w.path(name)); return err == nil })
	w.wantFile(name, want)
}

// uncached reads a file through the mount past the kernel's pages.
func (w *world) uncached(name string) ([]byte, error) {
	f, err := os.Open(w.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// SPEC C6, D4: with the store silent, what is known goes on at once and what is not ends
// after the bound; the mount says so with no write waiting, and is well again by itself.
func TestStoreFallsSilent(t *testing.T) {
	const bound = 5 * time.Second
	w := newWorld(t)
	p := w.behindProxy()
	w.spec.Options.StoreTimeout, w.spec.Options.DirCache = bound, 50*time.Millisecond
	data := pattern(1, 3<<20)
	w.putObject("d/known", data)
	w.putObject("d/unread", data)
	w.putObject("e/unlisted", data)
	w.mount()
	w.known("")
	w.known("d")
	w.wantFile("d/known", data)
	w.until("the file is in the read cache", func() bool { return w.status().BytesRead >= int64(len(data)) })
	time.Sleep(2 * w.spec.Options.DirCache) // the listing is out of date from here on

	p.Set(faultproxy.BlackHole)
	begin := time.Now()
	names, err := os.ReadDir(w.path("d"))
	if err != nil || len(names) != 2 {
		t.Errorf("ls of a directory that is known: %v, %v", names, err)
	}
	got, err := w.uncached("d/known")
	if err != nil || string(got) != string(data) {
		t.Errorf("a file that was read: %s, %v", brief(got), err)
	}
	if took := time.Since(begin); took >= bound {
		t.Errorf("they waited for the store: %v", took)
	} else {
		t.Logf("what is known took %v", took.Round(time.Millisecond))
	}
	if why := w.degraded("black hole"); !strings.Contains(why, "answer") {
		t.Errorf("the reason is %q", why)
	}
	begin = time.Now()
	for what, do := range map[string]func() error{
		"a file that is not": func() error { _, err := w.uncached("d/unread"); return err },
		"a directory":        func() error { _, err := os.ReadDir(w.path("e")); return err },
	} {
		if err := do(); !errors.Is(err, unix.ETIMEDOUT) {
			t.Errorf("%s that is not known: %v, want ETIMEDOUT", what, err)
		}
	}
	t.Logf("what is not known ended after %v", time.Since(begin).Round(time.Millisecond))
	w.write("d/new", data)

	p.Set(faultproxy.Pass)
	w.drained()
	w.healthy()
	w.readable("d/unread", data)
	w.readable("e/unlisted", data)
	w.wantObjects(map[string][]byte{"d/known": data, "d/unread": data, "d/new": data, "e/unlisted": data})
	w.unmount()
}

// SPEC D4, C14: each way to be refused or not answered is said in a line, from reads alone
// and from writes, has its exit code, and ends by itself with everything uploaded.
func TestFaultsAreNamed(t *testing.T) {
	w := newWorld(t)
	p := w.behindProxy()
	w.spec.Options.StoreTimeout = 5 * time.Second
	want := map[string][]byte{}
	faults := []struct {
		fault faultproxy.Fault
		reads string // what is said where nothing but a listing was tried; "": all is well
		both  string // and where a write was
		kind  fault.Kind
	}{
		{faultproxy.Refuse, "connection refused", "connection refused", fault.Unreachable},
		{faultproxy.SlowDown, "SlowDown", "SlowDown", fault.Unreachable},
		{faultproxy.Broken, "InternalError", "InternalError", fault.Unreachable},
		{faultproxy.HalfHeaders, "no answer", "no answer", fault.Unreachable},
		{faultproxy.Portal, "not that of an S3 store", "not that of an S3 store", fault.Unreachable},
		{faultproxy.Revoked, "does not know the access key", "does not know the access key", fault.Auth},
		{faultproxy.NoBucket, "the bucket does not exist", "the bucket does not exist", fault.NotFound},
		{faultproxy.QuotaFull, "", "quota is used up", fault.Quota},
	}
	for i := range faults {
		key := fmt.Sprintf("dir-%d/object", i)
		want[key] = pattern(i, 1000)
		w.putObject(key, want[key])
	}
	w.mount()
	w.known("")
	for i, f := range faults {
		p.Set(f.fault)
		dir := fmt.Sprintf("dir-%d", i)
		if f.reads != "" {
			if _, err := os.ReadDir(w.path(dir)); err == nil {
				t.Errorf("%s: a directory that nobody listed has a listing", f.fault)
			}
			if why := w.degraded(string(f.fault) + ", a listing"); !strings.Contains(why, f.reads) {
				t.Errorf("%s: %q does not say %q", f.fault, why, f.reads)
			}
			if err := mounts.Check(t.Context(), w.spec, w.creds); !fault.Is(err, f.kind) || fault.As(err).Hint == "" {
				t.Errorf("%s: %v (hint %q), want kind %s", f.fault, err, fault.As(err).Hint, f.kind.Code())
			}
		}
		name := fmt.Sprintf("new-%d", i)
		want[name] = pattern(100+i, 5000)
		w.write(name, want[name])
		if why := w.degraded(string(f.fault) + ", a write"); !strings.Contains(why, f.both) {
			t.Errorf("%s: %q does not say %q", f.fault, why, f.both)
		}
		p.Set(faultproxy.Pass)
		w.drained()
		w.healthy()
		w.readable(dir+"/object", want[dir+"/object"])
	}
	w.wantObjects(want)
	w.unmount()
}

// SPEC C5, D1: an unmount in a black hole ends when it was told to, names what it keeps, and
// the next mount uploads it.
func TestUnmountInABlackHole(t *testing.T) {
	w := newWorld(t)
	p := w.behindProxy()
	s := w.mount()
	w.known("")
	p.Set(faultproxy.BlackHole)
	want := map[string][]byte{}
	for i := range 20 {
		name := fmt.Sprintf("f%d", i)
		want[name] = pattern(i, 100<<10)
		w.write(name, want[name])
	}
	w.until("uploads hang", func() bool { return p.Met(faultproxy.BlackHole) > 3 })
	begin := time.Now()
	d, err := w.m.Unmount(t.Context(), w.spec.Mountpoint, mounts.UnmountOptions{Timeout: 2 * time.Second})
	if !fault.Is(err, fault.Pending) || d.Pending() != len(want) {
		t.Errorf("unmount: %v with %d pending, want kind %s with %d", err, d.Pending(), fault.Pending.Code(), len(want))
	}
	w.until("the process is gone", func() bool { return unix.Kill(s.PID, 0) != nil || zombie(s.PID) })
	t.Logf("unmount took %v", time.Since(begin).Round(time.Millisecond))
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("unmount took %v", took)
	}
	p.Set(faultproxy.Pass)
	w.mount()
	w.drained()
	w.wantObjects(want)
	w.unmount()
}

func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// SPEC D4: an answer that is empty, half or somebody else's never empties a directory, and
// never is a file's end.
func TestBrokenAnswersThroughAMount(t *testing.T) {
	w := newWorld(t)
	p := w.behindProxy()
	w.spec.Options.StoreTimeout, w.spec.Options.DirCache = 5*time.Second, time.Millisecond
	data := pattern(1, 300<<10)
	w.putObject("known/file", data)
	w.mount()
	w.known("known")
	for i, f := range []faultproxy.Fault{
		faultproxy.EmptyList, faultproxy.Portal, faultproxy.Truncate, faultproxy.Shorten,
		faultproxy.ResetResponse, faultproxy.HalfHeaders, faultproxy.Half404,
	} {
		dir := fmt.Sprintf("new-%d", i)
		w.putObject(dir+"/file", data)
		w.until(dir+" shows", func() bool { _, err := os.Stat(w.path(dir)); return err == nil })
		p.Set(f)
		if names, err := os.ReadDir(w.path(dir)); err == nil {
			t.Errorf("%s: an unknown directory has %d entries", f, len(names))
		}
		if names, err := os.ReadDir(w.path("known")); err != nil || len(names) != 1 {
			t.Errorf("%s: the known directory has %v, %v", f, names, err)
		}
		if f != faultproxy.EmptyList {
			if got, err := w.uncached("known/file"); err == nil && string(got) != string(data) {
				t.Errorf("%s: a file reads as %s", f, brief(got))
			}
		}
		p.Set(faultproxy.Pass)
		w.healthy()
		w.readable(dir+"/file", data)
	}
	w.unmount()
}
