package upper

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Of the space that staged files may take where nobody said how much: this share of the
// disk stays free, this many bytes at least, but never more than a quarter of it.
const (
	keepFreeShare = 20 // one in so many
	keepFreeLeast = 1 << 30
	keepFreeMost  = 4 // one in so many
)

// roomEvery bounds how old a look at the disk is; roomStep, the bytes staged since.
const (
	roomEvery = 200 * time.Millisecond
	roomStep  = 16 << 20
)

// room is the space of the staging disk.
type room struct {
	dir  string
	most int64        // bytes of staged files; 0: as the disk's size says
	used atomic.Int64 // bytes that staged files take on disk

	mu    sync.Mutex
	at    time.Time // of the last look
	then  int64     // used then
	spare int64     // free then, beyond what stays free
}

// left is how many bytes may still be staged.
func (r *room) left() int64 {
	if r.most > 0 {
		return r.most - r.used.Load()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) > roomEvery || r.used.Load()-r.then > roomStep {
		var fs unix.Statfs_t
		if err := unix.Statfs(r.dir, &fs); err != nil {
			return 1 << 62 // the write itself will tell
		}
		block := uint64(fs.Bsize)
		total, free := int64(fs.Blocks*block), int64(fs.Bavail*block)
		keep := min(max(total/keepFreeShare, keepFreeLeast), total/keepFreeMost)
		r.at, r.then, r.spare = time.Now(), r.used.Load(), free-keep
	}
	return r.spare - (r.used.Load() - r.then)
}

// limit is how many bytes may be staged in all.
func (r *room) limit() int64 {
	if r.most > 0 {
		return r.most
	}
	return max(r.used.Load()+r.left(), 0)
}

// makeRoom returns when need bytes can be staged: clean copies go first, then it waits,
// with the uploads hurried, for as long as there are any that can free some, at most for
// Options.StoreTimeout. Then it is ENOSPC. No lock is held.
func (f *FS) makeRoom(ctx context.Context, need int64) error {
	r := &f.st.room
	if r.left() >= need {
		return nil
	}
	f.mu.Lock()
	f.q.urgent++
	f.q.hurry(func(o *op) bool { return !o.slow })
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.q.urgent--
		f.mu.Unlock()
	}()
	tick := time.NewTicker(roomEvery / 4)
	defer tick.Stop()
	for began := time.Now(); ; {
		f.mu.Lock()
		pending := f.q.bytes > 0
		f.evict(f.cleanBytes - max(need, roomStep))
		trash := len(f.garbage) > 0
		f.mu.Unlock()
		if trash {
			if err := f.Sync(f.ctx); err != nil {
				return errno(err)
			}
		}
		r.look()
		if r.left() >= need {
			return nil
		}
		if !pending && !trash || time.Since(began) > f.opt.StoreTimeout {
			return syscall.ENOSPC
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return syscall.EINTR
		case <-f.ctx.Done():
			return syscall.ESHUTDOWN
		}
	}
}

// look has the next left ask the disk.
func (r *room) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = time.Time{}
}

// grown notes what d, which is open, takes on disk now. d.mu is held.
func (r *room) grown(d *dataFile) {
	var st unix.Stat_t
	if unix.Fstat(int(d.file.Fd()), &st) == nil {
		r.used.Add(st.Blocks*512 - d.disk)
		d.disk = st.Blocks * 512
	}
}

// gone notes that d takes nothing any more.
func (r *room) gone(d *dataFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.used.Add(-d.disk)
	d.disk = 0
}
