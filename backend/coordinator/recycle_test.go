package coordinator_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func (m *mesh) putText(t *testing.T, bucket, key, text string) {
	t.Helper()
	_, err := m.store.Put(t.Context(), bucket, key, strings.NewReader(text), store.PutOptions{
		Size: int64(len(text)), ContentType: "text/x-test", Meta: map[string]string{"mine": "yes"}, Tags: map[string]string{"t": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (m *mesh) text(t *testing.T, bucket, key string) string {
	t.Helper()
	r, err := m.store.Get(t.Context(), bucket, key)
	if errors.Is(err, store.ErrNoSuchKey) {
		return "(none)"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body) + " " + r.Info.ContentType + " " + fmt.Sprint(r.Info.Meta, r.Info.Tags)
}

// SPEC C22: what is deleted from a bucket with a recycle bin comes back as it was, until its
// time is over.
func TestRecycledObjects(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "bkt", Quota: 100}, ""); err != nil {
		t.Fatal(err)
	}
	if b, err := m.SetRecycle(ctx, "bkt", coordinator.Recycle{Seconds: 3600}); err != nil || b.Recycle != 3600 {
		t.Fatalf("%+v, %v", b, err)
	}
	const key = "odd/ké y+%2F"
	for _, text := range []string{"first", "second"} {
		m.putText(t, "bkt", key, text)
		if err := m.DeleteIf(ctx, "bkt", key, store.Condition{}); err != nil {
			t.Fatal(err)
		}
		m.time = m.time.Add(time.Minute)
	}
	if err := m.DeleteIf(ctx, "bkt", "never was", store.Condition{}); err != nil {
		t.Error(err)
	}
	if err := m.DeleteIf(ctx, "bkt", "never was", store.Condition{IfMatch: "*"}); !errors.Is(err, store.ErrNoSuchKey) {
		t.Error(err)
	}
	if b, err := m.Bucket(ctx, "bkt"); err != nil || b.Used != 0 {
		t.Errorf("deleted objects count against the quota: %+v, %v", b, err)
	}
	m.restart(t)
	list, err := m.Recycled(ctx, "bkt", "odd/", 10)
	if err != nil || len(list) != 2 || list[0].Size != 6 || list[0].Key != key || list[1].Size != 5 || !list[0].Expires.Equal(list[0].Deleted.Add(time.Hour)) {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := m.RestoreObject(ctx, "bkt", coordinator.RestoreObject{Key: key}); err != nil || m.text(t, "bkt", key) != "second text/x-test map[mine:yes] map[t:1]" {
		t.Errorf("restored: %s, %v", m.text(t, "bkt", key), err)
	}
	if _, err := m.RestoreObject(ctx, "bkt", coordinator.RestoreObject{ID: list[1].ID}); !fault.Is(err, fault.Conflict) {
		t.Errorf("over an object: %v", err)
	}
	if _, err := m.RestoreObject(ctx, "bkt", coordinator.RestoreObject{ID: list[1].ID, Overwrite: true}); err != nil || !strings.HasPrefix(m.text(t, "bkt", key), "first ") {
		t.Errorf("restored: %s, %v", m.text(t, "bkt", key), err)
	}
	if err := m.DeleteIf(ctx, "bkt", key, store.Condition{IfMatch: "another"}); !errors.Is(err, store.ErrPreconditionFailed) {
		t.Errorf("a condition that does not hold: %v", err)
	}
	if err := m.DeleteIf(ctx, "bkt", key, store.Condition{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		later time.Duration
		left  int
	}{{59 * time.Minute, 1}, {time.Minute, 0}} {
		m.time = m.time.Add(c.later)
		if err := coordinator.PurgeRecycled(ctx, m.Orchestrator); err != nil {
			t.Fatal(err)
		}
		if list, err := m.Recycled(ctx, "bkt", "", 10); err != nil || len(list) != c.left {
			t.Errorf("%d are left, %v", len(list), err)
		}
	}
	for _, bad := range []coordinator.RestoreObject{{}, {Key: "x", ID: "y"}} {
		if _, err := m.RestoreObject(ctx, "bkt", bad); !fault.Is(err, fault.Usage) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := m.RestoreObject(ctx, "bkt", coordinator.RestoreObject{ID: "other/0000000000000000-00000000"}); !fault.Is(err, fault.NotFound) {
		t.Errorf("an object of another bucket: %v", err)
	}
	for _, seconds := range []int64{-1, 1 << 40} {
		if _, err := m.SetRecycle(ctx, "bkt", coordinator.Recycle{Seconds: seconds}); !fault.Is(err, fault.Usage) {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
}

// What is written while it is deleted is never what is lost: each text that was acknowledged
// is at the key, was deleted there, or was overwritten there.
func TestRecycleBesideWriters(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "bkt"}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.SetRecycle(ctx, "bkt", coordinator.Recycle{Seconds: 3600}); err != nil {
		t.Fatal(err)
	}
	const writers, rounds = 4, 50
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			for i := range rounds {
				// Each deletes its own: nobody else touches the key.
				key, text := fmt.Sprintf("k%d", w), fmt.Sprintf("%d-%d", w, i)
				m.putText(t, "bkt", key, text)
				if err := m.DeleteIf(ctx, "bkt", key, store.Condition{}); err != nil {
					t.Error(err)
				}
				// All of them fight over this one.
				m.putText(t, "bkt", "shared", text)
				if err := m.DeleteIf(ctx, "bkt", "shared", store.Condition{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	list, err := m.Recycled(ctx, "bkt", "k", 10000)
	if err != nil || len(list) != writers*rounds {
		t.Errorf("%d of %d deleted objects are there, %v", len(list), writers*rounds, err)
	}
	shared, err := m.Recycled(ctx, "bkt", "shared", 10000)
	if err != nil || len(shared) == 0 || len(shared) > writers*rounds {
		t.Errorf("%d of the shared key, %v", len(shared), err)
	}
}

// On a store that is full everything can still be deleted.
func TestRecycleOnAFullStore(t *testing.T) {
	m := newMesh(t)
	ctx := t.Context()
	if _, err := m.NewBucket(ctx, coordinator.NewBucket{Name: "bkt"}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := m.SetRecycle(ctx, "bkt", coordinator.Recycle{Seconds: 3600}); err != nil {
		t.Fatal(err)
	}
	m.put(t, "bkt", "big", 100_000)
	u, err := m.store.Usage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m.store.SetMaxSize(u.Total())
	if err := m.DeleteIf(ctx, "bkt", "big", store.Condition{}); err != nil {
		t.Errorf("a full store refuses a deletion: %v", err)
	}
	if list, err := m.Recycled(ctx, "bkt", "", 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}
