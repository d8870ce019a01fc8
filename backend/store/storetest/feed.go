package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// feedPatience is how long a change may take to be in the feed of a store on a busy machine.
const feedPatience = time.Minute

// after reads n changes that come after p.
func (f *fixture) after(p store.Position, n int) []store.Change {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, feedPatience)
	defer cancel()
	var all []store.Change
	for {
		news := f.Feed().News()
		list, err := f.Feed().Read(ctx, p, max(n-len(all), 1))
		f.must(err)
		all = append(all, list...)
		if len(list) > 0 {
			p = list[len(list)-1].Position
			continue
		}
		if len(all) >= n {
			return all
		}
		select {
		case <-news:
		case <-ctx.Done():
			f.Fatalf("%d changes came, want %d: %+v", len(all), n, all)
		}
	}
}

func (f *fixture) head() store.Position {
	f.Helper()
	p, err := f.Feed().Head(f.ctx)
	f.must(err)
	return p
}

// told is a change as the tests write it.
func told(c store.Change) string {
	if c.Kind == store.ChangePut {
		return fmt.Sprintf("put %s/%s %d %s", c.Bucket, c.Key, c.Size, c.ETag)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %s/%s", c.Kind, c.Bucket, c.Key), "/")
}

// testFeed makes one change of each kind, and some that are none. SPEC D5
func testFeed(t *testing.T, open Backend) {
	f := start(t, open, 0)
	begin := f.head()
	var want []string
	put := func(o store.ObjectInfo) { want = append(want, told(store.PutChange(o))) }
	put(f.put("a", "one"))
	put(f.put("a", "two"))
	put(f.put("dir/b", ""))
	o, err := f.Copy(f.ctx, "bucket", "a", "bucket", "c", store.CopyOptions{})
	f.must(err)
	put(o)
	f.must(f.SetTags(f.ctx, "bucket", "a", map[string]string{"k": "v"}))
	f.must(f.Delete(f.ctx, "bucket", "a"))
	want = append(want, "delete bucket/a")
	f.must(f.Delete(f.ctx, "bucket", "a")) // there is none
	_, err = f.Put(f.ctx, "bucket", "c", strings.NewReader("x"), store.PutOptions{Size: 1, IfNoneMatch: true})
	f.refused(err, store.ErrPreconditionFailed)
	id, err := f.CreateUpload(f.ctx, store.UploadInfo{Bucket: "bucket", Key: "large"})
	f.must(err)
	part, err := f.PutPart(f.ctx, "bucket", "large", id, 1, strings.NewReader("part"), store.PartOptions{Size: 4})
	f.must(err)
	o, err = f.CompleteUpload(f.ctx, "bucket", "large", id, []store.CompletedPart{{Number: 1, ETag: part.ETag}}, store.CompleteOptions{})
	f.must(err)
	put(o)
	f.must(f.CreateBucket(f.ctx, "other", store.CreateBucketOptions{}))
	f.must(f.DeleteBucket(f.ctx, "other"))
	want = append(want, "bucket-deleted other")
	f.refused(f.DeleteBucket(f.ctx, "bucket"), store.ErrBucketNotEmpty)

	all := f.after(begin, len(want))
	var got []string
	for _, c := range all {
		got = append(got, told(c))
		if c.Kind == store.ChangePut && c.Modified.IsZero() {
			t.Errorf("%s does not say when", told(c))
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("the feed says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, c := range all { // each position goes on where it is
		if len(c.Position) > store.MaxPosition || strings.Trim(string(c.Position), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
			t.Errorf("%q does not fit a header", c.Position)
		}
		if rest := f.after(c.Position, len(all)-i-1); len(rest) != len(all)-i-1 || len(rest) > 0 && rest[0].Position != all[i+1].Position {
			t.Errorf("after change %d come %d, want %d", i, len(rest), len(all)-i-1)
		}
	}
	if list, err := f.Feed().Read(f.ctx, f.head(), 10); err != nil || len(list) != 0 {
		t.Errorf("after the head come %d changes, %v", len(list), err)
	}
	for _, p := range []store.Position{"", "0", "nonsense", all[0].Position + "0000"} {
		if _, err := f.Feed().Read(f.ctx, p, 10); !errors.Is(err, store.ErrFeedLost) {
			t.Errorf("the position %q: %v", p, err)
		}
	}
}

// testFeedRace follows a feed while many write: none is missed, and the head is never ahead
// of what a list shows. SPEC D5
func testFeedRace(t *testing.T, open Backend) {
	f := start(t, open, 0)
	const writers, each = 8, 25
	begin := f.head()
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%d/%d", w, i)
				if _, err := f.Put(f.ctx, "bucket", key, strings.NewReader(key), store.PutOptions{Size: int64(len(key))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	middle := f.head()
	page, err := f.List(f.ctx, "bucket", store.ListOptions{})
	f.must(err)
	all.Wait()
	seen := map[string]bool{}
	for _, c := range f.after(begin, writers*each) {
		seen[c.Key] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d keys were told of, want %d", len(seen), writers*each)
	}
	known := map[string]bool{}
	for _, o := range page.Objects {
		known[o.Key] = true
	}
	for _, c := range f.after(middle, writers*each-len(page.Objects)) {
		known[c.Key] = true
	}
	if len(known) != writers*each {
		t.Errorf("the list and what came after the head before it are %d keys, want %d", len(known), writers*each)
	}
}

// testFeedReopen: a position of before either goes on without a gap or is refused. SPEC D5
func testFeedReopen(t *testing.T, open Backend) {
	ctx, place := context.Background(), filepath.Join(t.TempDir(), "store")
	s, err := open(place, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, Store: s, ctx: ctx}
	f.must(s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	before := f.head()
	f.put("a", "one")
	f.must(s.Close())
	if f.Store, err = open(place, 0); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.put("b", "two")
	switch _, err := f.Feed().Read(ctx, before, 10); {
	case errors.Is(err, store.ErrFeedLost):
	case err != nil:
		t.Fatal(err)
	default:
		if got := f.after(before, 2); got[0].Key != "a" || got[1].Key != "b" {
			t.Errorf("after a restart the feed goes on with %v", got)
		}
	}
}
