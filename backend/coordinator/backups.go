package coordinator

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Backup is the archive of the whole control state, as it is between two changes (SPEC B18).
// It holds every token of the mesh.
func (o *Orchestrator) Backup(ctx context.Context) ([]byte, error) {
	if o.shared == nil {
		if err := o.MendDocuments(ctx); err != nil {
			return nil, err
		}
		return o.backup(ctx)
	}
	for range changeTries {
		before, _, err := o.shared.read(ctx)
		if err != nil {
			return nil, err
		}
		if err := o.Confirm(ctx); err != nil {
			return nil, err
		}
		archive, err := o.backup(ctx)
		if err != nil {
			return nil, err
		}
		after, _, err := o.shared.read(ctx)
		if err != nil {
			return nil, err
		}
		// A change counts when it ends: one that was under way may have been seen by halves.
		if before.Revision == after.Revision && before.Holder == "" && after.Holder == "" {
			return archive, nil
		}
	}
	// They keep changing it: in its turn among the changes.
	var archive []byte
	err := o.changeShared(ctx, func(ctx context.Context, c *control) (err error) {
		archive, err = o.pack(ctx, c)
		return err
	})
	return archive, err
}

// MendDocuments reads every document of the system bucket, and writes those anew that were
// damaged since they were read: memory has what they said. Where several coordinators share the
// store none does that, as another one may know better.
func (o *Orchestrator) MendDocuments(ctx context.Context) error {
	if o.shared != nil {
		return nil
	}
	before := o.Damage() // what memory has of these is what stands in for them
	keys, err := o.state.docs.Keys(ctx, "")
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key == usageKey { // it changes without the lock, and soon
			continue
		}
		o.mu.RLock()
		_, older, err := o.state.docs.Raw(ctx, key)
		o.mu.RUnlock()
		if _, known := before[key]; known || err == nil && !older || errors.Is(err, store.ErrNoSuchKey) {
			continue
		}
		if err != nil && !errors.Is(err, documents.ErrDamaged) {
			return err
		}
		o.mu.Lock()
		rewritten, err := o.state.rewrite(ctx, key)
		o.mu.Unlock()
		if err != nil {
			return err
		}
		if rewritten {
			o.log.Warn("a document of the system bucket was damaged, and was written anew", "document", key)
		}
	}
	return nil
}

func (o *Orchestrator) backup(ctx context.Context) ([]byte, error) {
	o.mu.RLock() // no change until the documents are read
	defer o.mu.RUnlock()
	return o.pack(ctx, o.state)
}

// pack makes the archive of a state that nobody changes meanwhile.
func (o *Orchestrator) pack(ctx context.Context, state *control) ([]byte, error) {
	c := backup.Contents{
		Manifest: backup.Manifest{
			Version: o.version, Buckets: map[string]workspace.Usage{}, Workspaces: map[string]workspace.Usage{},
		},
		Documents: map[string][]byte{},
	}
	c.Manifest.Created, c.Manifest.Coordinator, c.Manifest.Address = o.stamp(), state.mesh.ID, state.mesh.Address
	keys, err := state.docs.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // of c
	reading, readCtx := errgroup.WithContext(ctx)
	reading.SetLimit(loadAtOnce)
	for _, key := range keys {
		reading.Go(func() error {
			raw, older, err := state.docs.Raw(readCtx, key)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, documents.ErrDamaged):
				o.log.Error("a document that is damaged is not in the backup", "document", key)
				c.Manifest.Damaged = append(c.Manifest.Damaged, key)
				return nil
			case err != nil:
				return err
			case older:
				c.Manifest.Older = append(c.Manifest.Older, key)
			}
			c.Documents[key] = raw
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(c.Manifest.Damaged)
	slices.Sort(c.Manifest.Older)
	u, err := o.usageNow(ctx, slices.Collect(maps.Values(state.workspaces)))
	if err != nil {
		return nil, err
	}
	c.Manifest.Buckets, c.Manifest.Workspaces = u.Buckets, u.Workspaces
	return backup.Pack(c)
}

// usageKey is the document that says what buckets and workspaces held when it was written,
// for who restores from a copy of the system bucket.
const usageKey = "usage.json"

// usageRecord is usage.json.
type usageRecord struct {
	At         time.Time                  `json:"at"`
	Buckets    map[string]workspace.Usage `json:"buckets"`    // by name
	Workspaces map[string]workspace.Usage `json:"workspaces"` // managed ones, by id
}

func (o *Orchestrator) usageNow(ctx context.Context, workspaces []workspace.Workspace) (usageRecord, error) {
	u := usageRecord{At: o.stamp(), Buckets: map[string]workspace.Usage{}, Workspaces: map[string]workspace.Usage{}}
	buckets, err := o.store.Buckets(ctx)
	if err != nil {
		return u, err
	}
	for _, b := range buckets {
		if !store.Reserved(b.Name) {
			u.Buckets[b.Name] = workspace.Usage{Bytes: b.Bytes, Objects: b.Objects}
		}
	}
	for _, w := range workspaces {
		if w.Backend == workspace.Managed {
			used, err := prefixUsage(ctx, o.store, w.Bucket, w.Prefix)
			if err != nil {
				return u, err
			}
			used.PartBytes = 0 // parts are no objects: nobody misses them
			u.Workspaces[w.ID] = used
		}
	}
	return u, nil
}

// RecordUsage writes usage.json where it has changed. It is no change that anybody waits for.
func (o *Orchestrator) RecordUsage(ctx context.Context) error {
	o.mu.RLock()
	docs, workspaces := o.state.docs, slices.Collect(maps.Values(o.state.workspaces))
	o.mu.RUnlock()
	u, err := o.usageNow(ctx, workspaces)
	if err != nil {
		return err
	}
	var last usageRecord
	err = docs.Read(ctx, usageKey, &last)
	if err == nil && maps.Equal(last.Buckets, u.Buckets) && maps.Equal(last.Workspaces, u.Workspaces) {
		return nil
	}
	err = docs.Write(ctx, usageKey, u)
	if errors.Is(err, documents.ErrChanged) {
		return nil // by another coordinator, which counted as well
	}
	return err
}

// ReadBackup verifies an archive and returns what it holds.
func ReadBackup(archive []byte) (backup.Contents, error) {
	c, err := backup.Unpack(archive, documents.Valid)
	if err != nil {
		return c, err
	}
	return c, wholeMesh(c)
}

// ReadSyncedBucket reads a folder that a copy of the system bucket is in, as by
// `aws s3 sync s3://_tunnelmesh FOLDER` (SPEC B14, B16). Where a document is damaged its
// former version is taken, and Manifest.Older has it; Manifest.Damaged has those that have none.
func ReadSyncedBucket(dir string) (backup.Contents, error) {
	c := backup.Contents{Documents: map[string][]byte{}}
	former := map[string][]byte{}
	var broken []string
	err := filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !strings.HasSuffix(path, ".json") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		key, whole := filepath.ToSlash(rel), documents.Valid(raw) == nil
		switch of, ok := documents.Former(key); {
		case ok && whole:
			former[of] = raw
		case ok:
		case whole:
			c.Documents[key] = raw
		default:
			broken = append(broken, key)
		}
		return nil
	})
	if err != nil {
		return c, fault.Wrap(fault.Failure, err, "give a folder with a copy of the system bucket", "cannot read %s", dir)
	}
	for key, raw := range former {
		if c.Documents[key] == nil {
			c.Documents[key] = raw
			c.Manifest.Older = append(c.Manifest.Older, key)
		}
	}
	slices.Sort(c.Manifest.Older)
	for _, key := range broken {
		if c.Documents[key] == nil {
			c.Manifest.Damaged = append(c.Manifest.Damaged, key)
		}
	}
	var u usageRecord
	if raw := c.Documents[usageKey]; raw != nil && documents.Data(raw, &u) == nil {
		c.Manifest.Created, c.Manifest.Buckets, c.Manifest.Workspaces = u.At, u.Buckets, u.Workspaces
	}
	return c, wholeMesh(c)
}

func wholeMesh(c backup.Contents) error {
	if c.Documents[meshKey] != nil {
		return nil
	}
	if slices.Contains(c.Manifest.Damaged, meshKey) {
		return fault.New(fault.Failure, "use another backup", "%s in it is damaged: without it there is no coordinator to bring back", meshKey)
	}
	return fault.New(fault.Failure, "give a file that `artifacts-tui coordinator backup` wrote, or a copy of the system bucket",
		"there is no %s in it: it is not the control state of a coordinator", meshKey)
}

// Restore makes a data_dir that holds the control state of a backup and nothing else (SPEC
// B16, B18). It refuses one that is not empty, and leaves nothing half done. All of it is made
// inside of dataDir, which may be a volume, a link to a folder, or in a folder that this user
// cannot write.
func Restore(ctx context.Context, dataDir string, c backup.Contents) (err error) {
	_, err = os.Stat(dataDir)
	made := errors.Is(err, os.ErrNotExist)
	if err := emptyTarget(dataDir); err != nil {
		return err
	}
	unlock, err := lockDataDir(dataDir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := emptyTarget(dataDir); err != nil { // another restore may have come first
		return err
	}
	if made {
		defer func() {
			if err != nil {
				_ = os.Remove(filepath.Join(dataDir, lockFile))
				_ = os.Remove(dataDir)
			}
		}()
	}
	fresh := filepath.Join(dataDir, restoring)
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o700)); err != nil {
		return fault.Wrap(fault.Failure, err, "choose a data_dir that this user can write", "data_dir %s", dataDir)
	}
	defer os.RemoveAll(fresh)
	if err := restoreInto(ctx, fresh, c); err != nil {
		return fault.Wrap(fault.Failure, err, "nothing was restored: make room, or choose another data_dir", "data_dir %s", dataDir)
	}
	return moveUp(fresh, dataDir)
}

// Mended is what MendDocuments did; all are keys of the system bucket, in order.
type Mended struct {
	Restored []string // from the backup
	Lost     []string // damaged, and not in the backup
	Dropped  []string // of those, what was removed
}

// MendDocuments brings back, into the store of a coordinator that does not run, the documents
// that are damaged there and whole in a backup of it, and nothing else. Where a version before
// the damaged one stands in the newer of the two counts. With dropLost the rest is removed, but
// for the coordinator's own record.
func MendDocuments(ctx context.Context, to config.Config, c backup.Contents, dropLost bool) (m Mended, err error) {
	s, end, err := openStopped(ctx, to)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, end()) }()
	docs, err := documents.Open(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return m, err
	}
	var mine, theirs Mesh
	if err := docs.Read(ctx, meshKey, &mine); err == nil && documents.Data(c.Documents[meshKey], &theirs) == nil && mine.ID != theirs.ID {
		return m, fault.New(fault.Conflict, "give a backup of the coordinator whose store this is",
			"the backup is of coordinator %s, and the store of %s", theirs.ID, mine.ID)
	}
	keys, err := docs.Keys(ctx, "")
	if err != nil {
		return m, err
	}
	for _, key := range keys {
		standIn, older, err := docs.Raw(ctx, key)
		lost := errors.Is(err, documents.ErrDamaged)
		if err != nil && !lost {
			return m, err
		}
		kept := c.Documents[key]
		switch {
		case !lost && !older:
		case kept != nil && (lost || documents.Version(kept) > documents.Version(standIn)):
			if err := docs.Restore(ctx, key, kept); err != nil {
				return m, err
			}
			m.Restored = append(m.Restored, key)
		case lost && dropLost && key != meshKey:
			if err := docs.Remove(ctx, key); err != nil {
				return m, err
			}
			m.Dropped = append(m.Dropped, key)
		case lost:
			m.Lost = append(m.Lost, key)
		}
	}
	return m, nil
}

// moveUp moves what is in a folder to the one that it is in, for good. The index comes last:
// without it there is no store.
func moveUp(fresh, dataDir string) error {
	entries, err := os.ReadDir(fresh)
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b os.DirEntry) int {
		last := map[bool]int{true: 1}
		return last[a.Name() == local.IndexFile] - last[b.Name() == local.IndexFile]
	})
	for _, e := range entries {
		if err := os.Rename(filepath.Join(fresh, e.Name()), filepath.Join(dataDir, e.Name())); err != nil {
			return err
		}
	}
	_ = os.Chmod(dataDir, 0o700) // where it is not this user's: what is in it is closed to others anyway
	return errors.Join(atomicfile.SyncDir(dataDir), atomicfile.SyncDir(filepath.Dir(dataDir)))
}

// restoring is the folder in data_dir that a restore works in.
const restoring = ".restoring"

// emptyTarget refuses a folder with anything in it but what is there without a store, or what a
// restore that was killed has left.
func emptyTarget(dataDir string) error {
	entries, err := os.ReadDir(dataDir)
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return slices.Contains([]string{lockFile, restoring, "lost+found"}, e.Name())
	})
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fault.Wrap(fault.Failure, err, "choose another data_dir", "data_dir %s", dataDir)
	case len(entries) > 0:
		return notEmpty(dataDir)
	}
	return nil
}

func notEmpty(dataDir string) error {
	return fault.New(fault.Conflict, "move it away first, or give another --data-dir: a restore never writes over a store", "%s is not empty", dataDir)
}

func restoreInto(ctx context.Context, dir string, c backup.Contents) (err error) {
	s, err := local.Open(local.Options{Dir: dir, Idle: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	docs, err := documents.Open(ctx, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	writing, writeCtx := errgroup.WithContext(ctx)
	writing.SetLimit(loadAtOnce)
	for key, raw := range c.Documents {
		writing.Go(func() error { return docs.Restore(writeCtx, key, raw) })
	}
	if err := writing.Wait(); err != nil {
		return err
	}
	control, err := loadControl(ctx, docs)
	if err != nil {
		return err
	}
	return control.remember(ctx, c.Manifest)
}

// remember notes what a backup knew of the data, so that what is not there is reported and
// not silently empty.
func (c *control) remember(ctx context.Context, m backup.Manifest) error {
	mesh := c.mesh
	mesh.Restored = m.Created
	if err := c.putMesh(ctx, mesh); err != nil {
		return err
	}
	for name, u := range m.Buckets {
		b, ok := c.buckets[name]
		if !ok || u.Objects == 0 {
			continue
		}
		b.Known = &workspace.Known{Usage: u, At: m.Created}
		if err := c.putBucket(ctx, b); err != nil {
			return err
		}
	}
	for id, u := range m.Workspaces {
		w, ok := c.workspaces[id]
		if !ok || u.Objects == 0 {
			continue
		}
		w.Known = &workspace.Known{Usage: u, At: m.Created}
		if err := c.putWorkspace(ctx, w); err != nil {
			return err
		}
	}
	return nil
}
