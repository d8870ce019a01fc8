package storetest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// untouched fails the test where a body is read that had to be refused before.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// SPEC B24, B26
func testQuota(t *testing.T, open Backend) {
	f := start(t, open, 3000)
	f.must(f.SetQuota(f.ctx, "bucket", 1000))
	refuse := func(bucket, key string, size int64) {
		t.Helper()
		_, err := f.Put(f.ctx, bucket, key, untouched{t}, store.PutOptions{Size: size})
		f.refused(err, store.ErrQuotaExceeded)
	}
	refuse("bucket", "k", 1001)
	f.put("k", blob("x", 1000)) // to the last byte
	refuse("bucket", "l", 1)
	f.put("k", blob("y", 1000)) // an overwrite counts the difference
	refuse("bucket", "k", 1001)
	f.holds("k", blob("y", 1000)) // the old object survives
	f.put("k", blob("z", 400))
	f.put("l", blob("z", 600))
	f.free("", 0)
	f.put("empty", "") // nothing needs no space
	refuse("bucket", "m", 1)
	// Of a body whose length is not known nothing stays.
	_, err := f.Put(f.ctx, "bucket", "m", strings.NewReader(blob("m", 10)), store.PutOptions{Size: -1})
	f.refused(err, store.ErrQuotaExceeded)
	f.must(f.Delete(f.ctx, "bucket", "l"))
	_, err = f.Put(f.ctx, "bucket", "m", strings.NewReader(blob("m", 600)), store.PutOptions{Size: -1})
	f.must(err)

	// A body that breaks off gives back what was set aside for it.
	f.must(f.Delete(f.ctx, "bucket", "m"))
	for _, size := range []int64{600, -1} {
		broken := errors.New("broken")
		_, err = f.Put(f.ctx, "bucket", "m", io.MultiReader(strings.NewReader(blob("m", 600)), failing{broken}), store.PutOptions{Size: size})
		if !errors.Is(err, broken) {
			f.Fatal(err)
		}
	}
	f.put("m", blob("m", 600))

	// A quota below what is there refuses what adds, and only that.
	f.must(f.SetQuota(f.ctx, "bucket", 10))
	refuse("bucket", "n", 1)
	f.put("k", blob("k", 300))
	f.must(f.Delete(f.ctx, "bucket", "m"))
	f.must(f.SetQuota(f.ctx, "bucket", 0)) // SPEC B22: 0 is unlimited

	// The whole store. SPEC B25
	f.must(f.CreateBucket(f.ctx, "bucket2", store.CreateBucketOptions{}))
	refuse("bucket2", "k", 2701)
	_, err = f.Put(f.ctx, "bucket2", "k", strings.NewReader(blob("x", 2700)), store.PutOptions{Size: 2700})
	f.must(err)
	refuse("bucket", "n", 1)
	// Control state must go on: a full store has to be able to say so, and to be emptied.
	f.must(f.CreateBucket(f.ctx, "_tunnelmesh", store.CreateBucketOptions{}))
	_, err = f.Put(f.ctx, "_tunnelmesh", "k", strings.NewReader("state"), store.PutOptions{Size: 5})
	f.must(err)
	f.recount()
}

// Twenty writers cannot exceed a quota together, and leave none of it unused. SPEC B25, E9
func testQuotaInParallel(t *testing.T, open Backend) {
	const (
		writers = 20
		each    = 10
		size    = 64 << 10
		fit     = 33
		quota   = fit*size + size/2
	)
	for name, c := range map[string]struct{ quota, max int64 }{"bucket": {quota, 0}, "total": {0, quota}} {
		t.Run(name, func(t *testing.T) {
			f := start(t, open, c.max)
			f.must(f.SetQuota(f.ctx, "bucket", c.quota))
			var stored, refused atomic.Int32
			var done sync.WaitGroup
			stop := make(chan struct{})
			watched := make(chan struct{})
			go func() {
				defer close(watched)
				for {
					u, err := f.Usage(f.ctx)
					if err != nil || u.Total() > quota {
						t.Errorf("usage %d above %d, %v", u.Total(), quota, err)
						return
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			}()
			for w := range writers {
				done.Go(func() {
					for i := range each {
						body, announced := io.Reader(strings.NewReader(blob(fmt.Sprint(w, i), size))), int64(size)
						if i%3 == 2 {
							announced = -1
						}
						_, err := f.Put(f.ctx, "bucket", fmt.Sprintf("%d/%d", w, i), body, store.PutOptions{Size: announced})
						switch {
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
			u := f.recount()
			if u.Total() > quota || u.Objects != int64(stored.Load()) || stored.Load()+refused.Load() != writers*each {
				t.Errorf("%d stored, %d refused, usage %+v of %d", stored.Load(), refused.Load(), u, quota)
			}
			// Reservations that failed were given back: the rest fits now, to the last object.
			for i := int(stored.Load()); i < fit; i++ {
				f.put(fmt.Sprint("rest", i), blob("r", size))
			}
			_, err := f.Put(f.ctx, "bucket", "more", untouched{t}, store.PutOptions{Size: size})
			f.refused(err, store.ErrQuotaExceeded)
		})
	}
}

// SPEC B26
func testQuotaOfParts(t *testing.T, open Backend) {
	f := start(t, open, 0)
	f.must(f.SetQuota(f.ctx, "bucket", 2*store.MinPart))
	one := blob("one", store.MinPart)
	id := f.begin("k")
	p1 := f.part("k", id, 1, one)
	f.part("k", id, 2, one)
	_, err := f.PutPart(f.ctx, "bucket", "k", id, 3, untouched{t}, store.PartOptions{Size: 1})
	f.refused(err, store.ErrQuotaExceeded)
	_, err = f.Put(f.ctx, "bucket", "l", untouched{t}, store.PutOptions{Size: 1})
	f.refused(err, store.ErrQuotaExceeded)
	p2 := f.part("k", id, 2, one) // again: counts once
	// Parts turn into an object where there is no byte to spare.
	_, err = f.CompleteUpload(f.ctx, "bucket", "k", id, []store.CompletedPart{p1, p2}, store.CompleteOptions{})
	f.must(err)
	f.must(f.Delete(f.ctx, "bucket", "k"))
	id = f.begin("k")
	f.part("k", id, 1, one)
	f.part("k", id, 2, one)
	f.must(f.AbortUpload(f.ctx, "bucket", "k", id)) // gives back
	f.put("l", one+one)
	f.recount()
}
