package upper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/artifacts-tui/artifacts-tui/internal/hostos"
)

const (
	journalName = "journal.log"
	// compactAt is the size at which the journal is rewritten while mounted, where it has
	// doubled since the last time.
	compactAt = 32 << 20
)

// journal is the append-only log of intents. append and replace are called under FS.mu,
// which is what orders the records.
type journal struct {
	path string
	file *os.File
	size int64
	// compacted is the size after the last compaction.
	compacted int64
	// seq of the last record, read without FS.mu by sync.
	seq    atomic.Uint64
	broken error // a partial line that could not be taken back: nothing may follow it
	write  func(f *os.File, b []byte) (int, error)
	// syncDir brings the names in a folder to disk.
	syncDir func(path string) error

	syncing sync.Mutex // never held while FS.mu is taken
	durable uint64     // records up to this one are on disk
	renamed bool       // the log came to its name and the folder could not be synced since: a loss of power may bring the former one back
}

// append writes r with one write(2). When it fails nothing was recorded.
func (j *journal) append(r *record) error {
	if j.broken != nil {
		return j.broken
	}
	r.Seq = j.seq.Load() + 1
	b, err := r.line()
	if err != nil {
		return err
	}
	n, err := j.write(j.file, b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		if n > 0 {
			if terr := j.file.Truncate(j.size); terr != nil {
				j.broken = fmt.Errorf("the journal ends in half a record: %w", errors.Join(errnoOf(err), terr))
			}
		}
		return fmt.Errorf("journal: %w", err)
	}
	j.size += int64(n)
	j.seq.Store(r.Seq)
	return nil
}

// sync brings the records up to seq to disk; calls at the same time share one fdatasync.
func (j *journal) sync(seq uint64) error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.durable >= seq {
		return nil
	}
	last := j.seq.Load()
	if j.renamed {
		if err := j.syncDir(filepath.Dir(j.path)); err != nil {
			return fmt.Errorf("journal: fsync of its folder: %w", err)
		}
		j.renamed = false
	}
	if err := hostos.SyncData(j.file); err != nil {
		return fmt.Errorf("journal: fdatasync: %w", err)
	}
	j.durable = last
	return nil
}

// replace swaps the log for one that holds records alone. Their Seq is set by the caller. On
// failure the old log stays in use; once the new one has its name it is in use whatever else
// fails, and durable at once or with the next sync.
func (j *journal) replace(records []*record) error {
	tmp := j.path + ".new"
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	fail := func(err error) error {
		f.Close()
		os.Remove(tmp)
		return fmt.Errorf("journal: compact: %w", err)
	}
	var buf []byte
	for _, r := range records {
		b, err := r.line()
		if err != nil {
			return fail(err)
		}
		buf = append(buf, b...)
	}
	if n, err := j.write(f, buf); err != nil || n < len(buf) {
		return fail(errors.Join(err, shortWrite(n, len(buf))))
	}
	if err := f.Sync(); err != nil {
		return fail(err)
	}
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if err := os.Rename(tmp, j.path); err != nil {
		return fail(err)
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.size, j.broken = f, int64(len(buf)), nil
	j.seq.Store(records[len(records)-1].Seq)
	if j.renamed = j.syncDir(filepath.Dir(j.path)) != nil; !j.renamed {
		j.durable = j.seq.Load()
	}
	return nil
}

func (j *journal) close() error {
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

func shortWrite(n, want int) error {
	if n < want {
		return io.ErrShortWrite
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
