package local_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/bolt"
)

// The index's file shrinks at the next start when most of it is free.
func TestIndexShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := bolt.Open(path, 0)
	must(t, err)
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	const n = 20_000
	meta := map[string]string{"note": strings.Repeat("long ", 800)}
	parallel(n, func(i int) {
		_, err := x.Put(ctx, store.PutEntry{Object: store.Object{ObjectInfo: store.ObjectInfo{Bucket: "bucket", Key: fmt.Sprint(i), Meta: meta}}})
		must(t, err)
	})
	parallel(n, func(i int) {
		if i%100 != 0 {
			_, err := x.Delete(ctx, "bucket", fmt.Sprint(i), store.Condition{})
			must(t, err)
		}
	})
	must(t, x.Close())
	before := size(t, path)
	x, err = bolt.Open(path, 0)
	must(t, err)
	defer x.Close()
	if after := size(t, path); after > before/20 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	left := 0
	for after := ""; ; {
		list, err := x.Walk(ctx, "bucket", after, 70)
		must(t, err)
		if len(list) == 0 {
			break
		}
		left += len(list)
		after = list[len(list)-1].Key
		if list[0].Meta["note"] != meta["note"] {
			t.Fatalf("%s has lost its metadata", list[0].Key)
		}
	}
	if left != n/100 {
		t.Errorf("%d objects are left, want %d", left, n/100)
	}
	freed, err := x.Put(ctx, store.PutEntry{Object: store.Object{ObjectInfo: store.ObjectInfo{Bucket: "bucket", Key: "new"}}})
	must(t, err)
	if freed.Seq <= n {
		t.Errorf("the sequence began again, at %d", freed.Seq)
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}

// A check finds what is lost, says what, and corrects what can be.
func TestCheck(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	s, err := open(root, 0)
	must(t, err)
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	put(t, s, "whole", large("whole"))
	put(t, s, "small", "small")
	put(t, s, "empty", "")
	must(t, s.Close())
	before := map[string]bool{}
	for _, p := range glob(t, root, "blobs/*/*") {
		before[p] = true
	}
	s, err = open(root, 0)
	must(t, err)
	put(t, s, "cut", large("cut"))
	put(t, s, "rotten", large("rotten"))
	_, err = s.Copy(ctx, "bucket", "small", "bucket", "copy", store.CopyOptions{})
	must(t, err)
	id, err := s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: "up"})
	must(t, err)
	_, err = s.PutPart(ctx, "bucket", "up", id, 1, strings.NewReader(large("part")), store.PartOptions{Size: int64(len(large("part")))})
	must(t, err)
	must(t, s.Close())

	check := func(deep bool) store.CheckReport {
		t.Helper()
		s, err := open(root, 0)
		must(t, err)
		defer s.Close()
		r, err := s.Check(ctx, store.CheckOptions{Deep: deep, Repair: true})
		must(t, err)
		return r
	}
	if r := check(true); !r.Sound() || r.Objects != 6 || r.Parts != 1 {
		t.Errorf("%+v", r)
	}
	for _, p := range glob(t, root, "blobs/*/*") {
		if before[p] {
			continue
		}
		switch content := readFile(t, p); {
		case strings.HasPrefix(content, "cut"):
			must(t, os.Truncate(p, 100))
		case strings.HasPrefix(content, "rotten"):
			must(t, os.WriteFile(p, []byte("R"+content[1:]), 0o600))
		case strings.HasPrefix(content, "part"):
			must(t, os.Remove(p))
		}
	}
	damage := func(r store.CheckReport) (keys []string) {
		for _, d := range r.Damaged {
			keys = append(keys, d.Key)
		}
		return keys
	}
	if got := fmt.Sprint(damage(check(false))); got != "[cut up]" {
		t.Errorf("a quick check found %s", got)
	}
	if got := fmt.Sprint(damage(check(true))); got != "[cut rotten up]" {
		t.Errorf("a check found %s", got)
	}
}

// Counters that are wrong are found and corrected.
func TestRecount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := bolt.Open(path, 0)
	must(t, err)
	defer func() { must(t, x.Close()) }()
	must(t, x.CreateBucket(ctx, store.BucketInfo{Name: "bucket"}))
	blob := []store.Segment{{Blob: "b", Length: 7}}
	o := store.Object{ObjectInfo: store.ObjectInfo{Bucket: "bucket", Key: "k", Size: 7}, Segments: blob}
	_, err = x.Put(ctx, store.PutEntry{Object: o})
	must(t, err)
	// Another object of the same blob that was not declared a copy: what a lost count would look like.
	o.Key = "l"
	_, err = x.Put(ctx, store.PutEntry{Object: o})
	must(t, err)
	for _, repair := range []bool{false, true} {
		r, err := x.Recount(ctx, repair)
		must(t, err)
		if r.Shared != 1 || len(r.Drifts) != 0 || len(r.Problems) != 0 {
			t.Errorf("%+v", r)
		}
	}
	r, err := x.Recount(ctx, false)
	must(t, err)
	if r.Shared != 0 {
		t.Errorf("after the repair: %+v", r)
	}
	freed, err := x.Delete(ctx, "bucket", "k", store.Condition{})
	must(t, err)
	if len(freed.Blobs) != 0 {
		t.Error("a blob that another object has was freed")
	}
	must(t, x.Close())
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bbolt.Tx) error {
		buckets := tx.Bucket([]byte("buckets"))
		wrong := bytes.Replace(buckets.Get([]byte("bucket")), []byte(`"bytes":7`), []byte(`"bytes":8`), 1)
		return errors.Join(buckets.Put([]byte("bucket"), wrong), tx.Bucket([]byte("objects")).Put([]byte("bucket\x00torn"), []byte{1, 2, 3}))
	}))
	must(t, db.Close())
	x, err = bolt.Open(path, 0)
	must(t, err)
	r, err = x.Recount(ctx, true)
	must(t, err)
	if len(r.Drifts) != 1 || r.Drifts[0].Recorded.Bytes != 8 || r.Drifts[0].Counted.Bytes != 7 || len(r.Problems) != 1 {
		t.Errorf("%+v", r)
	}
	// The check as a whole names it, and goes on with what can be read.
	list, err := x.Walk(ctx, "bucket", "", 10)
	if err != nil || len(list) != 1 || list[0].Key != "l" {
		t.Errorf("%+v, %v", list, err)
	}
	b, err := x.Bucket(ctx, "bucket")
	must(t, err)
	if b.Bytes != 7 || b.Objects != 1 {
		t.Errorf("after the repair: %+v", b)
	}
}

func glob(t *testing.T, root, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(root, pattern))
	must(t, err)
	return list
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}
