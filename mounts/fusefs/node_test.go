//go:build linux

package fusefs

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// oneFile is a store with the file f, of which nobody reads.
type oneFile struct{ upper.Remote }

func (oneFile) List(context.Context, string) ([]upper.Object, error) {
	return []upper.Object{{Key: "f", Size: 1, ETag: "1", ModTime: time.Now()}}, nil
}

func (oneFile) Open(context.Context, upper.Object) (upper.Reader, error) {
	return nil, errors.New("not to be read")
}

func (oneFile) Forget(string) {}

func (oneFile) Get(context.Context, string, int64) ([]byte, string, error) {
	return nil, "", upper.ErrNoObject
}

func (oneFile) ReadRange(context.Context, string, string, int64, int64) (io.ReadCloser, error) {
	return nil, upper.ErrNoObject
}

// SPEC C6: as long as the kernel knows a file, the mount does, whatever look-ups race with
// its forgetting the file before; and what the kernel has forgotten the mount forgets.
func TestLookupsRaceForgets(t *testing.T) {
	up, err := upper.Open(upper.Options{Dir: t.TempDir(), Lower: oneFile{}, Remote: oneFile{}, ReadOnly: true, DirTTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	tr := &tree{up: up, log: slog.New(slog.DiscardHandler)}
	raw := fs.NewNodeFS(&node{tree: tr, up: up.Root()}, &fs.Options{RootStableAttr: &fs.StableAttr{Ino: up.Root().Ino()}})
	var lost atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5000 {
				var out fuse.EntryOut
				if status := raw.Lookup(nil, &fuse.InHeader{NodeId: fuse.FUSE_ROOT_ID}, "f", &out); !status.Ok() {
					t.Errorf("lookup: %v", status)
					return
				}
				known, ok := tr.nodes.Load(out.Ino)
				if !ok || known.(*node).Forgotten() { //nolint:staticcheck // no look-up begins here
					lost.Add(1)
				}
				raw.Forget(out.NodeId, 1)
			}
		})
	}
	wg.Wait()
	if n := lost.Load(); n > 0 {
		t.Errorf("the mount did not know the file that the kernel knew %d times", n)
	}
	for deadline := time.Now().Add(20 * time.Second); tr.known.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d nodes stay", tr.known.Load())
		}
	}
}
