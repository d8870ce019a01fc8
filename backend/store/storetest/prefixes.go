package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// below counts a prefix of "bucket" by looking at each of its objects and parts.
func (f *fixture) below(bucket, prefix string) (u store.Usage) {
	f.Helper()
	o := store.ListOptions{Prefix: prefix}
	for {
		page, err := f.List(f.ctx, bucket, o)
		f.must(err)
		for _, obj := range page.Objects {
			u = u.Add(store.Usage{Bytes: obj.Size, Objects: 1})
		}
		if !page.Truncated {
			break
		}
		o.StartAfter = page.Next
	}
	uploads, err := f.Uploads(f.ctx, bucket, prefix, "", "", 0)
	f.must(err)
	for _, up := range uploads {
		parts, err := f.Parts(f.ctx, up.Bucket, up.Key, up.ID, 0, 0)
		f.must(err)
		for _, p := range parts {
			u.PartBytes += p.Size
		}
	}
	return u
}

// counts compares a prefix's counter with what is expected.
func (f *fixture) counts(prefix string, bytes, parts, objects int64) {
	f.Helper()
	p, err := f.Prefix(f.ctx, "bucket", prefix)
	f.must(err)
	if want := (store.Usage{Bytes: bytes, PartBytes: parts, Objects: objects}); p.Usage != want {
		f.Errorf("%s: %+v is counted, want %+v", prefix, p.Usage, want)
	}
	if u, err := f.PrefixUsage(f.ctx, "bucket", prefix); err != nil || u != p.Usage {
		f.Errorf("%s: usage is %+v, %v", prefix, u, err)
	}
}

func (f *fixture) free(prefix string, want int64) {
	f.Helper()
	if got, bounded, err := f.Free(f.ctx, "bucket", prefix); err != nil || !bounded || got != want {
		f.Errorf("free below %q: %d, %v, %v; want %d", prefix, got, bounded, err, want)
	}
}

// full fails the test where a write of size bytes to key is not refused, before its body and
// with words that name what is full.
func (f *fixture) full(key string, size int64, words ...string) {
	f.Helper()
	_, err := f.Put(f.ctx, "bucket", key, untouched{f.T}, store.PutOptions{Size: size})
	f.refused(err, store.ErrQuotaExceeded)
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			f.Errorf("%q does not say %q", err, w)
		}
	}
}

// What lies below a prefix, at its begin and after each kind of change. SPEC B26, D3
func testPrefixes(t *testing.T, open Backend) {
	f := start(t, open, 0)
	for i, key := range []string{"a", "a/", "a//b", "a/b/c", "ab/x", "/"} {
		f.put(key, blob("x", 1<<i))
	}
	id := f.begin("a/up")
	f.part("a/up", id, 1, blob("p", 1000))
	for _, bad := range []string{"", "a", "/a", "a/b", "\xff/", "a\x00/"} {
		f.refused(f.SetPrefix(f.ctx, "bucket", bad, 0), store.ErrInvalidKey)
	}
	f.refused(f.SetPrefix(f.ctx, "none", "a/", 0), store.ErrNoSuchBucket)
	_, err := f.Prefix(f.ctx, "bucket", "a/")
	f.refused(err, store.ErrNoSuchPrefix)
	_, err = f.Prefix(f.ctx, "none", "a/")
	f.refused(err, store.ErrNoSuchBucket)
	_, err = f.Prefixes(f.ctx, "none")
	f.refused(err, store.ErrNoSuchBucket)
	_, err = f.PrefixUsage(f.ctx, "none", "a/")
	f.refused(err, store.ErrNoSuchBucket)
	f.refused(f.DropPrefix(f.ctx, "none", "a/"), store.ErrNoSuchBucket)

	for _, p := range []string{"a/", "a//", "a/b/", "ab/", "/", "none/"} {
		f.must(f.SetPrefix(f.ctx, "bucket", p, 0))
	}
	f.counts("a/", 2+4+8, 1000, 3) // what was there is in it
	f.counts("a//", 4, 0, 1)
	f.counts("a/b/", 8, 0, 1)
	f.counts("ab/", 16, 0, 1)
	f.counts("/", 32, 0, 1)
	f.counts("none/", 0, 0, 0)

	f.put("a//b", blob("x", 5)) // an overwrite counts the difference
	f.counts("a/", 2+5+8, 1000, 3)
	f.counts("a//", 5, 0, 1)
	p := f.part("a/up", id, 1, blob("q", 300))
	f.counts("a/", 15, 300, 3)
	_, err = f.CompleteUpload(f.ctx, "bucket", "a/up", id, []store.CompletedPart{p}, store.CompleteOptions{})
	f.must(err)
	f.counts("a/", 315, 0, 4)
	id = f.begin("a/b/up")
	f.part("a/b/up", id, 1, blob("p", 50))
	f.counts("a/b/", 8, 50, 1)
	f.must(f.AbortUpload(f.ctx, "bucket", "a/b/up", id)) // gives back
	f.counts("a/b/", 8, 0, 1)

	copied := func(from, to string) {
		t.Helper()
		_, err := f.Copy(f.ctx, "bucket", from, "bucket", to, store.CopyOptions{})
		f.must(err)
	}
	copied("ab/x", "ab/y") // within
	f.counts("ab/", 32, 0, 2)
	copied("ab/x", "a/b/x") // from one to another
	f.counts("ab/", 32, 0, 2)
	f.counts("a/b/", 24, 0, 2)
	f.counts("a/", 331, 0, 5)
	copied("ab/x", "out")
	copied("out", "none/x")
	f.counts("none/", 16, 0, 1)
	id = f.begin("none/part")
	_, err = f.CopyPart(f.ctx, "bucket", "a/up", "bucket", "none/part", id, 1, store.CopyPartOptions{Length: -1})
	f.must(err)
	f.counts("none/", 16, 300, 1)
	f.must(f.Delete(f.ctx, "bucket", "a/b/x"))
	f.counts("a/b/", 8, 0, 1)
	f.counts("a/", 315, 0, 4)
	f.recount()

	list, err := f.Prefixes(f.ctx, "bucket")
	f.must(err)
	names := ""
	for _, p := range list {
		names += p.Bucket + ":" + p.Prefix + " "
	}
	if names != "bucket:/ bucket:a// bucket:a/ bucket:a/b/ bucket:ab/ bucket:none/ " && names != "bucket:/ bucket:a/ bucket:a// bucket:a/b/ bucket:ab/ bucket:none/ " {
		t.Errorf("listed are %s", names)
	}
	f.must(f.DropPrefix(f.ctx, "bucket", "a/"))
	f.must(f.DropPrefix(f.ctx, "bucket", "a/"))
	_, err = f.Prefix(f.ctx, "bucket", "a/")
	f.refused(err, store.ErrNoSuchPrefix)
	if u, err := f.PrefixUsage(f.ctx, "bucket", "a/"); u.Bytes != 315 || u.Objects != 4 || err != nil {
		t.Errorf("without a counter: %+v, %v", u, err)
	}
	b, err := f.Bucket(f.ctx, "bucket")
	f.must(err)
	if u, err := f.PrefixUsage(f.ctx, "bucket", ""); u != b.Usage || err != nil {
		t.Errorf("of all of the bucket: %+v, %v; the bucket has %+v", u, err, b.Usage)
	}
	f.put("a/new", "new")
	f.must(f.SetPrefix(f.ctx, "bucket", "a/", 0)) // begins anew
	f.counts("a/", 318, 0, 5)

	// A bucket takes its prefixes along.
	f.must(f.CreateBucket(f.ctx, "other", store.CreateBucketOptions{}))
	f.must(f.SetPrefix(f.ctx, "other", "a/", 1))
	f.must(f.DeleteBucket(f.ctx, "other"))
	f.must(f.CreateBucket(f.ctx, "other", store.CreateBucketOptions{}))
	if list, err := f.Prefixes(f.ctx, "other"); len(list) != 0 || err != nil {
		t.Errorf("a new bucket counts %+v, %v", list, err)
	}
	_, err = f.Put(f.ctx, "other", "a/b", strings.NewReader("more than one"), store.PutOptions{Size: 13})
	f.must(err)
	f.recount()
}

// A write is held to every quota that covers its key. SPEC B24, B25, B26, D3
func testQuotaOfPrefixes(t *testing.T, open Backend) {
	f := start(t, open, 0)
	set := func(prefix string, quota int64) {
		t.Helper()
		f.must(f.SetPrefix(f.ctx, "bucket", prefix, quota))
	}
	set("team-a/", 1000)
	set("team-ab/", 100)
	set("team-a/in/", 600)
	if _, bounded, err := f.Free(f.ctx, "bucket", ""); bounded || err != nil {
		t.Errorf("the bucket is bounded by a prefix, %v", err)
	}
	f.free("team-a/", 1000)
	f.free("team-a/other/", 1000)
	f.free("team-a/in/deep", 600)
	f.free("team-ab/", 100)
	f.full("team-a/in/x", 601, "team-a/in/", " 600 bytes", " 0 are in use", " 601 more")
	f.full("team-ab/x", 101, "team-ab/", " 100 bytes")
	f.put("team-a/in/x", blob("x", 600)) // to the last byte
	f.full("team-a/in/y", 1, "team-a/in/", " 600 are in use")
	f.put("team-a", blob("x", 5000)) // is not below any of them
	f.put("team-b/x", blob("x", 5000))
	f.put("team-a/y", blob("y", 400))
	f.full("team-a/z", 1, "quota of team-a/ ", " 1000 bytes")
	f.free("team-a/in/", 0)
	f.put("team-a/in/x", blob("z", 500))
	f.free("team-a/in/", 100)
	f.put("team-a/y", blob("y", 450))
	f.free("team-a/in/", 50) // the outer one has less
	f.full("team-a/in/y", 51, "quota of team-a/ ")
	f.full("team-a/in/x", 600, "quota of team-a/ ") // an overwrite counts the difference
	f.put("team-a/in/empty", "")
	f.put("team-ab/x", blob("x", 100))

	// What is refused changes nothing, whatever the way in.
	f.put("big", blob("b", 200))
	_, err := f.Copy(f.ctx, "bucket", "big", "bucket", "team-a/in/x2", store.CopyOptions{})
	f.refused(err, store.ErrQuotaExceeded)
	id := f.begin("team-a/in/up")
	_, err = f.PutPart(f.ctx, "bucket", "team-a/in/up", id, 1, untouched{t}, store.PartOptions{Size: 51})
	f.refused(err, store.ErrQuotaExceeded)
	_, err = f.CopyPart(f.ctx, "bucket", "big", "bucket", "team-a/in/up", id, 1, store.CopyPartOptions{Length: -1})
	f.refused(err, store.ErrQuotaExceeded)
	_, err = f.Put(f.ctx, "bucket", "team-a/in/x3", strings.NewReader(blob("x", 51)), store.PutOptions{Size: -1})
	f.refused(err, store.ErrQuotaExceeded)
	f.counts("team-a/", 950, 0, 3)
	f.holds("team-a/in/x", blob("z", 500))
	part := f.part("team-a/in/up", id, 1, blob("p", 50))
	f.full("team-a/z", 1) // parts in flight count
	_, err = f.CompleteUpload(f.ctx, "bucket", "team-a/in/up", id, []store.CompletedPart{part}, store.CompleteOptions{})
	f.must(err)
	f.full("team-a/z", 1)
	f.must(f.Delete(f.ctx, "bucket", "team-a/in/x"))
	f.free("team-a/", 500)

	// A quota below what is there refuses what adds, and only that.
	set("team-a/", 10)
	f.free("team-a/", 0)
	f.full("team-a/new", 1)
	f.put("team-a/y", blob("y", 20))
	f.must(f.Delete(f.ctx, "bucket", "team-a/in/up"))
	set("team-a/", 0) // SPEC B22: 0 is unlimited
	f.put("team-a/y", blob("y", 2000))
	set("team-a/", 2100)
	f.must(f.DropPrefix(f.ctx, "bucket", "team-a/"))
	f.put("team-a/y", blob("y", 3000))
	f.full("team-a/in/x", 601) // the inner one stays

	// The narrowest that is full is named; bucket and store hold too.
	usage := f.recount()
	f.must(f.SetQuota(f.ctx, "bucket", usage.Total()+100))
	f.full("team-a/in/x", 101, "the quota of bucket ")
	f.free("team-a/in/", 100)
	f.SetMaxSize(usage.Total() + 50)
	f.full("team-a/in/x", 51, "store")
	f.free("team-a/in/", 50)
	f.put("team-a/in/x", blob("x", 50))
	f.recount()
}

// The store's bound changes while it runs. SPEC B21, B24
func testMaxSize(t *testing.T, open Backend) {
	f := start(t, open, 1000)
	if n := f.MaxSize(); n != 1000 {
		t.Errorf("the bound is %d", n)
	}
	f.put("k", blob("x", 900))
	f.full("l", 101, "1000 bytes", "900 are in use")
	f.SetMaxSize(2000)
	f.put("l", blob("x", 1000))
	f.SetMaxSize(500) // below what is there
	if n := f.MaxSize(); n != 500 {
		t.Errorf("the bound is %d", n)
	}
	f.free("", 0)
	f.full("m", 1)
	f.put("l", blob("x", 10))
	f.must(f.Delete(f.ctx, "bucket", "k"))
	f.put("k", blob("x", 490))
	f.full("m", 1)
	f.SetMaxSize(-1)
	if _, bounded, err := f.Free(f.ctx, "bucket", ""); bounded || err != nil {
		t.Errorf("bounded: %v, %v", bounded, err)
	}
	f.put("m", blob("x", 5000))

	// A bucket that goes with an upload in flight gives its parts back.
	f.must(f.CreateBucket(f.ctx, "other", store.CreateBucketOptions{}))
	id, err := f.CreateUpload(f.ctx, store.UploadInfo{Bucket: "other", Key: "k"})
	f.must(err)
	_, err = f.PutPart(f.ctx, "other", "k", id, 1, strings.NewReader(blob("x", 700)), store.PartOptions{Size: 700})
	f.must(err)
	f.SetMaxSize(6000 + 490 + 10)
	f.free("", 6000-5000-700)
	f.must(f.DeleteBucket(f.ctx, "other"))
	f.free("", 1000)
	f.put("n", blob("x", 1000))
	f.full("o", 1)
	f.recount()
}

// A quota that comes while a write is under way holds for that write too. SPEC B25
func testQuotaMeetsWriters(t *testing.T, open Backend) {
	for name, unknown := range map[string]bool{"announced": false, "not announced": true} {
		t.Run(name, func(t *testing.T) {
			f := start(t, open, 0)
			// begin starts a write of 1000 bytes that ends when finish is called.
			begin := func(bucket, key string) (finish func() error) {
				size := int64(1000)
				if unknown {
					size = -1
				}
				r, w := io.Pipe()
				result := make(chan error, 1)
				go func() {
					_, err := f.Put(f.ctx, bucket, key, r, store.PutOptions{Size: size})
					_ = r.CloseWithError(err)
					result <- err
				}()
				_, err := io.WriteString(w, blob("x", 500)) // the write has asked for its space
				f.must(err)
				return func() error {
					_, _ = io.WriteString(w, blob("x", 500))
					_ = w.Close()
					return <-result
				}
			}
			finish := begin("bucket", "a/k")
			f.must(f.SetPrefix(f.ctx, "bucket", "a/", 999))
			f.refused(finish(), store.ErrQuotaExceeded)
			f.free("a/", 999)
			finish = begin("bucket", "b/k")
			f.must(f.SetPrefix(f.ctx, "bucket", "b/", 1000))
			f.must(finish())
			f.free("b/", 0)
			// Begun under a quota that was dropped and set again.
			f.must(f.SetPrefix(f.ctx, "bucket", "c/", 5000))
			finish = begin("bucket", "c/k")
			f.must(f.DropPrefix(f.ctx, "bucket", "c/"))
			f.must(f.SetPrefix(f.ctx, "bucket", "c/", 1500))
			f.put("c/l", blob("x", 600))
			f.refused(finish(), store.ErrQuotaExceeded)
			f.free("c/", 900)
			f.must(f.Delete(f.ctx, "bucket", "b/k"))
			f.free("b/", 1000)
			// Begun in a bucket that was deleted and made again.
			f.must(f.CreateBucket(f.ctx, "fleeting", store.CreateBucketOptions{}))
			finish = begin("fleeting", "k")
			f.must(f.DeleteBucket(f.ctx, "fleeting"))
			f.must(f.CreateBucket(f.ctx, "fleeting", store.CreateBucketOptions{Quota: 999}))
			f.refused(finish(), store.ErrQuotaExceeded)
			if u := f.recount(); u.Total() != 600 {
				t.Errorf("%+v", u)
			}
			f.SetMaxSize(1600) // everything that was set aside has been given back
			f.free("", 1000)
		})
	}
}

// Twenty writers with PUT, multipart and copy cannot exceed a quota together, of a prefix, of
// a prefix around it, of a bucket or of the store, and at the end it can be filled to the byte.
// SPEC B25, B26, D3, E9
func testQuotaRounds(t *testing.T, open Backend) {
	const (
		writers = 20
		turns   = 3
		room    = 5_000_000
	)
	body := blob("writer", 500_000)
	f := start(t, open, 0)
	f.put("source", body[:200_000])
	for round := range quotaRounds {
		inner := fmt.Sprintf("r%d/in/", round)
		outer := fmt.Sprintf("r%d/", round)
		f.must(f.SetPrefix(f.ctx, "bucket", outer, 0))
		f.must(f.SetPrefix(f.ctx, "bucket", inner, 0))
		before, err := f.Usage(f.ctx)
		f.must(err)
		switch round % 4 {
		case 0:
			f.must(f.SetPrefix(f.ctx, "bucket", inner, room))
		case 1:
			f.must(f.SetPrefix(f.ctx, "bucket", outer, room))
		case 2:
			f.must(f.SetQuota(f.ctx, "bucket", before.Total()+room))
		case 3:
			f.SetMaxSize(before.Total() + room)
		}
		within := func() bool {
			u, err := f.Usage(f.ctx)
			p, err2 := f.Prefix(f.ctx, "bucket", inner)
			if err := errors.Join(err, err2); err != nil || u.Total() > before.Total()+room || p.Total() > room {
				t.Errorf("round %d: %d bytes where %d fit, %v", round, u.Total()-before.Total(), room, err)
				return false
			}
			return true
		}
		stop, watched := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(watched)
			for within() {
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		var stored, refused atomic.Int32
		var done sync.WaitGroup
		for w := range writers {
			done.Go(func() {
				for i := range turns {
					switch err := quotaTurn(f.ctx, f.Store, fmt.Sprintf("%s%d/%d", inner, w, i%2), body); {
					case err == nil:
						stored.Add(1)
					case errors.Is(err, store.ErrQuotaExceeded):
						refused.Add(1)
					default:
						t.Error(err)
					}
				}
			})
		}
		done.Wait()
		close(stop)
		<-watched
		// All that was set aside has been given back: what is left fits, to the byte.
		left, bounded, err := f.Free(f.ctx, "bucket", inner)
		f.must(err)
		p, err := f.Prefix(f.ctx, "bucket", inner)
		f.must(err)
		if !bounded || p.Total()+left != room || stored.Load() == 0 || refused.Load() == 0 {
			t.Fatalf("round %d: %d stored and %d refused; %d in use and %d free of %d", round, stored.Load(), refused.Load(), p.Total(), left, room)
		}
		f.put(inner+"rest", blob("r", int(left)))
		f.full(inner+"more", 1)
		within()
		if round%10 == 0 {
			f.recount()
		}
		f.must(f.SetQuota(f.ctx, "bucket", 0))
		f.SetMaxSize(0)
		f.empty(outer)
		f.must(f.DropPrefix(f.ctx, "bucket", outer))
		f.must(f.DropPrefix(f.ctx, "bucket", inner))
	}
	if u := f.recount(); u.Total() != 200_000 {
		t.Errorf("%+v", u)
	}
}

// quotaTurn changes a key, with the beginning of bytes.
func quotaTurn(ctx context.Context, s *store.Store, key, bytes string) error {
	size := 200_000 + rand.IntN(300_000)
	body := strings.NewReader(bytes[:size])
	switch rand.IntN(5) {
	case 0:
		_, err := s.Copy(ctx, "bucket", "source", "bucket", key, store.CopyOptions{})
		return err
	case 1:
		_, err := s.Put(ctx, "bucket", key, body, store.PutOptions{Size: -1})
		return err
	case 2:
		id, err := s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: key})
		if err != nil {
			return err
		}
		p, err := s.PutPart(ctx, "bucket", key, id, 1, body, store.PartOptions{Size: int64(size)})
		if err == nil {
			_, err = s.CopyPart(ctx, "bucket", "source", "bucket", key, id, 2, store.CopyPartOptions{Length: -1})
		}
		if err == nil && size%3 > 0 {
			_, err = s.CompleteUpload(ctx, "bucket", key, id, []store.CompletedPart{{Number: 1, ETag: p.ETag}}, store.CompleteOptions{})
			return err
		}
		return errors.Join(err, s.AbortUpload(ctx, "bucket", key, id))
	}
	_, err := s.Put(ctx, "bucket", key, body, store.PutOptions{Size: int64(size)})
	return err
}

// empty deletes what lies below a prefix.
func (f *fixture) empty(prefix string) {
	f.Helper()
	page, err := f.List(f.ctx, "bucket", store.ListOptions{Prefix: prefix, Max: 1 << 20})
	f.must(err)
	for _, o := range page.Objects {
		f.must(f.Delete(f.ctx, "bucket", o.Key))
	}
}

// Whatever order changes of keys and of prefixes come in, the counters are exact. SPEC B26
func testPrefixesRace(t *testing.T, open Backend) {
	f := start(t, open, 0)
	keys := []string{"a", "a/", "a//b", "a/b", "a/b/", "a/b/c", "ab/c", "team-a/x", "team-ab/x", "/", "//", "a/b/c/d/e/f"}
	prefixes := []string{"a/", "a//", "a/b/", "ab/", "team-a/", "team-ab/", "/", "//", "a/b/c/d/"}
	any := func(list []string) string { return list[rand.IntN(len(list))] }
	var done sync.WaitGroup
	for range 16 {
		done.Go(func() {
			for range 60 {
				key, size := any(keys), rand.IntN(3000)
				var err error
				switch rand.IntN(9) {
				case 0:
					err = f.SetPrefix(f.ctx, "bucket", any(prefixes), int64(rand.IntN(2)*10_000))
				case 1:
					err = f.DropPrefix(f.ctx, "bucket", any(prefixes))
				case 2:
					err = f.Delete(f.ctx, "bucket", key)
				case 3:
					_, err = f.Copy(f.ctx, "bucket", any(keys), "bucket", key, store.CopyOptions{})
				case 4, 5:
					var id string
					if id, err = f.CreateUpload(f.ctx, store.UploadInfo{Bucket: "bucket", Key: key}); err != nil {
						break
					}
					var p store.PartInfo
					if p, err = f.PutPart(f.ctx, "bucket", key, id, 1, strings.NewReader(blob("p", size)), store.PartOptions{Size: int64(size)}); err != nil {
						break
					}
					switch rand.IntN(3) { // or it stays in flight
					case 0:
						_, err = f.CompleteUpload(f.ctx, "bucket", key, id, []store.CompletedPart{{Number: 1, ETag: p.ETag}}, store.CompleteOptions{})
					case 1:
						err = f.AbortUpload(f.ctx, "bucket", key, id)
					}
				default:
					_, err = f.Put(f.ctx, "bucket", key, strings.NewReader(blob("x", size)), store.PutOptions{Size: int64(size)})
				}
				if err != nil && !errors.Is(err, store.ErrQuotaExceeded) && !errors.Is(err, store.ErrNoSuchKey) && !errors.Is(err, store.ErrTooFast) {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	f.recount()
	for _, p := range prefixes { // counted from the start, or while it went on: all the same
		f.must(f.SetPrefix(f.ctx, "bucket", p, 0))
	}
	f.recount()
	r, err := f.Check(f.ctx, store.CheckOptions{})
	f.must(err)
	if !r.Sound() {
		t.Errorf("%+v", r)
	}
}

// Counters and quotas are there after a restart. SPEC B26
func testPrefixesReopen(t *testing.T, open Backend) {
	place := filepath.Join(t.TempDir(), "store")
	s, err := open(place, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, Store: s, ctx: context.Background()}
	f.must(s.CreateBucket(f.ctx, "bucket", store.CreateBucketOptions{}))
	f.must(s.SetPrefix(f.ctx, "bucket", "a/", 1000))
	f.must(s.SetPrefix(f.ctx, "bucket", "dropped/", 1000))
	f.put("a/k", blob("x", 600))
	f.part("a/up", f.begin("a/up"), 1, blob("p", 300))
	f.must(s.DropPrefix(f.ctx, "bucket", "dropped/"))
	f.must(s.Close())
	f.Store, err = open(place, 0)
	f.must(err)
	defer f.Close()
	f.counts("a/", 600, 300, 1)
	f.free("a/", 100)
	f.full("a/l", 101)
	_, err = f.Prefix(f.ctx, "bucket", "dropped/")
	f.refused(err, store.ErrNoSuchPrefix)
	f.recount()
}
