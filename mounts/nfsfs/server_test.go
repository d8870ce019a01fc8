package nfsfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/willscott/go-nfs-client/nfs"

	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
)

// What programs do most, through a client of NFS, ends up in the store. SPEC E11
func TestFiles(t *testing.T) {
	w := newWorld(t)
	m := w.mount()
	w.write(m, "/plain", []byte("hello"))
	if got := w.stored("plain"); string(got) != "hello" {
		t.Fatalf("the store has %q", got)
	}
	if got := w.read(m, "/plain"); string(got) != "hello" {
		t.Fatalf("read %q", got)
	}

	_, err := m.Mkdir("/dir", 0o750)
	w.must(err)
	w.must(m.Rename("/plain", "/dir/moved"))
	if _, _, err := m.Lookup("/plain"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old name: %v", err)
	}
	if got := w.read(m, "/dir/moved"); string(got) != "hello" {
		t.Errorf("read %q by the new name", got)
	}
	w.write(m, "/other", []byte("takes its place"))
	w.must(m.Rename("/other", "/dir/moved"))
	if got := w.stored("dir/moved"); string(got) != "takes its place" {
		t.Errorf("the store has %q", got)
	}

	size := nfs.Sattr3{Size: nfs.SetSize{SetIt: true, Size: 5}}
	w.must(m.Setattr("/dir/moved", size))
	if got := w.stored("dir/moved"); string(got) != "takes" {
		t.Errorf("truncated: %q", got)
	}
	size.Size.Size = 7
	w.must(m.Setattr("/dir/moved", size))
	if got := w.stored("dir/moved"); string(got) != "takes\x00\x00" {
		t.Errorf("grown: %q", got)
	}
	when := nfs.NFS3Time{Seconds: 1234567890, Nseconds: 5}
	w.must(m.Setattr("/dir/moved", nfs.Sattr3{
		Mode: nfs.SetMode{SetIt: true, Mode: 0o600}, Mtime: nfs.SetTime{SetIt: nfs.SetToClientTime, Time: when},
	}))
	attr, err := m.Getattr("/dir/moved")
	w.must(err)
	if attr.FileMode&0o7777 != 0o600 || attr.Mtime != when || attr.UID != uint32(os.Getuid()) || attr.Filesize != 7 {
		t.Errorf("attributes: %+v", attr)
	}

	w.must(m.Symlink("dir/moved", "/link"))
	f, err := m.Open("/link")
	w.must(err)
	if to, err := f.Readlink(); err != nil || to != "dir/moved" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	w.must(m.Remove("/dir/moved"))
	w.must(m.Remove("/link"))
	w.must(m.RmDir("/dir"))
	if list, err := m.ReadDirPlus("/"); err != nil || len(names(list)) != 0 {
		t.Errorf("left: %q, %v", names(list), err)
	}
	read, written := w.server.Bytes()
	if read != 10 || written != 20 {
		t.Errorf("%d bytes read, %d written", read, written)
	}
}

func names(list []*nfs.EntryPlus) (names []string) {
	for _, e := range list {
		if e.FileName != "." && e.FileName != ".." {
			names = append(names, e.FileName)
		}
	}
	slices.Sort(names) // the client keeps them in a map
	return names
}

// An error is the one that it is, not any that the library has at hand.
func TestErrors(t *testing.T) {
	w := newWorld(t)
	m := w.mount()
	for _, dir := range []string{"/a", "/b"} {
		_, err := m.Mkdir(dir, 0o755)
		w.must(err)
		w.write(m, dir+"/file", []byte("x"))
	}
	_, existing := m.Mkdir("/a/file", 0o755)
	for what, c := range map[string]struct {
		err  error
		want string
	}{
		"rmdir of a folder with files":  {m.RmDir("/a"), "NFS3ERR_NOTEMPTY"},
		"rename over one with files":    {m.Rename("/a", "/b"), "NFS3ERR_NOTEMPTY"},
		"rename of a file over one":     {m.Rename("/a/file", "/b"), "NFS3ERR_ISDIR"},
		"rename into itself":            {m.Rename("/a", "/a/c"), "NFS3ERR_INVAL"},
		"mkdir where there is a file":   {existing, os.ErrExist.Error()},
		"remove of what is not there":   {m.Remove("/none"), os.ErrNotExist.Error()},
		"a name that is too long":       {errOf(m.Create("/"+strings.Repeat("n", 256), 0o644)), "NFS3ERR_NAMETOOLONG"},
		"a name that is no UTF-8":       {errOf(m.Create("/\xff", 0o644)), "NFS3ERR_INVAL"},
		"a file that stands for a link": {errOf(m.Create("/x.rclonelink", 0o644)), os.ErrPermission.Error()},
	} {
		if c.err == nil || c.err.Error() != c.want {
			t.Errorf("%s: %v, want %s", what, c.err, c.want)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// A store that does not answer has not lost its files: a look-up fails, which is not the
// same as finding nothing.
func TestStoreThatFailsIsNoMissingFile(t *testing.T) {
	var proxy *faultproxy.Proxy
	w := newWorld(t, func(l *layers) {
		proxy = faultproxy.Start(t, l.Endpoint)
		l.Endpoint = proxy.Endpoint()
	})
	_, err := w.client.Put(t.Context(), "dir/file", strings.NewReader("there"), 5, putMeta)
	w.must(err)
	m := w.mount()
	_, _, err = m.Lookup("/dir")
	w.must(err)
	for fault, want := range map[faultproxy.Fault]string{
		faultproxy.Revoked: "NFS3ERR_ACCES", faultproxy.Refuse: "NFS3ERR_IO", faultproxy.BlackHole: "NFS3ERR_IO",
	} {
		proxy.Set(fault)
		if _, _, err := m.Lookup("/dir/file"); err == nil || err.Error() != want {
			t.Errorf("looked up in a store with the fault %q: %v, want %s", fault, err, want)
		}
	}
	proxy.Set(faultproxy.Pass)
	if _, _, err := m.Lookup("/dir/file"); err != nil {
		t.Error(err)
	}
}

// CREATE of a file that is there leaves it as it is, unless it is to be empty.
func TestCreateKeepsWhatIsThere(t *testing.T) {
	w := newWorld(t)
	m := w.mount()
	w.write(m, "/file", []byte("kept"))
	if _, err := m.Create("/file", 0o600); err != nil {
		t.Fatal(err)
	}
	if got := w.read(m, "/file"); string(got) != "kept" {
		t.Errorf("after the second CREATE: %q", got)
	}
	if attr, err := m.Getattr("/file"); err != nil || attr.FileMode&0o777 != 0o600 {
		t.Errorf("its mode: %+v, %v", attr, err)
	}
}

// O_EXCL makes a file once, whoever asks, but for the answer that was lost.
func TestExclusiveCreate(t *testing.T) {
	w := newWorld(t)
	root := w.server.nodes.handle(w.up.Root())
	create := func(r *raw, name string, how uint32, verifier ...uint32) uint32 {
		arguments := append(opaque(opaque(nil, root), []byte(name)), numbers(append([]uint32{how}, verifier...)...)...)
		status, _, err := r.call(nfsProgram, procedureCreate, arguments)
		w.must(err)
		return status
	}
	first, second := dial(t, w.server.listener.Addr().String()), dial(t, w.server.listener.Addr().String())
	for i, c := range []struct {
		r        *raw
		how      uint32
		verifier []uint32
		want     uint32
	}{
		{first, exclusive, []uint32{7, 8}, 0},
		{second, exclusive, []uint32{7, 9}, 17},
		{second, exclusive, []uint32{7, 8}, 0}, // sent again
		{first, guarded, make([]uint32, 6), 17},
		{first, unchecked, make([]uint32, 6), 0},
	} {
		if got := create(c.r, "lock", c.how, c.verifier...); got != c.want {
			t.Errorf("%d: status %d, want %d", i, got, c.want)
		}
	}
	// Of many at the same time one has it.
	var all sync.WaitGroup
	var have atomic.Int32
	for i := range 8 {
		r := dial(t, w.server.listener.Addr().String())
		all.Go(func() {
			for try := range 20 {
				if create(r, fmt.Sprintf("lock-%d", try), exclusive, uint32(i), uint32(try)) == 0 {
					have.Add(1)
				}
			}
		})
	}
	all.Wait()
	if have.Load() != 20 {
		t.Errorf("20 files were made %d times", have.Load())
	}
	if status, _, err := first.call(nfsProgram, procedureLink, opaque(opaque(opaque(nil, root), root), []byte("link"))); err != nil || status != 1 {
		t.Errorf("a hard link: status %d, %v", status, err)
	}
}

func TestReadOnly(t *testing.T) {
	w := newWorld(t, func(l *layers) { l.ReadOnly = true })
	_, err := w.client.Put(t.Context(), "file", strings.NewReader("from elsewhere"), 14, putMeta)
	w.must(err)
	m := w.mount()
	if got := w.read(m, "/file"); string(got) != "from elsewhere" {
		t.Errorf("read %q", got)
	}
	if _, err := m.Create("/new", 0o644); err == nil || err.Error() != "NFS3ERR_ROFS" {
		t.Errorf("create: %v", err)
	}
	if err := m.Remove("/file"); err == nil || err.Error() != "NFS3ERR_ROFS" {
		t.Errorf("remove: %v", err)
	}
}

// Large files, written in order, then here and there, and read back from what is staged and
// from the store.
func TestLargeFile(t *testing.T) {
	w := newWorld(t)
	m := w.mount()
	data := noise(3<<20 + 12345)
	f, err := m.OpenFile("/large", 0o644)
	w.must(err)
	for off := 0; off < len(data); off += 256 << 10 {
		_, err := f.Write(data[off:min(off+256<<10, len(data))])
		w.must(err)
	}
	for _, off := range []int64{2 << 20, 0, 3 << 20, 1<<20 + 7} { // not in order
		patch := noise(4096)
		_, err := f.Seek(off, 0)
		w.must(err)
		_, err = f.Write(patch)
		w.must(err)
		copy(data[off:], patch)
	}
	if got := w.read(m, "/large"); !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, sha256 %x", len(got), sha256.Sum256(got))
	}
	if got := w.stored("large"); !bytes.Equal(got, data) {
		t.Errorf("the store has %d bytes, sha256 %x", len(got), sha256.Sum256(got))
	}
	w.server.readers.closeIdle(0)
	if got := w.read(m, "/large"); !bytes.Equal(got, data) {
		t.Errorf("read %d bytes after the upload", len(got))
	}
}

// A directory is read page by page as it was at first, while files are made and removed.
func TestDirectoryInPages(t *testing.T) {
	w := newWorld(t)
	m := w.mount()
	const many = 300
	var want []string
	for i := range many {
		name := fmt.Sprintf("file-%03d", i)
		if _, err := m.Create("/"+name, 0o644); err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	list, err := m.ReadDirPlus("/")
	w.must(err)
	if got := names(list); !slices.Equal(got, want) {
		t.Fatalf("%d names: %q", len(got), got)
	}

	// By hand: half of it is removed between two pages.
	root := w.server.nodes.handle(w.up.Root())
	r := dial(t, w.server.listener.Addr().String())
	var got []string
	for cookie, verifier := uint64(0), uint64(0); ; {
		arguments := opaque(nil, root)
		arguments = binary.BigEndian.AppendUint64(arguments, cookie)
		arguments = binary.BigEndian.AppendUint64(arguments, verifier)
		status, body, err := r.call(nfsProgram, 16, append(arguments, numbers(4096)...))
		if err != nil || status != 0 {
			t.Fatalf("a page: status %d, %v", status, err)
		}
		p := &words{left: body[4+84:]}
		verifier = uint64(p.word())<<32 | uint64(p.word())
		for p.word() != 0 {
			p.word()
			p.word()
			name := string(p.opaque())
			cookie = uint64(p.word())<<32 | uint64(p.word())
			if name != "." && name != ".." {
				got = append(got, name)
			}
		}
		if len(got) < many/4 {
			for _, name := range want[:many/2] {
				_ = m.Remove("/" + name)
			}
		}
		if p.word() != 0 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d names: %q", len(got), got)
	}
}

// A handle is the file's through renames of it and of what is above, and no other's after
// it is removed.
func TestHandles(t *testing.T) {
	w := newWorld(t)
	r := dial(t, w.server.listener.Addr().String())
	root := r.mount(w.server.Export())
	dir, err := w.up.Mkdir(forever(), w.up.Root(), "dir", 0o755)
	w.must(err)
	_, h, err := w.up.Create(forever(), dir, "file", 0o644, os.O_RDWR)
	w.must(err)
	_, err = h.WriteAt(forever(), []byte("content"), 0)
	w.must(err)
	w.must(h.Flush(forever()))
	h.Release()

	dirHandle, _ := r.lookup(root, "dir")
	handle, status := r.lookup(dirHandle, "file")
	if status != 0 {
		t.Fatal(status)
	}
	if up, status := r.lookup(dirHandle, ".."); status != 0 || !bytes.Equal(up, root) {
		t.Errorf("..: status %d", status)
	}
	read := func() (uint32, []byte) {
		status, body, err := r.call(nfsProgram, 6, append(opaque(nil, handle), numbers(0, 0, 100)...))
		w.must(err)
		if status != 0 {
			return status, nil
		}
		p := &words{left: body[4+84+8:]} // after the attributes, the count and the end
		return 0, p.opaque()
	}
	w.must(w.up.Rename(forever(), dir, "file", dir, "renamed", 0))
	w.must(w.up.Rename(forever(), w.up.Root(), "dir", w.up.Root(), "elsewhere", 0))
	if again, _ := r.lookup(dirHandle, "renamed"); !bytes.Equal(again, handle) {
		t.Error("another handle by another name")
	}
	if status, data := read(); status != 0 || string(data) != "content" {
		t.Errorf("after the renames: status %d, %q", status, data)
	}
	before := w.server.Nodes()
	remove := opaque(opaque(nil, dirHandle), []byte("renamed"))
	if status, _, err := r.call(nfsProgram, 12, remove); err != nil || status != 0 {
		t.Fatal(status, err)
	}
	if status, _ := read(); status != 70 {
		t.Errorf("after it was removed: status %d, want STALE", status)
	}
	if left := w.server.Nodes(); left != before-1 {
		t.Errorf("%d nodes, then %d", before, left)
	}
	if open := w.up.Stats().OpenHandles; open != 0 {
		t.Errorf("open: %d", open)
	}
}

// A request in fragments is one, and the next one is understood too.
func TestFragments(t *testing.T) {
	w := newWorld(t)
	r := dial(t, w.server.listener.Addr().String())
	r.pieces = 3
	root := r.mount(w.server.Export())
	for range 2 {
		if status, _, err := r.call(nfsProgram, 1, opaque(nil, root)); err != nil || status != 0 {
			t.Fatal(status, err)
		}
	}
}

// Connections do not wait for each other, and none sees what another is told.
func TestConnectionsSideBySide(t *testing.T) {
	w := newWorld(t)
	root := w.server.nodes.handle(w.up.Root())
	var all sync.WaitGroup
	for i := range 6 {
		r := dial(t, w.server.listener.Addr().String())
		all.Go(func() {
			name := fmt.Sprintf("file-%d", i)
			for round := range 20 {
				if _, status := r.lookup(root, fmt.Sprintf("none-%d-%d", i, round)); status != 2 {
					t.Errorf("a name that is not there: status %d", status)
				}
				arguments := append(opaque(opaque(nil, root), []byte(name)), numbers(0, 0, 0, 0, 0, 0, 0)...)
				if status, _, err := r.call(nfsProgram, 8, arguments); err != nil || status != 0 {
					t.Errorf("create: status %d, %v", status, err)
					return
				}
				handle, _ := r.lookup(root, name)
				data := bytes.Repeat([]byte{byte('a' + i)}, 1000+round)
				arguments = opaque(append(opaque(nil, handle), numbers(0, 0, uint32(len(data)), 2)...), data)
				if status, _, err := r.call(nfsProgram, 7, arguments); err != nil || status != 0 {
					t.Errorf("write: status %d, %v", status, err)
				}
				if status, _, err := r.call(nfsProgram, 12, opaque(opaque(nil, handle), []byte("x"))); err != nil || status != 20 {
					t.Errorf("remove below a file: status %d, %v", status, err)
				}
			}
		})
	}
	all.Wait()
	for i := range 6 {
		want := bytes.Repeat([]byte{byte('a' + i)}, 1019)
		if got := w.stored(fmt.Sprintf("file-%d", i)); !bytes.Equal(got, want) {
			t.Errorf("file-%d: %d bytes, %.10q", i, len(got), got)
		}
	}
}

// A full staging disk is told as such, and what was answered before stays. SPEC E11
func TestNoSpace(t *testing.T) {
	var proxy *faultproxy.Proxy
	w := newWorld(t, func(l *layers) {
		proxy = faultproxy.Start(t, l.Endpoint)
		l.Endpoint, l.Room = proxy.Endpoint(), 1<<20
	})
	m := w.mount()
	_, err := m.Create("/file", 0o644)
	w.must(err)
	proxy.Set(faultproxy.Refuse)
	data := noise(512 << 10)
	f, err := m.OpenFile("/file", 0o644)
	w.must(err)
	_, err = f.Write(data)
	w.must(err)
	if _, err := f.Write(noise(1 << 20)); err == nil || err.Error() != "NFS3ERR_NOSPC" {
		t.Errorf("a write past the room: %v", err)
	}
	if got := w.read(m, "/file"); !bytes.Equal(got, data) {
		t.Errorf("%d bytes are left of %d", len(got), len(data))
	}
	proxy.Set(faultproxy.Pass)
	if got := w.stored("file"); !bytes.Equal(got, data) {
		t.Errorf("the store has %d bytes of %d", len(got), len(data))
	}
}

func TestSpace(t *testing.T) {
	w := newWorld(t)
	r := dial(t, w.server.listener.Addr().String())
	status, body, err := r.call(nfsProgram, 18, opaque(nil, r.mount(w.server.Export())))
	if err != nil || status != 0 {
		t.Fatal(status, err)
	}
	p := &words{left: body[4+84:]}
	if total, free := uint64(p.word())<<32|uint64(p.word()), uint64(p.word())<<32|uint64(p.word()); total != 6000 || free != 5000 {
		t.Errorf("%d bytes, %d free", total, free)
	}
}

// A procedure that is not served is told as RFC 5531 has it: clients ask for the list of
// exports, and go on without.
func TestUnknownProcedure(t *testing.T) {
	w := newWorld(t)
	r := dial(t, w.server.listener.Addr().String())
	r.mount(w.server.Export())
	const list, unavailable = 5, 3
	_, _, err := r.call(mountProgram, list, nil)
	if want := fmt.Sprintf("%x", numbers(1, 0, 0, 0, unavailable)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// Whoever finds the port gets nothing. SPEC A35
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	addr := w.server.listener.Addr().String()
	m := w.mount()
	w.write(m, "/file", []byte("not for all"))

	if status, _, err := dial(t, addr).call(mountProgram, procedureMount, opaque(nil, []byte("/"))); err == nil {
		t.Errorf("a mount of /: status %d", status)
	}
	if status, _, err := dial(t, addr).call(mountProgram, procedureMount, opaque(nil, []byte(w.server.Export()))); err != nil || status != 13 {
		t.Errorf("a second mount: status %d, %v", status, err)
	}
	root := w.server.nodes.handle(w.up.Root())
	forged := [][]byte{nil, make([]byte, 8), make([]byte, 24), root[:23], append(slices.Clone(root), 0)}
	for i := range root {
		other := slices.Clone(root)
		other[i] ^= 1
		forged = append(forged, other)
	}
	for _, handle := range forged {
		if status, _, err := dial(t, addr).call(nfsProgram, 1, opaque(nil, handle)); err == nil {
			t.Errorf("handle %x: status %d", handle, status)
		}
	}
	// The kernel says whose request it is.
	r := dial(t, addr)
	r.uid = uint32(os.Getuid()) + 1
	if status, _, err := r.call(nfsProgram, 1, opaque(nil, root)); err != nil || status != 13 {
		t.Errorf("another user: status %d, %v", status, err)
	}
	r.uid = uint32(os.Getuid())
	if status, _, err := r.call(nfsProgram, 1, opaque(nil, root)); err != nil || status != 0 {
		t.Errorf("the mount's user: status %d, %v", status, err)
	}
	// Nor does a length keep anybody from the memory of the process.
	long := dial(t, addr)
	if _, err := long.Write(numbers(recordMost | lastFragment)); err != nil {
		t.Fatal(err)
	}
	_ = long.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := long.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a request of %d bytes: %d, %v", recordMost, n, err)
	}
}
