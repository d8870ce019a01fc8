package upper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// staging is the folder of data files.
type staging struct {
	dir    string // <staging>/data
	prefix string // of the ids of this process, so that none is given twice
	next   atomic.Uint64
	room   room
	spares chan string // ids of empty files to be used again
	// pwrite is what writes to data files; tests make it fail.
	pwrite func(f *os.File, p []byte, off int64) (int, error)
}

// maxSpares bounds the empty files kept for use again. ext4 takes a millisecond to make a
// file where many were removed in the last half minute (it steps over each inode that was
// freed), and 40 µs to rename one.
const maxSpares = 512

// dataFile is one staged file. refs and holds are guarded by FS.mu.
type dataFile struct {
	id    string
	refs  int        // contents and unfinished uploads that need it
	holds []*version // closed versions whose bytes must not change in it

	mu    sync.Mutex
	file  *os.File
	users int
	disk  int64 // bytes that it takes
}

// frozen is the offset below which no byte may change.
func (d *dataFile) frozen() (end int64) {
	for _, v := range d.holds {
		end = max(end, v.size)
	}
	return end
}

func (d *dataFile) unhold(v *version) {
	for i, x := range d.holds {
		if x == v {
			d.holds = append(d.holds[:i], d.holds[i+1:]...)
			return
		}
	}
}

func newStaging(dir string, most int64) *staging {
	return &staging{
		room: room{dir: dir, most: most},
		dir:  filepath.Join(dir, "data"), prefix: strconv.FormatInt(time.Now().UnixNano(), 36) + "-",
		spares: make(chan string, maxSpares),
		pwrite: func(f *os.File, p []byte, off int64) (int, error) { return f.WriteAt(p, off) },
	}
}

func (s *staging) path(id string) string { return filepath.Join(s.dir, id) }

// create makes an empty data file, in use once.
func (s *staging) create() (*dataFile, error) {
	d := &dataFile{id: s.prefix + strconv.FormatUint(s.next.Add(1), 36)}
	select {
	case spare := <-s.spares:
		if os.Rename(s.path(spare), s.path(d.id)) == nil {
			_, err := s.acquire(d)
			return d, err
		}
	default:
	}
	f, err := os.OpenFile(s.path(d.id), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	d.file, d.users = f, 1
	return d, nil
}

// remove ends a data file that nothing refers to: it becomes a spare, or goes.
func (s *staging) remove(d *dataFile) error {
	d.mu.Lock()
	used := d.users > 0 // by a read that began before
	d.mu.Unlock()
	s.room.gone(d)
	path := s.path(d.id)
	if !used && len(s.spares) < cap(s.spares) && os.Truncate(path, 0) == nil {
		select {
		case s.spares <- d.id:
			return nil
		default:
		}
	}
	return os.Remove(path)
}

// acquire opens d where it is not open; release it once after.
func (s *staging) acquire(d *dataFile) (*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		f, err := os.OpenFile(s.path(d.id), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		d.file = f
	}
	d.users++
	return d.file, nil
}

func (s *staging) release(d *dataFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.room.grown(d)
	if d.users--; d.users == 0 {
		d.file.Close()
		d.file = nil
	}
}

// copyByHand copies x of src into dst at the same offset.
func copyByHand(dst, src *os.File, x extent) error {
	buf := make([]byte, 1<<20)
	for x.off < x.end {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), x.end-x.off)], x.off)
		if n == 0 {
			return fmt.Errorf("staged file ends at %d, before %d: %w", x.off, x.end, errors.Join(unix.EIO, err))
		}
		if _, err := dst.WriteAt(buf[:n], x.off); err != nil {
			return err
		}
		x.off += int64(n)
	}
	return nil
}
