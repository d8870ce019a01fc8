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
	"hash"
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

// pieceSize is what a download is recorded by: little is lost on a slow line too, where each of the
// ranges that arrive beside each other takes minutes. A range is a number of pieces.
const pieceSize = 1 << 20

// partial is the record, on disk, of which pieces of a large object are in an unfinished file, by
// their checksums: a program that was killed, or that lost its store, goes on with it.
type partial struct {
	path string // empty: there is no record
	mu   sync.Mutex
	file *os.File
	have map[int64]uint32 // CRC-32C of a piece, by its number

	// A file system lets one write at a time into a file anyway; whoever waits for that in the kernel
	// has a thread that keeps a processor busy.
	turn sync.Mutex
}

// partialOf is the first line of a record.
type partialOf struct {
	Place string `json:"place"`
	ETag  string `json:"etag"`
	Size  int64  `json:"size"`
	Piece int64  `json:"piece"` // bytes
}

// record reads the record of the download of info to f, which is in dir, or begins it.
func (s *Store) record(dir string, f *os.File, info Info) *partial {
	r := &partial{have: map[int64]uint32{}}
	where, err := filepath.Abs(f.Name())
	if dir == "" || err != nil || os.MkdirAll(dir, 0o700) != nil {
		return r
	}
	h := sha256.New()
	for _, part := range []string{s.Account, s.Bucket, s.Prefix + info.Key, where} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	r.path = filepath.Join(dir, hex.EncodeToString(h.Sum(nil))[:32]+".arrived")
	want := partialOf{s.Place(info.Key), info.ETag, info.Size, pieceSize}
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

func (r *partial) read(want partialOf) {
	f, err := os.Open(r.path)
	if err != nil {
		return
	}
	defer f.Close()
	var is partialOf
	lines := bufio.NewScanner(f)
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &is) != nil || is != want {
		return
	}
	for lines.Scan() {
		var i int64
		var sum uint32
		if n, _ := fmt.Sscanf(lines.Text(), "%d %08x.", &i, &sum); n == 2 && strings.HasSuffix(lines.Text(), ".") {
			r.have[i] = sum
		}
	}
}

// begin is what writes n bytes at off, the beginning of a range, from where they are missing on.
func (r *partial) begin(ctx context.Context, f *os.File, off, n int64) *pieces {
	w := &pieces{f: f, r: r, off: off, end: off + n, piece: newCRC32C()}
	for w.off < w.end {
		length := min(pieceSize, w.end-w.off)
		sum, ok := r.have[w.off/pieceSize]
		if !ok {
			break
		}
		if got, err := sumOf(&stoppable{ctx, f}, w.off, length); err != nil || got != sum {
			break
		}
		w.add(sum, length)
		w.off += length
	}
	return w
}

// pieces writes a range, and records each piece of it that is whole.
type pieces struct {
	f        *os.File
	r        *partial
	off, end int64
	piece    hash.Hash32 // of the one that is written
	total    uint32      // CRC-32C of those before
	some     bool
}

// Write implements io.Writer.
func (w *pieces) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		next := min((w.off/pieceSize+1)*pieceSize, w.end)
		w.r.turn.Lock()
		n, err := w.f.WriteAt(p[:min(int64(len(p)), next-w.off)], w.off)
		w.r.turn.Unlock()
		_, _ = w.piece.Write(p[:n])
		written, w.off, p = written+n, w.off+int64(n), p[n:]
		if err != nil {
			return written, err
		}
		if w.off == next {
			start := (w.off - 1) / pieceSize
			w.r.note(start, w.piece.Sum32())
			w.add(w.piece.Sum32(), w.off-start*pieceSize)
			w.piece.Reset()
		}
	}
	return written, nil
}

func (w *pieces) add(sum uint32, n int64) {
	if w.some {
		sum = combine(w.total, sum, n)
	}
	w.total, w.some = sum, true
}

// sum is the CRC-32C of the range, once all of it is written.
func (w *pieces) sum() uint32 { return w.total }

// note records that piece i is there.
func (r *partial) note(i int64, sum uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != nil {
		_, _ = fmt.Fprintf(r.file, "%d %08x.\n", i, sum)
	}
}

// close ends the record; it is kept where the download is to be gone on with.
func (r *partial) close(keep bool) {
	if r.file == nil {
		return
	}
	_ = r.file.Close()
	if !keep {
		_ = os.Remove(r.path)
	}
}

// kept reports whether there is a record to go on with.
func (r *partial) kept() bool { return r != nil && r.file != nil }
