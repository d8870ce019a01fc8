package coordinator_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// overwrite puts other bytes at a key of the system bucket, as damage would.
func (m *mesh) overwrite(t *testing.T, key, text string) {
	t.Helper()
	m.putText(t, coordinator.SystemBucket, key, text)
}

func (m *mesh) managed(t *testing.T, name string) workspace.Workspace {
	t.Helper()
	w, err := m.CreateWorkspace(t.Context(), coordinator.CreateWorkspace{Name: name, Backend: workspace.Managed, Quota: 1 << 20}, "")
	if err != nil {
		t.Fatal(err)
	}
	m.putText(t, w.Bucket, w.Prefix+"file", "closed long ago")
	return w
}

// SPEC B15, C22: the version before a damaged record may say that a workspace is deleted which
// was brought back since. Its objects are not purged for that, and it can be brought back again.
func TestDamageDestroysNothing(t *testing.T) {
	ctx, m := t.Context(), newMesh(t)
	w := m.managed(t, "notes")
	if _, err := m.DeleteWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.RestoreWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	m.overwrite(t, "workspaces/"+w.ID+".json", "{}")
	m.time = m.time.Add(10 * 365 * 24 * time.Hour)
	m.restart(t)
	if _, err := m.DeletedWorkspace("notes", func(workspace.Workspace) bool { return true }); err != nil || len(m.Damage()) != 1 {
		t.Fatalf("the test is not in the state that it is about: %v, damage %v", err, m.Damage())
	}
	if n, err := m.PurgeExpired(ctx); n != 0 || err != nil {
		t.Errorf("%d were purged, %v", n, err)
	}
	if _, err := m.store.Head(ctx, w.Bucket, w.Prefix+"file"); err != nil {
		t.Error(err)
	}
	if again, err := m.RestoreWorkspace(ctx, "notes"); err != nil || again.State != workspace.Active || len(m.Damage()) != 0 {
		t.Errorf("%+v, %v, damage %v", again, err, m.Damage())
	}
}

// SPEC B15, B29: the version before a workspace's first whole one says pending_format. Its place
// is there: it is active, and deleting it is no end of its objects.
func TestDamageOfANewWorkspace(t *testing.T) {
	ctx, m := t.Context(), newMesh(t)
	w := m.managed(t, "notes")
	m.overwrite(t, "workspaces/"+w.ID+".json", "")
	m.restart(t)
	if got, err := m.Workspace(ctx, "notes", true); err != nil || got.State != workspace.Active || got.Quota != 1<<20 || got.Usage.Objects != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := m.DeleteWorkspace(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.RestoreWorkspace(ctx, "notes"); err != nil {
		t.Error(err)
	}
}

// SPEC B15, B18: a backup says which documents are in it as they were before their last change.
func TestBackupSaysWhatIsOlder(t *testing.T) {
	ctx, m := t.Context(), newMesh(t)
	p := m.peer(t, "ci")
	if _, err := m.RotatePeer(ctx, p.ID, nil); err != nil {
		t.Fatal(err)
	}
	key := "peers/" + p.ID + ".json"
	m.overwrite(t, key, "rotten")
	m.restart(t)
	archive, err := m.Backup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c, err := coordinator.ReadBackup(archive)
	if err != nil || !slices.Equal(c.Manifest.Older, []string{key}) || len(c.Manifest.Damaged) != 0 || !bytes.Contains(c.Documents[key], []byte(p.Token)) {
		t.Errorf("older %v, damaged %v, %v", c.Manifest.Older, c.Manifest.Damaged, err)
	}

	synced := t.TempDir()
	for key, raw := range c.Documents {
		for _, name := range []string{key, "former/" + key} {
			path := filepath.Join(synced, filepath.FromSlash(name))
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, raw, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Symlink(synced, link), os.WriteFile(filepath.Join(synced, filepath.FromSlash(key)), []byte("rotten"), 0o600)); err != nil {
		t.Fatal(err)
	}
	c, err = coordinator.ReadSyncedBucket(link)
	if err != nil || !slices.Equal(c.Manifest.Older, []string{key}) || c.Documents[key] == nil {
		t.Errorf("of a copy of the bucket: older %v, %v", c.Manifest.Older, err)
	}
}

// fullDisk are blobs on a disk that others have filled, or not.
type fullDisk struct {
	store.Blobs
	full atomic.Bool
}

func (f *fullDisk) Create(ctx context.Context, size int64) (store.BlobWriter, error) {
	if f.full.Load() {
		return nil, &os.PathError{Op: "write", Path: "blob", Err: syscall.ENOSPC}
	}
	return f.Blobs.Create(ctx, size)
}

func (f *fullDisk) open(t *testing.T, folder string) *store.Store {
	t.Helper()
	index, err := bolt.Open(filepath.Join(folder, local.IndexFile), 0)
	if err != nil {
		t.Fatal(err)
	}
	if f.Blobs, err = dir.Open(folder); err != nil {
		t.Fatal(err)
	}
	return store.New(index, f, store.Options{Reserve: 1 << 20, Disk: func() (int64, error) {
		if f.full.Load() {
			return 0, nil
		}
		return 1 << 40, nil
	}})
}

// SPEC B15: a coordinator on a disk that others have filled starts, serves what is there, says
// what is wrong, and does the rest at the next start. What it could not record is not there.
func TestFullDisk(t *testing.T) {
	ctx, f, folder := t.Context(), &fullDisk{}, t.TempDir()
	start := func() (*store.Store, *coordinator.Orchestrator) {
		s := f.open(t, folder)
		o, err := coordinator.NewOrchestrator(ctx, s, coordinator.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s, o
	}
	// A new store is another matter: a coordinator without an id is none.
	f.full.Store(true)
	s := f.open(t, folder)
	if _, err := coordinator.NewOrchestrator(ctx, s, coordinator.Options{}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a first start: %v", err)
	}
	f.full.Store(false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, o := start()
	p, err := o.AddPeer(ctx, coordinator.AddPeer{Name: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	if st, err := coordinator.StorageOf(ctx, o, folder); err != nil || st.Warnings == nil || len(st.Warnings) != 0 {
		t.Errorf("with room: %+v, %v", st.Warnings, err)
	}
	f.full.Store(true)
	if _, err := o.NewBucket(ctx, coordinator.NewBucket{Name: "half"}, ""); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a bucket without a record: %v", err)
	}
	if _, err := o.Bucket(ctx, "half"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a bucket whose making was refused: %v", err)
	}
	// As a crash between the two would leave one.
	if err := s.CreateBucket(ctx, "undone", store.CreateBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, o = start()
	if _, present, err := o.AccessKey(ctx, p.ID); err != nil || present != p.Token {
		t.Errorf("a peer of a full disk: %v", err)
	}
	r, err := s.Get(ctx, coordinator.SystemBucket, "peers/"+p.ID+".json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
	_ = r.Close()
	st, err := coordinator.StorageOf(ctx, o, folder)
	if err != nil || len(st.Warnings) != 1 || st.Warnings[0].Kind != "disk" {
		t.Errorf("warnings %+v, %v", st.Warnings, err)
	}
	f.full.Store(false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s, _ = start()
	defer s.Close()
	if text := record(t, s, "buckets/undone.json"); !strings.Contains(text, "undone") {
		t.Errorf("after the next start the record is %q", text)
	}
}

// SPEC B16, B18: a restore is into any empty folder: a link to one, one whose parent folder
// others own. Of two at a time one does it, and what fails leaves nothing.
func TestRestoreInPlace(t *testing.T) {
	ctx, m := t.Context(), newMesh(t)
	m.peer(t, "anna")
	archive, err := m.Backup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c, err := coordinator.ReadBackup(archive)
	if err != nil {
		t.Fatal(err)
	}
	where, link := filepath.Join(t.TempDir(), "disk"), filepath.Join(t.TempDir(), "data")
	killed := filepath.Join(where, ".restoring", "packs") // as a restore that was killed leaves it
	if err := errors.Join(os.MkdirAll(filepath.Join(where, "lost+found"), 0o755), os.MkdirAll(killed, 0o700), os.Symlink(where, link)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	const tries = 4
	for range tries {
		go func() { done <- coordinator.Restore(ctx, link, c) }()
	}
	restored := 0
	for range tries {
		switch err := <-done; {
		case err == nil:
			restored++
		case !fault.Is(err, fault.Conflict):
			t.Error(err)
		}
	}
	if info, err := os.Lstat(link); restored != 1 || err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%d restored; the link is %v, %v", restored, info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(where, ".restoring*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	s := openStore(t, where)
	defer s.Close()
	o, err := coordinator.NewOrchestrator(ctx, s, coordinator.Options{})
	if err != nil || o.Mesh().ID != m.Mesh().ID || len(o.Peers()) != 1 {
		t.Errorf("%v, %v", o.Peers(), err)
	}

	bad := backup.Contents{Documents: map[string][]byte{"mesh.json": []byte("{}")}}
	never := filepath.Join(t.TempDir(), "never")
	if err := coordinator.Restore(ctx, never, bad); err == nil {
		t.Error("a document that is none was restored")
	}
	if _, err := os.Stat(never); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left %s: %v", never, err)
	}
}

// SPEC B15, B16: what a backup has of damaged documents comes back into the store that they are
// in, its objects untouched; nothing else of the backup does. The rest can be given up.
func TestMendDocuments(t *testing.T) {
	ctx, m := t.Context(), newMesh(t)
	w := m.managed(t, "notes")
	anna, ci, gone := m.peer(t, "anna"), m.peer(t, "ci"), m.peer(t, "gone")
	rotate := func(id string) string {
		none := time.Duration(0)
		p, err := m.RotatePeer(ctx, id, &none)
		if err != nil {
			t.Fatal(err)
		}
		return p.Token
	}
	ciToken := rotate(ci.ID)
	archive, err := m.Backup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.RemovePeer(ctx, gone.ID); err != nil {
		t.Fatal(err)
	}
	whole, late := m.peer(t, "whole"), m.peer(t, "late")
	wholeToken := rotate(whole.ID)
	for _, key := range []string{"mesh.json", "former/mesh.json", "peers/" + anna.ID + ".json", "peers/" + ci.ID + ".json", "peers/" + late.ID + ".json"} {
		m.overwrite(t, key, "rotten")
	}
	c, err := coordinator.ReadBackup(archive)
	if err != nil {
		t.Fatal(err)
	}
	to := config.Default()
	to.S3.DataDir = m.dir
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	mended, err := coordinator.MendDocuments(ctx, to, c, false)
	want := []string{"mesh.json", "peers/" + anna.ID + ".json", "peers/" + ci.ID + ".json"}
	if err != nil || !slices.Equal(mended.Restored, want) || !slices.Equal(mended.Lost, []string{"peers/" + late.ID + ".json"}) || mended.Dropped != nil {
		t.Fatalf("%+v, %v", mended, err)
	}
	m.open(t)
	for id, token := range map[string]string{anna.ID: anna.Token, ci.ID: ciToken, whole.ID: wholeToken} {
		if !m.signs(t, id, token) {
			t.Errorf("the token of %s is not what it was", id)
		}
	}
	if m.signs(t, gone.ID, gone.Token) {
		t.Error("a peer that was removed after the backup is back")
	}
	if _, err := m.store.Head(ctx, w.Bucket, w.Prefix+"file"); err != nil {
		t.Error(err)
	}
	// Who is lost keeps what belongs to it: another backup may have it. Until it is given up.
	bindings := func() int {
		return len(slices.DeleteFunc(m.Bindings(), func(b coordinator.Binding) bool { return b.Peer != late.ID }))
	}
	if _, err := m.RemovePeer(ctx, ci.ID); err != nil || bindings() != 1 || len(m.Damage()) != 1 {
		t.Errorf("%v, %d bindings of the lost peer, damage %v", err, bindings(), m.Damage())
	}
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	if mended, err = coordinator.MendDocuments(ctx, to, c, true); err != nil || len(mended.Dropped) != 1 || len(mended.Restored)+len(mended.Lost) != 0 {
		t.Errorf("%+v, %v", mended, err)
	}
	m.open(t)
	if len(m.Damage()) != 0 || bindings() != 0 {
		t.Errorf("damage %v, %d bindings", m.Damage(), bindings())
	}

	other := newMesh(t)
	if archive, err = other.Backup(ctx); err != nil {
		t.Fatal(err)
	}
	if c, err = coordinator.ReadBackup(archive); err != nil {
		t.Fatal(err)
	}
	_ = m.store.Close()
	if _, err := coordinator.MendDocuments(ctx, to, c, true); !fault.Is(err, fault.Conflict) {
		t.Errorf("with another coordinator's backup: %v", err)
	}
	m.open(t)
}

// SPEC C27, D6: the pair of a share whose record is damaged stays, for when the record is brought back.
func TestDamagedShareKeepsItsPair(t *testing.T) {
	ctx, m := t.Context(), newMesh(t)
	if err := m.CreateBucket(ctx, "team", store.CreateBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	share, err := m.CreateShare(ctx, coordinator.NewShare{Name: "release", Bucket: "team"}, "")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := m.Backup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m.overwrite(t, "shares/release.json", "rotten")
	m.restart(t)
	if len(m.Damage()) != 1 {
		t.Fatalf("damage %v", m.Damage())
	}
	c, err := coordinator.ReadBackup(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	to := config.Default()
	to.S3.DataDir = m.dir
	if mended, err := coordinator.MendDocuments(ctx, to, c, false); err != nil || !slices.Equal(mended.Restored, []string{"shares/release.json"}) {
		t.Fatalf("%+v, %v", mended, err)
	}
	m.open(t)
	if _, secret, err := m.AccessKey(ctx, share.AccessKeyID); err != nil || secret != share.SecretAccessKey {
		t.Errorf("the share is back, and its pair opens nothing: %v", err)
	}
}

// SPEC B15, B18: documents that rot while the coordinator runs are written anew, from what it
// knows: before a backup is taken, and now and then.
func TestDamageWhileRunning(t *testing.T) {
	ctx, m := t.Context(), newMesh(t)
	p := m.peer(t, "anna", authn.Grant{Role: authn.RoleAdmin})
	w := m.managed(t, "notes")
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "team", Quota: 5}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.OpenSession(ctx, "notes", "", false); err != nil {
		t.Fatal(err)
	}
	if _, err := m.CreateShare(ctx, coordinator.NewShare{Name: "guests", Bucket: "team"}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := coordinator.OwnCertificate(ctx, m.Orchestrator, "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	archive, err := m.Backup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before, err := coordinator.ReadBackup(archive)
	if err != nil {
		t.Fatal(err)
	}
	packs, err := filepath.Glob(filepath.Join(m.dir, "packs", "*"))
	for _, name := range packs {
		raw, readErr := os.ReadFile(name)
		err = errors.Join(err, readErr, os.WriteFile(name, bytes.ReplaceAll(raw, []byte(`{"format":`), []byte(`{"rotten":`)), 0o600))
	}
	if err != nil || len(packs) == 0 {
		t.Fatal(packs, err)
	}
	if archive, err = m.Backup(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := coordinator.ReadBackup(archive)
	if err != nil || len(after.Manifest.Damaged) != 0 || len(after.Manifest.Older) != 0 || len(after.Documents) != len(before.Documents) || len(m.Damage()) != 0 {
		t.Fatalf("%d of %d documents, damaged %v, older %v, %v; reported: %v", len(after.Documents), len(before.Documents),
			after.Manifest.Damaged, after.Manifest.Older, err, m.Damage())
	}
	key := func(c backup.Contents) (own struct {
		Key string `json:"key"`
	},
	) {
		if err := documents.Data(c.Documents["tls.json"], &own); err != nil || own.Key == "" {
			t.Errorf("the certificate's key is not there: %v", err)
		}
		return own
	}
	if key(before) != key(after) {
		t.Error("the certificate has another key")
	}
	m.restart(t)
	if got, err := m.Workspace(ctx, "notes", true); !m.signs(t, p.ID, p.Token) || err != nil || got.ID != w.ID || len(m.Damage()) != 0 {
		t.Errorf("%+v, %v, damage %v", got, err, m.Damage())
	}
}
