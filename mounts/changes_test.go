//go:build linux

package mounts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/delays"
	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// mesh is a coordinator with one managed workspace.
type mesh struct {
	t       *testing.T
	dir     string
	status  coordinator.Status
	admin   *client.Client
	session coordinator.Session
	stop    func()
}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	m := &mesh{t: t, dir: t.TempDir()}
	m.start()
	t.Cleanup(func() { m.stop() })
	if _, err := m.admin.Create(t.Context(), coordinator.CreateWorkspace{Name: "alpha", Backend: workspace.Managed}); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.session, err = m.admin.OpenSession(t.Context(), "alpha", false); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *mesh) socket() string { return filepath.Join(m.dir, "s") }

func (m *mesh) start() {
	m.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan coordinator.Status, 1), make(chan error, 1)
	go func() {
		ended <- coordinator.Serve(ctx, coordinator.ServeOptions{
			Config: config.Config{S3: config.S3{DataDir: filepath.Join(m.dir, "data")}, Listen: config.Listen{Address: "127.0.0.1:0"}},
			Kind:   "configured", Socket: m.socket(), Version: "test", Log: slog.New(slog.DiscardHandler),
			Ready: func(s coordinator.Status) { ready <- s },
		})
	}()
	select {
	case m.status = <-ready:
	case err := <-ended:
		m.t.Fatal(err)
	}
	m.admin = client.Local(m.socket())
	m.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			m.t.Error("the coordinator: ", err)
		}
		m.admin.Close()
		m.stop = func() {}
	}
}

// host mounts the workspace as a machine of its own does: with folders and a process that no
// other shares. Its listings are believed for an hour.
func (m *mesh) host() *world {
	m.t.Helper()
	dir := m.t.TempDir()
	w := &world{t: m.t, roots: xdg.Roots{
		Config: filepath.Join(dir, "config"), Cache: filepath.Join(dir, "cache"),
		State: filepath.Join(dir, "state"), Data: filepath.Join(dir, "data"),
	}}
	w.m = mounts.NewManager(w.roots, "")
	w.creds = keyring.Credentials{AccessKeyID: m.session.AccessKeyID, SecretAccessKey: keyring.NewSecret(m.session.SecretAccessKey)}
	at := m.session.Workspace
	w.spec = mounts.Spec{
		ID: fmt.Sprintf("%016x", rand.Uint64()), Workspace: "alpha", Backend: "managed", Mountpoint: filepath.Join(dir, "mnt"),
		Endpoint: m.status.URL + "/s3", Events: m.status.URL + eventstream.Path, Bucket: at.Bucket, Prefix: at.Prefix, Region: "us-east-1",
		Options: mounts.Options{WriteBack: 10 * time.Millisecond, DirCache: time.Hour},
	}
	must(m.t, os.Mkdir(w.spec.Mountpoint, 0o755))
	m.t.Cleanup(func() { w.sweep(dir) })
	return w
}

// throughProxy has the next mount reach its coordinator through a proxy.
func (w *world) throughProxy() *faultproxy.Proxy {
	p := w.behindProxy()
	w.spec.Events = strings.TrimSuffix(p.Endpoint(), "/s3") + eventstream.Path
	return p
}

// live waits until the coordinator tells the mount of changes.
func (w *world) live() {
	w.t.Helper()
	w.changes(mounts.ChangesLive)
}

func (w *world) changes(state string) mounts.Changes {
	w.t.Helper()
	var s *mounts.Changes
	w.until("changes are "+state, func() bool { s = w.status().Changes; return s != nil && s.State == state })
	return *s
}

// tree is what a mount shows: the content of files, the target of links; names of directories end in "/".
func (w *world) tree() (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(w.spec.Mountpoint, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == w.spec.Mountpoint {
			return err
		}
		name, _ := filepath.Rel(w.spec.Mountpoint, path)
		switch {
		case e.IsDir():
			all[name+"/"] = ""
		case e.Type() == fs.ModeSymlink:
			all[name], err = os.Readlink(path)
		default:
			var b []byte
			b, err = os.ReadFile(path)
			all[name] = string(b)
		}
		return err
	})
	return all, err
}

// same waits until both mounts show the same, and fails with what differs. It returns what
// differed as time went by, for a round that was slow.
func same(t *testing.T, what string, a, b *world) (differed []string) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		looked := time.Since(begin)
		left, err1 := a.tree()
		right, err2 := b.tree()
		var diff []string
		for name, content := range left {
			if other, ok := right[name]; !ok || other != content {
				diff = append(diff, fmt.Sprintf("%s: %s there, %s here (%v)", name, brief([]byte(content)), brief([]byte(other)), ok))
			}
		}
		for name := range right {
			if _, ok := left[name]; !ok {
				diff = append(diff, name+" is here alone")
			}
		}
		if err := errors.Join(err1, err2); err != nil {
			diff = append(diff, err.Error())
		}
		if len(diff) == 0 {
			return differed
		}
		slices.Sort(diff)
		now := strings.Join(diff, "; ")
		if time.Since(begin) > patience {
			t.Fatalf("%s: not seen after %v: %s\nheard: %+v", what, patience, now, *b.status().Changes)
		}
		if n := len(differed); n == 0 || !strings.HasSuffix(differed[n-1], now) {
			differed = append(differed, fmt.Sprintf("from %v on: %s", looked.Round(time.Millisecond), now))
		}
	}
}

// changeRounds is how many are played: CHANGE_ROUNDS, which `make soak` sets, or a few.
func changeRounds() int {
	if n, err := strconv.Atoi(os.Getenv("CHANGE_ROUNDS")); err == nil {
		return n
	}
	return 25
}

// play makes one change through w, and says of which kind it is and what it is about.
func play(t *testing.T, w *world, rng *rand.Rand, round int) (kind, what string) {
	t.Helper()
	dirs, files := []string{""}, []string{}
	now, err := w.tree()
	must(t, err)
	for name := range now {
		if strings.HasSuffix(name, "/") {
			dirs = append(dirs, name)
		} else {
			files = append(files, name)
		}
	}
	slices.Sort(dirs)
	slices.Sort(files)
	in := func() string { return dirs[rng.IntN(len(dirs))] }
	content := fmt.Appendf(nil, "round %d %d", round, rng.Uint64())
	some := func() string { return files[rng.IntN(len(files))] }
	n := rng.IntN(12)
	switch {
	case n < 3 || len(files) == 0:
		name := fmt.Sprintf("%sf%d", in(), round)
		w.write(name, content)
		return "create", name
	case n < 5:
		name := some()
		must(t, os.Remove(w.path(name))) // a link is not to be written through
		w.write(name, content)
		return "replace", name
	case n < 7:
		name := some()
		if strings.HasPrefix(filepath.Base(name), "l") {
			return "nothing", name
		}
		w.write(name, content)
		return "overwrite", name
	case n < 8:
		from, to := some(), fmt.Sprintf("%sr%d", in(), round)
		must(t, os.Rename(w.path(from), w.path(to)))
		return "rename", from + " " + to
	case n < 9:
		name := some()
		must(t, os.Remove(w.path(name)))
		return "delete", name
	case n < 10 && len(dirs) < 8:
		name := fmt.Sprintf("%sd%d", in(), round)
		must(t, os.Mkdir(w.path(name), 0o755))
		return "mkdir", name
	case n < 11 && len(dirs) > 1:
		from, to := dirs[1+rng.IntN(len(dirs)-1)], fmt.Sprintf("m%d", round)
		must(t, os.Rename(w.path(from), w.path(to)))
		return "rename directory", from + " " + to
	case len(dirs) > 4:
		name := dirs[len(dirs)-1]
		must(t, os.RemoveAll(w.path(name)))
		return "rm -r", name
	}
	name := fmt.Sprintf("%sl%d", in(), round)
	must(t, os.Symlink(fmt.Sprint("target", round), w.path(name)))
	return "symlink", name
}

// SPEC D5: what is changed on one mount shows on the other although its listings are believed
// for an hour: files and directories, created, overwritten, renamed and deleted, on either side,
// and after the stream of one was cut. None is missed.
func TestChangesShow(t *testing.T) {
	m := newMesh(t)
	a, b := m.host(), m.host()
	p := b.throughProxy()
	for _, w := range []*world{a, b} {
		w.mount()
		w.live()
	}
	rounds, uploads, shows := changeRounds(), delays.Delays{}, delays.Delays{}
	rng := rand.New(rand.NewPCG(9, uint64(rounds)))
	for round := range rounds {
		from, to := a, b
		if round%3 == 2 {
			from, to = b, a
		}
		cut := round%8 == 5
		if cut {
			p.Set(faultproxy.Refuse)
			b.changes(mounts.ChangesPolling)
			from, to = a, b
		}
		begin := time.Now()
		kind, what := play(t, from, rng, round)
		from.drained()
		stored := time.Now()
		if cut {
			p.Set(faultproxy.Pass)
			what += ", the stream cut"
		}
		differed := same(t, fmt.Sprintf("round %d: %s %s", round, kind, what), from, to)
		took := time.Since(stored)
		uploads.Add(kind, stored.Sub(begin))
		if cut {
			kind = "after a cut"
			b.live() // also where there was nothing to see: the next round is not about the cut
		}
		shows.Add(kind, took)
		if took > time.Second {
			log, _ := os.ReadFile(mounts.LogPath(to.roots, to.spec.ID))
			t.Logf("round %d: %s %s took %v to show\n%s\nthe log of that mount ends with:\n%s", round, kind, what, took.Round(time.Millisecond),
				strings.Join(differed, "\n"), log[max(len(log)-1500, 0):])
		}
		if round%100 == 99 {
			t.Logf("%d rounds, the longest %v after the upload", round+1, shows.Longest().Round(time.Millisecond))
		}
	}
	t.Logf("%d rounds\nfrom the change to the end of its upload:\n%s\nfrom there until the other mount shows it:\n%s", rounds, uploads, shows)
	b.live()
	for _, w := range []*world{a, b} {
		if s := w.status(); len(s.Conflicts) > 0 || s.Quarantined > 0 {
			t.Errorf("conflicts %+v, %d set aside", s.Conflicts, s.Quarantined)
		}
		w.unmount()
	}
}

// SPEC D5: with its position lost, a mount forgets every listing; until then it says that it polls.
func TestChangesAfterRestart(t *testing.T) {
	m := newMesh(t)
	a, b := m.host(), m.host()
	for _, w := range []*world{a, b} {
		w.spec.Socket = m.socket() // it stays where it is
		w.mount()
		w.live()
	}
	a.write("f", []byte("one"))
	same(t, "a file", a, b)
	m.stop()
	if s := b.changes(mounts.ChangesPolling); s.Reason == "" || strings.Contains(s.Reason, "\n") || time.Since(s.Since) > patience {
		t.Errorf("it polls: %+v", s)
	}
	a.write("f", []byte("two"))
	a.write("g", []byte("three"))
	m.start()
	a.drained()
	same(t, "after a restart", a, b)
	b.live()
	if s := b.changes(mounts.ChangesLive); s.Missed != 1 {
		t.Errorf("changes were missed %d times, want once", s.Missed)
	}
	a.write("f", []byte("four"))
	same(t, "the stream after it", a, b)
}

// SPEC D5: what is written and not uploaded stays as it is, whatever others do to the file
// meanwhile; then the last close wins.
func TestChangesLeaveDirtyData(t *testing.T) {
	m := newMesh(t)
	a, b := m.host(), m.host()
	for _, w := range []*world{a, b} {
		w.mount()
		w.live()
	}
	a.write("f", []byte("first"))
	a.write("g", []byte("first"))
	same(t, "two files", a, b)
	f, err := os.OpenFile(b.path("f"), os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)
	_, err = f.WriteString("mine, not closed")
	must(t, err)
	g, err := os.OpenFile(b.path("g"), os.O_RDWR, 0) // open to be written, and never is
	must(t, err)
	heard := b.changes(mounts.ChangesLive).Heard
	a.write("f", []byte("theirs"))
	a.write("g", []byte("theirs, and longer"))
	a.drained()
	b.until("both were heard of", func() bool { return b.changes(mounts.ChangesLive).Heard >= heard+2 })
	b.wantFile("f", []byte("mine, not closed"))
	must(t, f.Close())
	must(t, g.Close())
	b.drained()
	same(t, "the last close", b, a)
	a.wantFile("f", []byte("mine, not closed"))
	a.wantFile("g", []byte("theirs, and longer"))
	if s := b.status(); len(s.Conflicts) > 0 || s.Quarantined > 0 {
		t.Errorf("conflicts %+v", s.Conflicts)
	}
}

// SPEC D5: a reader that has the old version open, and its pages cached, gets the new bytes
// when it opens the file again.
func TestChangesReachCachedPages(t *testing.T) {
	m := newMesh(t)
	a, b := m.host(), m.host()
	for _, w := range []*world{a, b} {
		w.mount()
		w.live()
	}
	for round := range 5 {
		old, fresh := pattern(2*round, 300_000), pattern(2*round+1, 300_000)
		a.write("f", old)
		same(t, "the old version", a, b)
		f, err := os.Open(b.path("f"))
		must(t, err)
		b.wantFile("f", old)
		a.write("f", fresh)
		a.drained()
		b.until("it reads the new version", func() bool { return string(b.read("f")) == string(fresh) })
		must(t, f.Close())
	}
}

// A program that reads a file which another host replaces meanwhile gets the version that it began
// with, or an error; by its name the file is the new one, beside the reader too. SPEC D5.
func TestReaderOfAFileThatOthersReplace(t *testing.T) {
	const size = 16 << 20 // more than is read ahead
	m := newMesh(t)
	a, b := m.host(), m.host()
	for _, w := range []*world{a, b} {
		w.mount()
		w.live()
	}
	for round := range 4 {
		old, fresh := pattern(2*round, size), pattern(2*round+1, size)
		a.write("f", old)
		same(t, "the old version", a, b)
		if round%2 == 1 { // the kernel has pages of it, of an earlier open
			known, err := os.Open(b.path("f"))
			must(t, err)
			_, err = io.ReadFull(known, make([]byte, size/2))
			must(t, err)
			must(t, known.Close())
		}
		f, err := os.Open(b.path("f"))
		must(t, err)
		got := make([]byte, size)
		_, err = io.ReadFull(f, got[:size/3])
		must(t, err)
		a.write("f", fresh)
		a.drained()
		b.until("its name shows the new version", func() bool {
			now, err := os.ReadFile(b.path("f"))
			return err == nil && bytes.Equal(now, fresh)
		})
		switch n, err := io.ReadFull(f, got[size/3:]); {
		case err == nil:
			if !bytes.Equal(got, old) {
				t.Errorf("round %d: the reader got a mixture of two versions", round)
			}
		case !errors.Is(err, syscall.ESTALE):
			t.Errorf("round %d: the reader got %d bytes and then %v", round, size/3+n, err)
		}
		must(t, f.Close())
	}
}

// SPEC D5: what a mount has written itself comes back as news, and costs it no listing.
func TestChangesOfItsOwn(t *testing.T) {
	m := newMesh(t)
	a, b := m.host(), m.host()
	b.spec.Options.NoAttributes = true // what it writes is one object
	for _, w := range []*world{a, b} {
		w.mount()
		w.live()
	}
	must(t, os.MkdirAll(a.path("d/e"), 0o755))
	for i := range 30 {
		a.write(fmt.Sprint("d/f", i), []byte("one"))
	}
	a.drained()
	for i := range 10 {
		a.write(fmt.Sprint("d/f", i), []byte("two, longer"))
		must(t, os.Rename(a.path(fmt.Sprint("d/f", 10+i)), a.path(fmt.Sprint("d/e/f", i))))
		must(t, os.Remove(a.path(fmt.Sprint("d/f", 20+i))))
	}
	a.drained()
	same(t, "all of it", a, b)
	// What b changes comes after all of a's own news, and has the root listed again.
	b.write("fence", nil)
	same(t, "the fence", b, a)
	before := a.lists()
	if names, err := os.ReadDir(a.path("d")); err != nil || len(names) != 11 {
		t.Errorf("%d names, %v", len(names), err)
	}
	if _, err := a.tree(); err != nil {
		t.Error(err)
	}
	if now := a.lists(); now != before {
		t.Errorf("its own changes cost it %d listings", now-before)
	}
}

// lists is how many listings the mount has asked for.
func (w *world) lists() int64 {
	w.t.Helper()
	s, err := w.m.Stats(w.t.Context(), w.spec.Mountpoint)
	must(w.t, err)
	return s.Store.Requests["ListObjectsV2"].Count
}
