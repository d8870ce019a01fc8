package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// engines are an index and blobs that several stores in this process have open.
type engines struct {
	index *bolt.Index
	blobs *dir.Blobs
}

// sharedIndex is one store's way to the index, which can be cut, and counts.
type sharedIndex struct {
	store.Index
	cut   atomic.Bool
	heads atomic.Int64 // times that the register was looked at
}

var errCut = errors.New("the index does not answer")

func (x *sharedIndex) Object(ctx context.Context, bucket, key string) (store.Object, error) {
	if x.cut.Load() {
		return store.Object{}, errCut
	}
	if key == coordinator.Register {
		x.heads.Add(1)
	}
	return x.Index.Object(ctx, bucket, key)
}

func (*sharedIndex) Close() error { return nil }

type sharedBlobs struct{ store.Blobs }

func (sharedBlobs) Close() error { return nil }

func newEngines(t *testing.T) *engines {
	t.Helper()
	root := t.TempDir()
	index, err := bolt.Open(filepath.Join(root, "index.db"), 0)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := dir.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = index.Close(), blobs.Close() })
	return &engines{index, blobs}
}

// one is one of several coordinators.
type one struct {
	*coordinator.Orchestrator
	store *store.Store
	index *sharedIndex
}

func (e *engines) coordinator(t *testing.T) *one {
	t.Helper()
	o := &one{index: &sharedIndex{Index: e.index}}
	o.store = store.New(o.index, sharedBlobs{e.blobs}, store.Options{Idle: true})
	t.Cleanup(func() { _ = o.store.Close() })
	var err error
	o.Orchestrator, err = coordinator.NewOrchestrator(t.Context(), o.store, coordinator.Options{Shared: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func three(t *testing.T) []*one {
	t.Helper()
	e := newEngines(t)
	return []*one{e.coordinator(t), e.coordinator(t), e.coordinator(t)}
}

// SPEC B8, B31: what one coordinator has answered, all of them go by: a new peer's token works,
// a role that was taken away allows nothing, a rotated token is over and a removed peer is refused.
func TestAnsweredIsInForceEverywhere(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx := t.Context()
	if a, b := all[0].Mesh(), all[2].Mesh(); a.ID == "" || a.ID != b.ID {
		t.Fatalf("one mesh is %q and %q", a.ID, b.ID)
	}
	for round := range 4 {
		at, other := all[round%3], all[(round+1)%3]
		p, err := at.AddPeer(ctx, coordinator.AddPeer{Name: fmt.Sprintf("ci-%d", round), Grants: []authn.Grant{{Role: authn.RoleBucketRead, Bucket: "team"}}})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := other.Token(ctx, p.Token); err != nil || !authz.Allowed(id, authz.Read, "team", "k") {
			t.Errorf("round %d: added on one, on another: %v", round, err)
		}
		zero := time.Duration(0)
		rotated, err := other.RotatePeer(ctx, p.ID, &zero)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := at.Token(ctx, p.Token); !errors.Is(err, authn.ErrUnknown) {
			t.Errorf("round %d: the rotated token: %v", round, err)
		}
		info, err := other.Peer(p.ID)
		if err != nil || len(info.Bindings) != 1 {
			t.Fatalf("%v %v", info, err)
		}
		if _, err := other.Unbind(ctx, info.Bindings[0].ID); err != nil {
			t.Fatal(err)
		}
		if id, err := at.Token(ctx, rotated.Token); err != nil || authz.Allowed(id, authz.Read, "team", "k") {
			t.Errorf("round %d: the role that was taken away still allows, or: %v", round, err)
		}
		if _, err := at.RemovePeer(ctx, p.ID); err != nil {
			t.Fatal(err)
		}
		for i, o := range all {
			if _, _, err := o.AccessKey(ctx, p.ID); !errors.Is(err, authn.ErrUnknown) {
				t.Errorf("round %d: coordinator %d on a removed peer: %v", round, i, err)
			}
		}
	}
}

// SPEC B8, B31: a coordinator that cannot ask what is in force refuses everybody, in a way that
// clients try again, and goes by it again as soon as it can.
func TestUnconfirmedRefuses(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx := t.Context()
	removed, err := all[0].AddPeer(ctx, coordinator.AddPeer{Name: "removed"})
	if err != nil {
		t.Fatal(err)
	}
	stays, err := all[0].AddPeer(ctx, coordinator.AddPeer{Name: "stays"})
	if err != nil {
		t.Fatal(err)
	}
	cut := all[1]
	if _, err := cut.Token(ctx, removed.Token); err != nil {
		t.Fatal(err)
	}
	cut.index.cut.Store(true)
	if _, err := all[0].RemovePeer(ctx, removed.ID); err != nil {
		t.Fatal(err)
	}
	// That was answered: nobody may go by what was before.
	for what, err := range map[string]error{
		"a token": second(cut.Token(ctx, stays.Token)), "a key": third(cut.AccessKey(ctx, stays.ID)), "a removed peer": third(cut.AccessKey(ctx, removed.ID)),
	} {
		var refusal *authn.Error
		if !errors.As(err, &refusal) || refusal.Status != http.StatusServiceUnavailable {
			t.Errorf("%s is answered with %v", what, err)
		}
	}
	if err := cut.Confirm(ctx); !fault.Is(err, fault.Unreachable) {
		t.Errorf("Confirm: %v", err)
	}
	cut.index.cut.Store(false)
	if _, err := cut.Token(ctx, stays.Token); err != nil {
		t.Errorf("once it answers: %v", err)
	}
	if _, err := cut.Token(ctx, removed.Token); !errors.Is(err, authn.ErrUnknown) {
		t.Errorf("the removed peer: %v", err)
	}
}

// SPEC B31: a coordinator that was cut off while its store was moved away serves it no more.
func TestAMovedStoreIsNotServed(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx := t.Context()
	p, err := all[0].AddPeer(ctx, coordinator.AddPeer{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.MarkMoved.Set(ctx, all[0].index.Index, "elsewhere"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for all[1].Confirm(ctx) == nil && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	var refusal *authn.Error
	if _, err := all[1].Token(ctx, p.Token); !errors.As(err, &refusal) || refusal.Status != http.StatusServiceUnavailable {
		t.Errorf("a token of a store that was moved: %v", err)
	}
	if err := all[1].Confirm(ctx); !fault.Is(err, fault.Unreachable) || !strings.Contains(err.Error(), "was moved to elsewhere") {
		t.Errorf("Confirm: %v", err)
	}
	if err := store.MarkMoved.Drop(ctx, all[0].index.Index); err != nil {
		t.Fatal(err)
	}
	if _, err := all[1].Token(ctx, p.Token); err != nil {
		t.Errorf("once it was taken back: %v", err)
	}
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

// SPEC B31: what may be there once is there once, whichever coordinators are asked at a time.
func TestCoordinatorsTakeTurns(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx := t.Context()
	const each = 4
	var wg sync.WaitGroup
	var made atomic.Int64
	errs := make(chan error, 100)
	for i := range each * len(all) {
		o := all[i%len(all)]
		wg.Go(func() { // one name for all
			_, err := o.CreateWorkspace(ctx, coordinator.CreateWorkspace{Name: "notes", Backend: workspace.Managed}, "somebody-"+fmt.Sprint(i))
			if err == nil {
				made.Add(1)
			} else if !fault.Is(err, fault.Conflict) {
				errs <- err
			}
		})
		wg.Go(func() { // each its own
			if _, err := o.NewBucket(ctx, coordinator.NewBucket{Name: fmt.Sprintf("bucket-%d", i)}, ""); err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if made.Load() != 1 {
		t.Errorf("a workspace was made %d times", made.Load())
	}
	for i, o := range all {
		if err := o.Confirm(ctx); err != nil {
			t.Fatal(err)
		}
		list, err := o.Workspaces(ctx, coordinator.Present, false)
		if err != nil || len(list) != 1 {
			t.Errorf("coordinator %d knows %d workspaces, %v", i, len(list), err)
		}
		buckets, err := o.Buckets(ctx)
		if err != nil || len(buckets) != each*len(all)+2 { // _managed, _tunnelmesh
			t.Errorf("coordinator %d knows %d buckets, %v", i, len(buckets), err)
		}
	}
	// Two admins take the role from each other: one stays.
	var bindings []string
	for _, name := range []string{"anna", "berta"} {
		p, err := all[0].AddPeer(ctx, coordinator.AddPeer{Name: name, Grants: []authn.Grant{{Role: authn.RoleAdmin}}})
		if err != nil {
			t.Fatal(err)
		}
		info, err := all[0].Peer(p.ID)
		if err != nil {
			t.Fatal(err)
		}
		bindings = append(bindings, info.Bindings[0].ID)
	}
	results := make([]error, 2)
	for i, b := range bindings {
		wg.Go(func() { _, results[i] = all[i+1].Unbind(ctx, b) })
	}
	wg.Wait()
	if ok := slices.Index(results, nil); ok < 0 || !fault.Is(results[1-ok], fault.Conflict) {
		t.Errorf("two admins take the role from each other: %v", results)
	}
}

// SPEC B31: a coordinator that is killed in the midst of a change holds nobody up for longer than
// its lease, and what it did by then is what all of them go by, or nobody.
func TestACoordinatorDiesInAChange(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx := t.Context()
	const lease = 600 * time.Millisecond
	for _, o := range all {
		coordinator.SetChangeLease(o.Orchestrator, lease)
	}
	dying := coordinator.Peer{ID: "ghost-1", Name: "ghost", Token: "mesh_ghost"}
	if err := coordinator.DieInAChange(ctx, all[0].Orchestrator, dying); err != nil {
		t.Fatal(err)
	}
	if _, _, err := all[1].AccessKey(ctx, dying.ID); !errors.Is(err, authn.ErrUnknown) {
		t.Errorf("before its change is over: %v", err)
	}
	if _, err := all[1].AddPeer(ctx, coordinator.AddPeer{Name: "next"}); err != nil {
		t.Fatal(err)
	}
	for i, o := range all[1:] {
		if _, _, err := o.AccessKey(ctx, dying.ID); err != nil {
			t.Errorf("coordinator %d does not know what is in the store: %v", i+1, err)
		}
	}
	// Where nobody changes anything, who follows ends it.
	dying.ID, dying.Token = "ghost-2", "mesh_ghost2"
	if err := coordinator.DieInAChange(ctx, all[1].Orchestrator, dying); err != nil {
		t.Fatal(err)
	}
	follow, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); all[2].Follow(follow) }()
	await(t, "a follower to end the change", func() bool {
		_, _, err := all[2].AccessKey(ctx, dying.ID)
		return err == nil
	})
	stop()
	<-done
}

// SPEC B31: who waits for changes at one coordinator hears of those made at another, and may
// ask yet another one for what comes after.
func TestAwaitChangesElsewhere(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, o := range all {
		wg.Go(func() { o.Follow(ctx) })
	}
	for i := range 3 {
		other := all[(i+1)%3]
		if err := other.Confirm(ctx); err != nil {
			t.Fatal(err)
		}
		before, heard := other.Revision(), make(chan int64, 1)
		go func() { heard <- other.Await(ctx, before) }()
		if _, err := all[i].AddPeer(ctx, coordinator.AddPeer{Name: fmt.Sprintf("p-%d", i)}); err != nil {
			t.Fatal(err)
		}
		if after := <-heard; after <= before || ctx.Err() != nil {
			t.Fatalf("after change %d the revision is %d, and was %d", i, after, before)
		}
	}
}

// await looks until ok.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
		time.Sleep(10 * time.Millisecond) // between two looks at the condition
	}
}

// SPEC B31: requests do not each cost a question to the index: ten a second do for all of them.
func TestConfirmingIsCheap(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx := t.Context()
	p, err := all[0].AddPeer(ctx, coordinator.AddPeer{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	before, began := all[1].index.heads.Load(), time.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2500 {
				if _, _, err := all[1].AccessKey(ctx, p.ID); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	looks, most := all[1].index.heads.Load()-before, int64(time.Since(began)/(100*time.Millisecond))+2
	if looks > most {
		t.Errorf("20,000 requests in %v looked %d times, and not at most %d", time.Since(began), looks, most)
	}
}

// SPEC B18, B31: a backup taken of one coordinator while others change things has each change as
// a whole: never a peer without its roles.
func TestBackupAmongOthers(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for i, o := range all[1:] {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, err := o.AddPeer(ctx, coordinator.AddPeer{Name: fmt.Sprintf("p-%d-%d", i, n), Grants: []authn.Grant{{Role: authn.RoleSystem}, {Role: authn.RoleAdmin}}})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
				}
				_ = all[0].Confirm(ctx)
			}
		})
	}
	for range 4 {
		archive, err := all[0].Backup(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c, err := coordinator.ReadBackup(archive)
		if err != nil {
			t.Fatal(err)
		}
		peers, bindings := count(c, "peers/"), count(c, "bindings/")
		if bindings != 2*peers {
			t.Errorf("%d peers with %d bindings", peers, bindings)
		}
	}
}

func count(c backup.Contents, prefix string) (n int) {
	for key := range c.Documents {
		if len(key) > len(prefix) && key[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

// SPEC B31: what one of several is to do is one's, until it stops.
func TestMaintenanceIsOnes(t *testing.T) {
	t.Parallel()
	all := three(t)
	ctx := t.Context()
	for range 2 {
		if !coordinator.Maintains(ctx, all[0].Orchestrator) || coordinator.Maintains(ctx, all[1].Orchestrator) || coordinator.Maintains(ctx, all[2].Orchestrator) {
			t.Fatal("it is not the first one's alone")
		}
	}
	if err := coordinator.Rests(ctx, all[1].Orchestrator); err != nil || !coordinator.Maintains(ctx, all[0].Orchestrator) {
		t.Fatalf("one that has nothing to hand over took it away, or: %v", err)
	}
	if err := coordinator.Rests(ctx, all[0].Orchestrator); err != nil || !coordinator.Maintains(ctx, all[2].Orchestrator) || coordinator.Maintains(ctx, all[0].Orchestrator) {
		t.Fatalf("it was not handed over, or: %v", err)
	}
}
