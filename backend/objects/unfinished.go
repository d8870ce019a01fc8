package objects

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// unfinished are files that a download is written to.
var unfinished = regexp.MustCompile(`\A\.artifacts-[0-9A-Z]{26}\.part\z`)

// open opens the file that rel is written to until it is whole, and locks it. It has the same
// name each time, so that what was killed leaves one at most, which the next run goes on with; where
// another program writes it, or somebody else made it, it is one of a name that nobody knows.
func (d *localFolder) open(rel string) (f *os.File, name string, err error) {
	dir := strings.TrimSuffix(folder(rel), "/")
	part := func(id string) string { return join(dir, ".artifacts-"+id[:26]+".part") }
	sum := sha256.Sum256([]byte(base(rel)))
	name = part(base32.StdEncoding.EncodeToString(sum[:]))
	f, err = d.root.OpenFile(name, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o666)
	if err == nil {
		locked := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if locked == nil && d.mine(f, name) {
			return f, name, nil
		}
		if locked != nil && !errors.Is(locked, unix.EWOULDBLOCK) {
			_ = d.root.Remove(name) // there are no locks here, so that nobody else writes under that name
		}
		_ = f.Close()
	}
	name = part(rand.Text())
	f, err = d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	return f, name, err
}

// held keeps the lock of a file that is closed, until what it returns is called: by then the file
// has its own name, or is gone.
func held(f *os.File) (release func()) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return func() {}
	}
	return func() { _ = unix.Close(fd) }
}

// mine reports whether f, which is locked, is a file of this user alone that still has its name.
func (d *localFolder) mine(f *os.File, name string) bool {
	info, err := f.Stat()
	there, terr := d.root.Lstat(name)
	if err != nil || terr != nil || !info.Mode().IsRegular() || !os.SameFile(info, there) {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid() && owner.Nlink == 1
}

// ranges is the record, on disk, of which ranges of a large object are in an unfinished file, by
// their checksums: a program that was killed, or that lost its store, goes on with it.
type ranges struct {
	path string // empty: there is no record
	mu   sync.Mutex
	file *os.File
	have map[int]uint32 // CRC-32C of a range
}

// rangesOf is the first line of a record.
type rangesOf struct {
	Place string `json:"place"`
	ETag  string `json:"etag"`
	Size  int64  `json:"size"`
	Range int64  `json:"range"` // bytes
}

// newRanges reads the record of the download of info to f, which is in dir, or begins it.
func (s *Store) newRanges(dir string, f *os.File, info Info) *ranges {
	r := &ranges{have: map[int]uint32{}}
	where, err := filepath.Abs(f.Name())
	if dir == "" || err != nil || os.MkdirAll(dir, 0o700) != nil {
		return r
	}
	h := sha256.New()
	for _, part := range []string{s.Account, s.Bucket, s.Prefix + info.Key, where} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	r.path = filepath.Join(dir, hex.EncodeToString(h.Sum(nil))[:32]+".ranges")
	want := rangesOf{s.Place(info.Key), info.ETag, info.Size, rangeSize}
	if at, err := f.Stat(); err == nil && at.Size() > 0 {
		r.read(want)
	}
	if len(r.have) == 0 {
		_ = os.Remove(r.path)
	}
	r.file, err = os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.path = ""
		return r
	}
	if len(r.have) == 0 {
		line, _ := json.Marshal(want)
		_, _ = r.file.Write(append(line, '\n'))
	}
	return r
}

func (r *ranges) read(want rangesOf) {
	f, err := os.Open(r.path)
	if err != nil {
		return
	}
	defer f.Close()
	var is rangesOf
	lines := bufio.NewScanner(f)
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &is) != nil || is != want {
		return
	}
	for lines.Scan() {
		var i int
		var sum uint32
		if n, _ := fmt.Sscanf(lines.Text(), "%d %08x.", &i, &sum); n == 2 && strings.HasSuffix(lines.Text(), ".") {
			r.have[i] = sum
		}
	}
}

// has reports whether range i of n bytes at off is in f, as its checksum proves.
func (r *ranges) has(ctx context.Context, f io.ReaderAt, i int, off, n int64) (sum uint32, ok bool) {
	sum, ok = r.have[i]
	if !ok {
		return 0, false
	}
	got, err := sumOf(&stoppable{ctx, f}, off, n)
	return sum, err == nil && got == sum
}

// add notes that range i has arrived.
func (r *ranges) add(i int, sum uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		_, _ = fmt.Fprintf(r.file, "%d %08x.\n", i, sum)
	}
}

// close ends the record; it is kept where the download is to be gone on with.
func (r *ranges) close(keep bool) {
	if r.file == nil {
		return
	}
	_ = r.file.Close()
	if !keep {
		_ = os.Remove(r.path)
	}
}

// kept reports whether there is a record to go on with.
func (r *ranges) kept() bool { return r != nil && r.file != nil }
