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
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Backup is the archive of the whole control state, as it is between two changes (SPEC B18).
// It holds every token of the mesh.
func (o *Orchestrator) Backup(ctx context.Context) ([]byte, error) {
	if o.shared == nil {
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
	return nil, fault.New(fault.Conflict, "try it again", "other coordinators keep changing the control state")
}

func (o *Orchestrator) backup(ctx context.Context) ([]byte, error) {
	c := backup.Contents{
		Manifest: backup.Manifest{
			Version: o.version, Buckets: map[string]workspace.Usage{}, Workspaces: map[string]workspace.Usage{},
		},
		Documents: map[string][]byte{},
	}
	o.mu.RLock() // no change until the documents are read
	defer o.mu.RUnlock()
	c.Manifest.Created, c.Manifest.Coordinator, c.Manifest.Address = o.stamp(), o.state.mesh.ID, o.state.mesh.Address
	keys, err := o.state.docs.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		raw, err := o.state.docs.Raw(ctx, key)
		if errors.Is(err, documents.ErrDamaged) {
			o.log.Error("a document that is damaged is not in the backup", "document", key)
			c.Manifest.Damaged = append(c.Manifest.Damaged, key)
			continue
		}
		if err != nil {
			return nil, err
		}
		c.Documents[key] = raw
	}
	u, err := o.usageNow(ctx, slices.Collect(maps.Values(o.state.workspaces)))
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
// former version is taken; Manifest.Damaged has those that have none.
func ReadSyncedBucket(dir string) (backup.Contents, error) {
	c := backup.Contents{Documents: map[string][]byte{}}
	former := map[string][]byte{}
	var broken []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
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
		}
	}
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
	return fault.New(fault.Failure, "give a file that `artifacts-tui coordinator backup` wrote, or a copy of the system bucket",
		"there is no %s in it: it is not the control state of a coordinator", meshKey)
}

// Restore makes a data_dir that holds the control state of a backup and nothing else (SPEC
// B16, B18). It refuses one that is not empty, and leaves nothing half done.
func Restore(ctx context.Context, dataDir string, c backup.Contents) (err error) {
	if err := emptyTarget(dataDir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dataDir), 0o700); err != nil {
		return fault.Wrap(fault.Failure, err, "choose a data_dir that this user can write", "data_dir %s", dataDir)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dataDir), filepath.Base(dataDir)+".restoring-*")
	if err != nil {
		return fault.Wrap(fault.Failure, err, "choose a data_dir that this user can write", "data_dir %s", dataDir)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(fresh)
		}
	}()
	if err := restoreInto(ctx, fresh, c); err != nil {
		return err
	}
	// An empty folder gives way to the new one; one that has got something meanwhile does not.
	if err := os.Remove(dataDir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return notEmpty(dataDir)
	}
	return os.Rename(fresh, dataDir)
}

func emptyTarget(dataDir string) error {
	entries, err := os.ReadDir(dataDir)
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
	for key, raw := range c.Documents {
		if err := docs.Restore(ctx, key, raw); err != nil {
			return err
		}
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
