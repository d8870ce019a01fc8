package upper

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/hostos"
)

// FS is the write path of one mount.
type FS struct {
	opt  Options
	name string // of this staging folder, unlike any other
	log  *slog.Logger
	lock *os.File
	st   *staging

	mu       sync.Mutex
	root     *Node
	lastIno  uint64
	tick     uint64            // logical time: of listings and of ends of operations
	listings map[uint64]uint64 // listings under way, by number: the tick they started at
	linger   []string          // keys whose state a listing under way may need
	leans    map[string]map[*Node]struct{}
	q        *queue
	j        *journal
	late     bool // a listing is, or was, waited for in vain
	closed   bool
	noPatch  bool // the store does not copy parts
	handles  int

	logged     map[*dataFile]string // files with bytes that no close covers, as journalled: paths
	garbage    []garbage            // data files to remove once the journal says so durably
	finished   []finishedVersion    // uploaded versions whose done record is not durable yet
	unrecorded map[*Node]struct{}   // changed, closed, and the journal refused: tried again
	gone       []string             // for the next record
	synced     uint64               // records up to this one are on disk, with their bytes
	quiet      uint64               // nothing is worth a sync while this is the last record
	cleanNodes *list.List           // of *Node, least recently used first
	cleanBytes int64
	conflicts  []Conflict
	events     []event
	onChange   func(n *Node, entry bool)
	own        ownWrites
	heard      []News // kept back
	rehearing  bool

	bytesRead, bytesWritten, uploadedBytes atomic.Int64
	progress                               progress

	ctx     context.Context // ends with Close: stops reads and waits, never a change of the store
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	notices chan struct{}
	syncMu  sync.Mutex
}

type garbage struct {
	data *dataFile
	seq  uint64
}

type finishedVersion struct {
	v   *version
	seq uint64 // of the done record
}

type event struct {
	node  *Node
	entry bool
}

const (
	defaultWriteBack  = 300 * time.Millisecond
	defaultDirTTL     = 30 * time.Second
	defaultStoreWait  = 30 * time.Second
	defaultCleanBytes = 1 << 30
)

func (opt *Options) fill() error {
	if opt.WriteBack == 0 {
		opt.WriteBack = defaultWriteBack
	}
	if opt.PatchFrom <= 0 {
		opt.PatchFrom = defaultPatchFrom
	}
	if opt.partLeast <= 0 {
		opt.partLeast = partLeast
	}
	if opt.SyncOnClose {
		opt.WriteBack = 0
	}
	opt.WriteBack = max(opt.WriteBack, 0)
	if opt.StoreTimeout <= 0 {
		opt.StoreTimeout = defaultStoreWait
	}
	if opt.DirTTL <= 0 {
		opt.DirTTL = defaultDirTTL
	}
	if opt.CleanBytes == 0 {
		opt.CleanBytes = defaultCleanBytes
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.BootID == "" {
		id, err := hostos.BootID()
		if err != nil {
			return err
		}
		opt.BootID = id
	}
	return nil
}

// Open takes the staging folder's lock and rolls forward what its journal holds. It does
// not ask the store anything. A second Open of one folder is a fault.Conflict.
func Open(opt Options) (*FS, error) {
	if err := opt.fill(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(opt.Dir, "data"), 0o700); err != nil {
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	lock, err := takeLock(filepath.Join(opt.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &FS{
		opt: opt, log: opt.Log, lock: lock, st: newStaging(opt.Dir, opt.StagingMax),
		listings: map[uint64]uint64{}, logged: map[*dataFile]string{}, leans: map[string]map[*Node]struct{}{}, q: newQueue(opt.Uploads),
		unrecorded: map[*Node]struct{}{}, cleanNodes: list.New(), notices: make(chan struct{}, 1),
		ctx: ctx, cancel: cancel, tick: 1,
	}
	f.opt.Remote = noting{opt.Remote, &f.own}
	f.root = f.newNode(nil, "", Dir)
	if f.name, err = ownName(filepath.Join(opt.Dir, "name")); err == nil {
		err = f.recover()
	}
	if err != nil {
		cancel()
		lock.Close()
		return nil, fmt.Errorf("staging folder %s: %w", opt.Dir, err)
	}
	f.wg.Add(3)
	go f.dispatch()
	go f.keepSynced()
	go f.notify()
	return f, nil
}

// ownName is what tells this staging folder's uploads from all others. It is made once.
func ownName(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) == 16 {
		return string(b), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	name := fmt.Sprintf("%016x", rand.Uint64())
	return name, os.WriteFile(path, []byte(name), 0o600)
}

// takeLock holds the staging folder for as long as the file is open.
func takeLock(path string) (*os.File, error) {
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("staging folder: %w", err)
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return lock, nil
	}
	lock.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fault.New(fault.Conflict, "find it with 'artifacts mount list' and unmount it first",
			"the workspace is mounted by another process: %s is locked", path)
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// Root is the directory that the mount shows.
func (f *FS) Root() *Node { return f.root }

// OnChange sets what is called when content changed from elsewhere (entry false) or an
// entry is gone, or is to be looked up again (entry true). It is called from a goroutine of its own, with no lock held.
func (f *FS) OnChange(fn func(n *Node, entry bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onChange = fn
}

// tell queues a call of OnChange's function. FS.mu is held.
func (f *FS) tell(n *Node, entry bool) {
	if f.onChange == nil {
		return
	}
	f.events = append(f.events, event{n, entry})
	select {
	case f.notices <- struct{}{}:
	default:
	}
}

func (f *FS) notify() {
	defer f.wg.Done()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.notices:
		}
		f.mu.Lock()
		events, fn := f.events, f.onChange
		f.events = nil
		f.mu.Unlock()
		for _, e := range events {
			fn(e.node, e.entry)
		}
	}
}

func (f *FS) newNode(parent *Node, name string, kind Kind) *Node {
	f.lastIno++
	now := time.Now().UnixNano()
	n := &Node{
		fs: f, ino: f.lastIno, kind: kind, name: name, parent: parent,
		attrs: attrs{mode: usualMode(kind), uid: f.opt.UID, gid: f.opt.GID, mtime: now}, atime: now, ctime: now,
	}
	if kind == Dir {
		n.dir = &dirState{children: map[string]*Node{}}
	}
	return n
}

// inherit gives what is made in a set-group-ID directory that directory's group, and to a
// directory the bit.
func (n *Node) inherit(dir *Node) {
	if dir.mode&0o2000 == 0 {
		return
	}
	n.gid = dir.gid
	if n.kind == Dir {
		n.mode |= 0o2000
	}
}

// writable reports why nothing may change, or nil.
func (f *FS) writable() error {
	if f.opt.ReadOnly {
		return syscall.EROFS
	}
	return nil
}

// Close stops after the requests that run, closes the journal and gives the folder free.
// What is pending stays on disk.
func (f *FS) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	f.cancel()
	f.wg.Wait()
	err := f.Sync(context.Background())
	f.mu.Lock()
	defer f.mu.Unlock()
	if cerr := f.j.close(); err == nil {
		err = cerr
	}
	if cerr := f.lock.Close(); err == nil {
		err = cerr
	}
	return err
}
