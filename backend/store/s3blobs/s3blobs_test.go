package s3blobs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/s3blobs"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
)

var ctx = context.Background()

const bucket = "blobs-of-the-store"

// server is versitygw with an empty bucket.
type server struct {
	*testing.T
	s3   *s3.Client
	keys aws.CredentialsProvider
	at   string // endpoint
}

func serve(t *testing.T) *server {
	t.Helper()
	endpoint, access, secret := s3test.StartVersity(t)
	s := &server{T: t, at: endpoint, keys: credentials.NewStaticCredentialsProvider(access, secret, "")}
	s.s3 = s3.New(s3.Options{BaseEndpoint: &endpoint, Region: "us-east-1", Credentials: s.keys, UsePathStyle: true})
	_, err := s.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)})
	s.must(err)
	return s
}

func (s *server) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *server) open(o s3blobs.Options) *s3blobs.Blobs {
	s.Helper()
	if o.Endpoint == "" {
		o.Endpoint = s.at
	}
	o.Bucket, o.Credentials = bucket, s.keys
	b, err := s3blobs.Open(o)
	s.must(err)
	s.Cleanup(func() {
		if err := b.Close(); err != nil {
			s.Error(err)
		}
	})
	return b
}

// keys lists what is in the bucket below prefix, and how many uploads are in flight.
func (s *server) listed(prefix string) (keys []string, uploads int) {
	s.Helper()
	out, err := s.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &prefix})
	s.must(err)
	for _, o := range out.Contents {
		keys = append(keys, *o.Key)
	}
	parts, err := s.s3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	s.must(err)
	return keys, len(parts.Uploads)
}

func (s *server) await(what string, done func() bool) {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatal("waited for ", what)
		}
	}
}

// body is n bytes that differ by seed and by place.
func body(seed uint64, n int) []byte {
	p := make([]byte, n)
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = random.Read(p)
	return p
}

func sum(p []byte) uint32 { return crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)) }

func write(b *s3blobs.Blobs, p []byte, size int64) (string, error) {
	w, err := b.Create(ctx, size)
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(p)}, make([]byte, 100_001)); err != nil {
		return "", err
	}
	return w.Commit()
}

func read(b *s3blobs.Blobs, id string, expect func(store.Expecter)) ([]byte, error) {
	r, err := b.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if expect != nil {
		expect(r.(store.Expecter))
	}
	return io.ReadAll(r)
}

const mib = 1 << 20

// SPEC B31: what is written is what is read, by one PUT or in parts, as a whole and by ranges.
func TestBlobs(t *testing.T) {
	s := serve(t)
	b := s.open(s3blobs.Options{Prefix: "/some/prefix/"})
	for i, n := range []int{1, 300 << 10, 8 * mib, 8*mib + 1, 17 * mib} {
		want := body(uint64(i), n)
		for _, size := range []int64{int64(n), -1} {
			id, err := write(b, want, size)
			s.must(err)
			for name, expect := range map[string]func(store.Expecter){
				"not announced": nil,
				"announced":     func(e store.Expecter) { e.Expect(int64(n), sum(want)) },
				"no sum":        func(e store.Expecter) { e.Expect(int64(n), 0) },
				"more":          func(e store.Expecter) { e.Expect(1, 0) },
			} {
				if got, err := read(b, id, expect); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes, size %d, %s: %d bytes, %v", n, size, name, len(got), err)
				}
			}
			r, err := b.Open(ctx, id)
			s.must(err)
			for range 6 {
				off := rand.IntN(n)
				length := 1 + rand.IntN(min(n-off, 100_000))
				_, err := r.Seek(int64(off), io.SeekStart)
				s.must(err)
				if rand.IntN(2) == 0 {
					r.(store.Expecter).Expect(int64(length), sum(want[off:off+length]))
				}
				got := make([]byte, length)
				if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want[off:off+length]) {
					t.Fatalf("%d bytes at %d of %d: %v", length, off, n, err)
				}
			}
			end, err := r.Seek(0, io.SeekEnd)
			if err != nil || end != int64(n) {
				t.Fatal(end, err)
			}
			if _, err := r.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // io.Reader returns EOF itself
				t.Fatal(err)
			}
			s.must(r.Close())
			_, err = read(b, id, func(e store.Expecter) { e.Expect(int64(n), sum(want)+1) })
			if !errors.Is(err, store.ErrDamaged) {
				t.Fatal("bytes that are others than the index says:", err)
			}
			if _, err = read(b, id, func(e store.Expecter) { e.Expect(int64(n)+1, 0) }); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal("a blob that is shorter than the index says:", err)
			}
			s.must(b.Delete(ctx, id))
			s.must(b.Delete(ctx, id))
			if _, err := read(b, id, nil); !errors.Is(err, fs.ErrNotExist) {
				t.Fatal("a blob that was deleted:", err)
			}
		}
	}
	for _, bad := range []string{"", "x", "../store", "AA" + string(bytes.Repeat([]byte("0"), 30))} {
		if _, err := b.Open(ctx, bad); err == nil {
			t.Errorf("%q is an id", bad)
		}
	}
	if keys, uploads := s.listed(""); len(keys) != 0 || uploads != 0 {
		t.Error(keys, uploads)
	}
}

// What is given up leaves nothing.
func TestAbort(t *testing.T) {
	s := serve(t)
	b := s.open(s3blobs.Options{})
	for _, n := range []int{100, 10 * mib, 30 * mib} {
		w, err := b.Create(ctx, -1)
		s.must(err)
		_, err = w.Write(body(1, n))
		s.must(err)
		w.Abort()
		if _, err := w.Commit(); err == nil {
			t.Error("an aborted blob was committed")
		}
	}
	// A client that goes away.
	gone, leave := context.WithCancel(ctx)
	w, err := b.Create(gone, -1)
	s.must(err)
	_, err = w.Write(body(1, 10*mib))
	s.must(err)
	leave()
	if _, err := w.Commit(); err == nil {
		t.Error("a blob was committed for who had gone")
	}
	s.await("everything to go", func() bool { keys, uploads := s.listed(""); return len(keys)+uploads == 0 })
	id, err := write(b, body(1, 100), 100)
	s.must(err)
	r, err := b.Open(ctx, id)
	s.must(err)
	s.must(b.Delete(ctx, id))
	if got, err := io.ReadAll(r); err != nil || len(got) != 100 {
		t.Error("a reader that is open reads on:", err)
	}
	s.must(r.Close())
	s.await("the blob to go with its reader", func() bool { keys, _ := s.listed(""); return len(keys) == 0 })
}

// However many large blobs are written at once, they hold no more memory than was given.
func TestMemoryIsBounded(t *testing.T) {
	s := serve(t)
	b := s.open(s3blobs.Options{Memory: 64 * mib})
	var held []store.BlobWriter
	for range 6 { // 8 MiB each, of the three quarters for those who wait for their clients
		w, err := b.Create(ctx, -1)
		s.must(err)
		held = append(held, w)
	}
	late, leave := context.WithCancel(ctx)
	over := make(chan error)
	go func() { _, err := b.Create(late, -1); over <- err }()
	leave()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Fatal("a seventh did not wait:", err)
	}
	small, err := b.Create(ctx, 100<<10) // takes nothing of it
	s.must(err)
	_, err = small.Write(body(1, 100<<10))
	s.must(err)
	_, err = small.Commit()
	s.must(err)
	// Those who are in wait for nobody, however much each of them sends.
	_, err = held[0].Write(body(1, 40*mib))
	s.must(err)
	_, err = held[0].Commit()
	s.must(err)
	next, err := b.Create(ctx, -1) // in its place
	s.must(err)
	next.Abort()
	for _, w := range held {
		w.Abort()
	}
	// Several side by side.
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			want := body(uint64(i), 12*mib)
			id, err := write(b, want, int64(len(want)))
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := read(b, id, nil); err != nil || !bytes.Equal(got, want) {
				t.Error(len(got), err)
			}
		})
	}
	all.Wait()
}

// A store that refuses, resets, cuts off and lies in a third of its answers: everything
// arrives, and nothing else stays.
func TestFaults(t *testing.T) {
	s := serve(t)
	proxy := faultproxy.Start(t, s.at)
	b := s.open(s3blobs.Options{Endpoint: proxy.Endpoint(), Young: -1, Timeout: 5 * time.Second})
	proxy.Mix(1, 0.33, faultproxy.SlowDown, faultproxy.Broken, faultproxy.ResetRequest, faultproxy.ResetResponse,
		faultproxy.Truncate, faultproxy.HalfHeaders, faultproxy.Half404, faultproxy.Shorten)
	var all sync.WaitGroup
	var mu sync.Mutex
	var ids []string
	for i, n := range []int{1, 1000, 32 << 10, mib, 9 * mib, 20 * mib} {
		for j := range 2 {
			all.Go(func() {
				want := body(uint64(i), n)
				id, err := write(b, want, []int64{int64(n), -1}[j])
				if err != nil {
					t.Errorf("%d bytes: %v", n, err)
					return
				}
				got, err := read(b, id, func(e store.Expecter) { e.Expect(int64(n), sum(want)) })
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes: %d, %v", n, len(got), err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids = append(ids, id)
			})
		}
	}
	all.Wait()
	if proxy.Met(faultproxy.SlowDown) == 0 || proxy.Met(faultproxy.ResetResponse) == 0 {
		t.Error("no fault was met")
	}
	// Uploads whose beginning was not answered are left, for a sweep that is late enough.
	s.await("only what was committed", func() bool { keys, _ := s.listed("blobs/"); return len(keys) == len(ids) })
	// A storm of refusals that is over before patience is.
	proxy.Set(faultproxy.SlowDown)
	go func() {
		met := proxy.Met(faultproxy.SlowDown)
		for proxy.Met(faultproxy.SlowDown) < met+3 {
			time.Sleep(time.Millisecond)
		}
		proxy.Set(faultproxy.Pass)
	}()
	id, err := write(b, body(1, 1000), 1000)
	s.must(err)
	ids = append(ids, id)
	refs := fixed{slices.Clone(ids[1:])}
	proxy.Mix(2, 0.2, faultproxy.SlowDown, faultproxy.Broken, faultproxy.ResetResponse, faultproxy.Truncate, faultproxy.Half404, faultproxy.EmptyList)
	b.SetUploadMax(-time.Hour)
	swept, err := b.Sweep(ctx, refs)
	if err != nil || swept.Removed != 1 {
		t.Errorf("swept %d, %v", swept.Removed, err)
	}
	proxy.Set(faultproxy.Pass)
	if keys, uploads := s.listed("blobs/"); len(keys) != len(ids)-1 || uploads != 0 {
		t.Errorf("%d blobs and %d uploads, want %d and none", len(keys), uploads, len(ids)-1)
	}
}

// fixed are references.
type fixed struct{ ids []string }

func (f fixed) Each(of store.Span, fn func(id string)) error {
	for _, id := range f.ids {
		if of.Has(id) {
			fn(id)
		}
	}
	return nil
}

func (f fixed) Condemn(ids []string) ([]string, error) { return ids, nil }

// A store that says nothing, or what no S3 store says, is an error in the end, in words that
// hold no URL, and never a blob, a missing one, or an empty list.
func TestOutOfReach(t *testing.T) {
	s := serve(t)
	proxy := faultproxy.Start(t, s.at)
	b := s.open(s3blobs.Options{Endpoint: proxy.Endpoint(), Prefix: "p"})
	hasty := s.open(s3blobs.Options{Endpoint: proxy.Endpoint(), Prefix: "p", Timeout: 50 * time.Millisecond})
	id, err := write(b, body(1, 1000), 1000)
	s.must(err)
	large, err := write(b, body(1, 9*mib), 9*mib)
	s.must(err)
	for _, f := range []faultproxy.Fault{faultproxy.BlackHole, faultproxy.Refuse, faultproxy.SlowDown, faultproxy.Portal, faultproxy.Half404} {
		proxy.Set(f)
		check := func(what string, err error) {
			t.Helper()
			if !fault.Is(err, fault.Unreachable) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, %s: %v", f, what, err)
			} else if bytes.Contains([]byte(err.Error()), []byte("http")) {
				t.Errorf("%s, %s: %v", f, what, err)
			}
		}
		_, err := write(hasty, body(2, 1000), 1000)
		check("write", err)
		_, err = write(hasty, body(2, 9*mib), 9*mib)
		check("write in parts", err)
		_, err = read(hasty, id, nil)
		check("read", err)
		if f != faultproxy.Half404 { // an answer without a body has no half
			check("ping", hasty.Ping(ctx))
		}
		_, err = hasty.Sweep(ctx, fixed{})
		check("sweep", err)
		_, err = hasty.Empty(ctx)
		check("list", err)
	}
	for f, kind := range map[faultproxy.Fault]fault.Kind{faultproxy.Revoked: fault.Auth, faultproxy.NoBucket: fault.NotFound} {
		proxy.Set(f)
		if _, err := read(b, id, nil); !fault.Is(err, kind) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", f, err)
		}
		if err := b.Ping(ctx); !fault.Is(err, kind) && f != faultproxy.NoBucket {
			t.Errorf("%s: %v", f, err)
		}
	}
	proxy.Set(faultproxy.Pass)
	for _, id := range []string{id, large} {
		if _, err := read(b, id, nil); err != nil {
			t.Error(err)
		}
	}
	s.must(b.Ping(ctx))
}

// One of all who have the blobs sweeps a day; what it may not touch, it does not.
func TestSweep(t *testing.T) {
	s := serve(t)
	b, other := s.open(s3blobs.Options{Prefix: "p"}), s.open(s3blobs.Options{Prefix: "p", Young: -1})
	stranger := s.open(s3blobs.Options{Prefix: "p2"})
	if !b.Untidy() || b.Untidy() {
		t.Error("blobs that nobody has swept are untidy, and that is said once")
	}
	var ids []string
	for i := range 5 {
		id, err := write(b, body(uint64(i), 1000), 1000)
		s.must(err)
		ids = append(ids, id)
	}
	_, err := write(stranger, body(1, 10), 10)
	s.must(err)
	_, err = s.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("p/blobs/00/README"), Body: bytes.NewReader([]byte("x"))})
	s.must(err)
	if swept, err := b.Sweep(ctx, fixed{}); err != nil || swept.Removed != 0 {
		t.Errorf("young blobs: %d swept, %v", swept.Removed, err)
	}
	if _, err := other.Sweep(ctx, fixed{[]string{ids[0], "strange"}}); err == nil {
		t.Error("a sweep went by references that it cannot read")
	}
	if _, err := other.Sweep(ctx, broken{}); err == nil {
		t.Error("a sweep went without references")
	}
	if swept, err := other.Sweep(ctx, fixed{ids[:3]}); err != nil || swept.Removed != 2 {
		t.Errorf("%d swept, %v", swept.Removed, err)
	}
	for i, id := range ids {
		if _, err := read(b, id, nil); errors.Is(err, fs.ErrNotExist) != (i >= 3) {
			t.Errorf("blob %d: %v", i, err)
		}
	}
	if keys, _ := s.listed("p2/blobs/"); len(keys) != 1 {
		t.Error("the sweep took another store's blobs")
	}
	if keys, _ := s.listed("p/blobs/00/README"); len(keys) != 1 {
		t.Error("the sweep took what is no blob")
	}
	if third := s.open(s3blobs.Options{Prefix: "p"}); third.Untidy() {
		t.Error("swept a moment ago, and untidy")
	}
}

// A sweep asks for the references of part after part, each blob's once, and remembers no more
// blobs than it may; whatever the sizes of the parts, it takes the orphans and nothing else. SPEC B31
func TestSweepInParts(t *testing.T) {
	s := serve(t)
	b := s.open(s3blobs.Options{Prefix: "p", Young: -1})
	var ids []string
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			id, err := write(b, body(uint64(i), 10), 10)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, id)
		})
	}
	all.Wait()
	for _, bounds := range [][2]int{{1 << 20, 1 << 20}, {50, 1 << 20}, {20, 3}} {
		b.SetSweep(bounds[0], bounds[1])
		refs := &spans{fixed: fixed{ids[10:]}}
		swept, err := b.Sweep(ctx, refs)
		if err != nil || swept.Removed != 10 {
			t.Errorf("%v: %d swept, %v", bounds, swept.Removed, err)
		}
		ids = ids[10:]
		if keys, _ := s.listed("p/blobs/"); len(keys) != len(ids) {
			t.Errorf("%v: %d blobs are left, want %d", bounds, len(keys), len(ids))
		}
		at := ""
		for _, of := range refs.of {
			if of.From != at && strings.TrimRight(of.From, "0") != strings.TrimRight(at, "0") {
				t.Errorf("%v: after %q it asks from %q on", bounds, at, of.From)
			}
			at = of.To
		}
		if at != "" || bounds[0] < 100 && len(refs.of) < 3 {
			t.Errorf("%v: it asks for %v", bounds, refs.of)
		}
	}
}

// spans are references that remember how they were asked for.
type spans struct {
	fixed
	of []store.Span
}

func (s *spans) Each(of store.Span, fn func(id string)) error {
	s.of = append(s.of, of)
	return s.fixed.Each(of, fn)
}

type broken struct{ fixed }

func (broken) Each(store.Span, func(string)) error { return fmt.Errorf("the index does not answer") }

// The id of a place is given once, whoever asks first.
func TestID(t *testing.T) {
	s := serve(t)
	got := make([]string, 8)
	var all sync.WaitGroup
	for i := range got {
		b := s.open(s3blobs.Options{Prefix: "p"})
		all.Go(func() {
			var err error
			if got[i], err = b.ID(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if slices.Sort(got); got[0] != got[7] || got[0] == "" {
		t.Error(got)
	}
	b := s.open(s3blobs.Options{Prefix: "other"})
	if id, err := b.ID(ctx); err != nil || id == got[0] {
		t.Error(id, err)
	}
	if empty, err := b.Empty(ctx); err != nil || !empty {
		t.Error(empty, err)
	}
	_, err := write(b, body(1, 1), 1)
	s.must(err)
	if empty, err := b.Empty(ctx); err != nil || empty {
		t.Error(empty, err)
	}
}
