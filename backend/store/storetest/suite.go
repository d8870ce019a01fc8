package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Backend opens the store that is kept at place; after Close, or a crash, the same place
// has what was there. maxSize bounds the bytes of all buckets, 0 does not.
type Backend func(place string, maxSize int64) (*store.Store, error)

// Run checks the contract, or those parts of it that are named. The test's package must call
// Child from its TestMain.
func Run(t *testing.T, open Backend, only ...string) {
	for name, test := range map[string]func(*testing.T, Backend){
		"buckets":             testBuckets,
		"objects":             testObjects,
		"conditions":          testConditions,
		"conditions race":     testConditionsRace,
		"readers keep bytes":  testReadersKeepBytes,
		"copy":                testCopy,
		"list":                testList,
		"tags":                testTags,
		"multipart":           testMultipart,
		"copy part":           testCopyPart,
		"quota":               testQuota,
		"quota in parallel":   testQuotaInParallel,
		"quota of parts":      testQuotaOfParts,
		"quota meets writers": testQuotaMeetsWriters,
		"quota in rounds":     testQuotaRounds,
		"max size":            testMaxSize,
		"prefixes":            testPrefixes,
		"quota of prefixes":   testQuotaOfPrefixes,
		"prefixes race":       testPrefixesRace,
		"prefixes reopen":     testPrefixesReopen,
		"reopen":              testReopen,
		"feed":                testFeed,
		"feed race":           testFeedRace,
		"feed reopen":         testFeedReopen,
		"crash":               testCrash,
	} {
		if len(only) == 0 || slices.Contains(only, name) {
			t.Run(name, func(t *testing.T) { test(t, open) })
		}
	}
}

// fixture is a store with the bucket "bucket".
type fixture struct {
	*testing.T
	*store.Store
	ctx context.Context
}

func start(t *testing.T, open Backend, maxSize int64) *fixture {
	t.Helper()
	s, err := open(filepath.Join(t.TempDir(), "store"), maxSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	f := &fixture{T: t, Store: s, ctx: context.Background()}
	f.must(s.CreateBucket(f.ctx, "bucket", store.CreateBucketOptions{Owner: "peer"}))
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) refused(err error, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("err = %v, want %v", err, want)
	}
}

func (f *fixture) put(key, content string) store.ObjectInfo {
	f.Helper()
	info, err := f.Put(f.ctx, "bucket", key, strings.NewReader(content), store.PutOptions{Size: int64(len(content))})
	f.must(err)
	return info
}

func (f *fixture) content(key string) string {
	f.Helper()
	r, err := f.Get(f.ctx, "bucket", key)
	f.must(err)
	defer r.Close()
	b, err := io.ReadAll(r)
	f.must(err)
	if int64(len(b)) != r.Info.Size {
		f.Fatalf("%s has %d bytes, the index says %d", key, len(b), r.Info.Size)
	}
	return string(b)
}

// holds compares content without printing megabytes.
func (f *fixture) holds(key, want string) {
	f.Helper()
	if got := f.content(key); got != want {
		f.Fatalf("%s holds %d bytes %.20q…, want %d bytes %.20q…", key, len(got), got, len(want), want)
	}
}

// recount compares the counters of buckets and prefixes with what is there (SPEC B26).
func (f *fixture) recount() store.Usage {
	f.Helper()
	var total store.Usage
	buckets, err := f.Buckets(f.ctx)
	f.must(err)
	for _, b := range buckets {
		u := f.below(b.Name, "")
		if u != b.Usage {
			f.Fatalf("bucket %s: the counters say %+v, a recount %+v", b.Name, b.Usage, u)
		}
		total = total.Add(u)
		prefixes, err := f.Prefixes(f.ctx, b.Name)
		f.must(err)
		for _, p := range prefixes {
			if u := f.below(b.Name, p.Prefix); u != p.Usage {
				f.Fatalf("prefix %s of %s: the counters say %+v, a recount %+v", p.Prefix, b.Name, p.Usage, u)
			}
		}
	}
	usage, err := f.Usage(f.ctx)
	f.must(err)
	if usage != total {
		f.Fatalf("all buckets: the counters say %+v, a recount %+v", usage, total)
	}
	return total
}

// blob makes n bytes that differ by seed and by place, so that a torn mix shows.
func blob(seed string, n int) string {
	var b bytes.Buffer
	b.Grow(n + 64)
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%s|%08d|", seed, i)
	}
	return b.String()[:n]
}

func testBuckets(t *testing.T, open Backend) {
	f := start(t, open, 0)
	f.refused(f.CreateBucket(f.ctx, "bucket", store.CreateBucketOptions{}), store.ErrBucketAlreadyExists)
	for _, bad := range []string{"", "a", "Upper", "a/b", "a..b", "-abc", strings.Repeat("x", 64), "a b c", "_", "192.168.5.4", "xn--a", "sthree-a", "a-s3alias", "a--ol-s3"} {
		f.refused(f.CreateBucket(f.ctx, bad, store.CreateBucketOptions{}), store.ErrInvalidBucketName)
	}
	// The coordinator's own bucket is a bucket like any other here. SPEC B14
	f.must(f.CreateBucket(f.ctx, "_tunnelmesh", store.CreateBucketOptions{}))
	_, err := f.Bucket(f.ctx, "none")
	f.refused(err, store.ErrNoSuchBucket)
	f.refused(f.DeleteBucket(f.ctx, "none"), store.ErrNoSuchBucket)
	f.put("k", "x")
	f.refused(f.DeleteBucket(f.ctx, "bucket"), store.ErrBucketNotEmpty) // SPEC B13
	f.must(f.Delete(f.ctx, "bucket", "k"))
	// Uploads that nobody completed do not keep a bucket.
	_, err = f.CreateUpload(f.ctx, store.UploadInfo{Bucket: "bucket", Key: "u"})
	f.must(err)
	f.must(f.DeleteBucket(f.ctx, "bucket"))
	_, err = f.Put(f.ctx, "bucket", "k", strings.NewReader("x"), store.PutOptions{Size: 1})
	f.refused(err, store.ErrNoSuchBucket)
	f.recount()
}

func testObjects(t *testing.T, open Backend) {
	f := start(t, open, 0)
	// Keys are bytes, never paths. SPEC B13
	keys := []string{"a", "a/b", "a/", "/", "//", "../../etc/passwd", "a/../b", ".", "ü/日本", "a b+c%20", "a\nb", strings.Repeat("k", 1024)}
	for _, k := range keys {
		f.put(k, "content of "+k)
	}
	for _, k := range keys {
		f.holds(k, "content of "+k)
	}
	for _, bad := range []string{"", "a\x00b", "\xff"} {
		_, err := f.Put(f.ctx, "bucket", bad, strings.NewReader(""), store.PutOptions{})
		f.refused(err, store.ErrInvalidKey)
	}
	_, err := f.Put(f.ctx, "bucket", strings.Repeat("k", 1025), strings.NewReader(""), store.PutOptions{})
	f.refused(err, store.ErrKeyTooLong)
	for _, size := range []int{0, 1, 512<<10 - 1, 512 << 10, 512<<10 + 1, 5 << 20} {
		body := blob("s", size)
		f.put("sized", body)
		f.holds("sized", body)
		_, err := f.Put(f.ctx, "bucket", "unknown", strings.NewReader(body), store.PutOptions{Size: -1})
		f.must(err)
		f.holds("unknown", body)
	}
	// What is shorter or longer than announced changes nothing.
	f.put("sized", "old")
	for _, size := range []int64{2, 4, 1 << 20} {
		_, err := f.Put(f.ctx, "bucket", "sized", strings.NewReader("new"), store.PutOptions{Size: size})
		f.refused(err, store.ErrIncompleteBody)
	}
	broken := errors.New("broken")
	_, err = f.Put(f.ctx, "bucket", "sized", io.MultiReader(strings.NewReader(blob("x", 1<<20)), failing{broken}), store.PutOptions{Size: 2 << 20})
	if !errors.Is(err, broken) {
		f.Fatal(err)
	}
	// Nor does a body that was cut, whether its length was announced or not, or even reached.
	for _, n := range []int{3, 1 << 20} {
		for _, size := range []int64{-1, int64(n), int64(n) + 1} {
			_, err = f.Put(f.ctx, "bucket", "sized", io.MultiReader(strings.NewReader(blob("x", n)), failing{io.ErrUnexpectedEOF}), store.PutOptions{Size: size})
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				f.Fatalf("%d bytes of %d, then cut: %v", n, size, err)
			}
		}
	}
	_, err = f.Put(f.ctx, "bucket", "sized", strings.NewReader("new"), store.PutOptions{
		Size: 3, Finish: func(string) (store.Checksum, error) { return store.Checksum{}, broken },
	})
	if !errors.Is(err, broken) {
		f.Fatal(err)
	}
	f.holds("sized", "old")
	f.recount()
	want := store.PutOptions{
		Size: 1, ContentType: "text/x", Headers: map[string]string{"Cache-Control": "no-store", "Expires": "0"},
		Meta: map[string]string{"a": "1", "b": "", "ü": "é"},
		Finish: func(string) (store.Checksum, error) {
			return store.Checksum{Algorithm: "CRC32", Type: "FULL_OBJECT", Value: "AAAAAA=="}, nil
		},
	}
	_, err = f.Put(f.ctx, "bucket", "described", strings.NewReader("x"), want)
	f.must(err)
	got, err := f.Head(f.ctx, "bucket", "described")
	f.must(err)
	if got.ContentType != "text/x" || fmt.Sprint(got.Headers) != fmt.Sprint(want.Headers) || fmt.Sprint(got.Meta) != fmt.Sprint(want.Meta) ||
		got.Checksum.Value != "AAAAAA==" || got.ETag != "9dd4e461268c8034f5c8564e155c67a6" {
		f.Errorf("%+v", got)
	}
	f.must(f.Delete(f.ctx, "bucket", "described"))
	f.must(f.Delete(f.ctx, "bucket", "described")) // SPEC B13: a missing key is no error
	_, err = f.Head(f.ctx, "bucket", "described")
	f.refused(err, store.ErrNoSuchKey)
	f.recount()
}

type failing struct{ err error }

func (r failing) Read([]byte) (int, error) { return 0, r.err }

func testReopen(t *testing.T, open Backend) {
	place := filepath.Join(t.TempDir(), "store")
	s, err := open(place, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, Store: s, ctx: context.Background()}
	f.must(s.CreateBucket(f.ctx, "bucket", store.CreateBucketOptions{Owner: "peer", Quota: 1000}))
	f.put("k", "kept")
	if second, err := open(place, 0); err == nil {
		second.Close()
		t.Error("two processes must not have one store")
	}
	f.must(s.Close())
	if _, err := s.Put(f.ctx, "bucket", "k", strings.NewReader("x"), store.PutOptions{Size: 1}); err == nil {
		t.Error("a closed store took a write")
	}
	f.Store, err = open(place, 0)
	f.must(err)
	defer f.Close()
	f.holds("k", "kept")
	b, err := f.Bucket(f.ctx, "bucket")
	f.must(err)
	if b.Quota != 1000 || b.Owner != "peer" || b.Bytes != 4 {
		t.Errorf("%+v", b)
	}
	_, err = f.Put(f.ctx, "bucket", "l", strings.NewReader(blob("x", 997)), store.PutOptions{Size: 997})
	f.refused(err, store.ErrQuotaExceeded)
	f.recount()
}
