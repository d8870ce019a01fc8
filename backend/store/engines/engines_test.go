package engines_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/engines"
	"github.com/artifacts-tui/artifacts-tui/backend/store/s3blobs"
	"github.com/artifacts-tui/artifacts-tui/backend/store/storetest"
)

var ctx = context.Background()

// servers are where the engines of a test are, also for the children of its crash test.
type servers struct{ endpoint, access, secret string }

const (
	bucket  = "the-blobs"
	mixture = "ENGINES_TEST_MIXTURE" // of a child: which engines, and the servers
)

func (s servers) keys() engines.Keys {
	return engines.Keys{AccessKeyID: s.access, SecretAccessKey: s.secret}
}

// options of a store that is kept at place.
func (s servers) options(mix, place string) engines.Options {
	o := engines.Options{DataDir: place}
	if strings.HasSuffix(mix, "+s3") {
		name := sha256.Sum256([]byte(place))
		o.Blobs = fmt.Sprintf("s3://%s/%s?endpoint=%s", bucket, hex.EncodeToString(name[:8]), s.endpoint)
		o.Keys = s.keys()
	}
	return o
}

func (s servers) backend(mix string) storetest.Backend {
	return func(place string, maxSize int64) (*store.Store, error) {
		o := s.options(mix, place)
		o.MaxSize = maxSize
		return engines.Open(ctx, o)
	}
}

func start(t *testing.T) servers {
	t.Helper()
	var s servers
	s.endpoint, s.access, s.secret = s3test.StartVersity(t)
	client := s3.New(s3.Options{
		BaseEndpoint: &s.endpoint, Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.access, s.secret, ""),
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMain(m *testing.M) {
	if text := os.Getenv(mixture); text != "" {
		var mix string
		var s servers
		if _, err := fmt.Sscan(text, &mix, &s.endpoint, &s.access, &s.secret); err == nil {
			storetest.Child(s.backend(mix))
		}
	}
	os.Exit(m.Run())
}

// cheap are the parts of the contract that an engine could break, but for what takes long:
// STORETEST_WHOLE runs all.
var cheap = []string{"objects", "readers keep bytes", "copy", "multipart", "copy part", "quota in parallel", "reopen"}

// SPEC B31: the contract holds on every mixture of engines.
func TestContract(t *testing.T) {
	only := cheap
	if os.Getenv("STORETEST_WHOLE") != "" {
		only = nil
	}
	s := start(t)
	for _, mix := range []string{"bolt+s3"} {
		t.Run(mix, func(t *testing.T) {
			t.Setenv(mixture, strings.Join([]string{mix, s.endpoint, s.access, s.secret}, " "))
			storetest.Run(t, s.backend(mix), only...)
		})
	}
}

// An index and the blobs of another one are not opened together: a sweep would delete them all.
func TestEnginesBelongTogether(t *testing.T) {
	s := start(t)
	first := s.options("bolt+s3", filepath.Join(t.TempDir(), "a"))
	open := func(o engines.Options) *store.Store {
		t.Helper()
		st, err := engines.Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	st := open(first)
	must(t, st.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	put(t, st, "k", "kept")
	must(t, st.Ready(ctx))
	must(t, st.Close())
	for name, change := range map[string]func(*engines.Options){
		"a fresh index": func(o *engines.Options) { o.DataDir = t.TempDir() },
		"other blobs":   func(o *engines.Options) { o.Blobs = strings.Replace(o.Blobs, "?", "x?", 1) },
		"an index of other blobs": func(o *engines.Options) {
			other := s.options("bolt+s3", t.TempDir())
			must(t, open(other).Close())
			o.DataDir = other.DataDir
		},
	} {
		o := first
		change(&o)
		if st, err := engines.Open(ctx, o); err == nil {
			_ = st.Close()
			t.Errorf("%s was taken", name)
		} else if strings.Contains(err.Error(), s.secret) {
			t.Error(err)
		}
	}
	st = open(first)
	defer st.Close()
	if got := get(t, st, "k"); got != "kept" {
		t.Error(got)
	}
	buckets, err := st.Buckets(ctx)
	if err != nil || len(buckets) != 1 {
		t.Errorf("what an index notes of itself shows: %v, %v", buckets, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func putErr(s *store.Store, key, content string) error {
	_, err := s.Put(ctx, "bucket", key, strings.NewReader(content), store.PutOptions{Size: int64(len(content))})
	return err
}

func put(t *testing.T, s *store.Store, key, content string) {
	t.Helper()
	must(t, putErr(s, key, content))
}

func get(t *testing.T, s *store.Store, key string) string {
	t.Helper()
	r, err := s.Get(ctx, "bucket", key)
	must(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	must(t, err)
	return string(b)
}

// paused holds a writer between its blob and the index, as a machine that sleeps would.
type paused struct {
	store.Index
	reached, proceed chan struct{}
}

func (p *paused) Put(ctx context.Context, e store.PutEntry) (store.Freed, error) {
	if p.proceed != nil && e.Object.Key == "late" {
		p.reached <- struct{}{}
		<-p.proceed
	}
	return p.Index.Put(ctx, e)
}

// Condemn implements store.Shared.
func (p *paused) Condemn(ctx context.Context, ids []string) ([]string, error) {
	return p.Index.(store.Shared).Condemn(ctx, ids)
}

// ledger is a store.Shared of one process.
type ledger struct {
	store.Index
	mu        sync.Mutex
	condemned map[string]bool
}

// Put implements store.Index.
func (l *ledger) Put(ctx context.Context, e store.PutEntry) (store.Freed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range e.Object.Segments {
		if l.condemned[g.Blob] {
			return store.Freed{}, store.Refuse(store.Condemned, "it took too long")
		}
	}
	return l.Index.Put(ctx, e)
}

// Condemn implements store.Shared.
func (l *ledger) Condemn(ctx context.Context, ids []string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	referred := map[string]bool{}
	if err := l.References(ctx, func(id string) { referred[id] = true }); err != nil {
		return nil, err
	}
	var gone []string
	for _, id := range ids {
		if !referred[id] {
			l.condemned[id] = true
			gone = append(gone, id)
		}
	}
	return gone, nil
}

// Two coordinators: one has written its blob and not recorded it, the other sweeps. The sweep
// leaves a young blob alone; one that it takes for abandoned it deletes, and the writer is refused: what was
// there before stays, and what is acknowledged is never without its bytes. SPEC B31
func TestSweepOfTwo(t *testing.T) {
	s := start(t)
	o := s.options("bolt+s3", t.TempDir())
	parts, err := engines.OpenParts(ctx, engines.Options{DataDir: o.DataDir})
	must(t, err)
	defer parts.Close()
	shared := &ledger{Index: parts.Index, condemned: map[string]bool{}}
	at, err := engines.ParseS3(o.Blobs)
	must(t, err)
	blobs := func(young bool) *s3blobs.Blobs {
		opt := s3blobs.Options{
			Bucket: at.Bucket, Prefix: at.Prefix, Endpoint: at.Endpoint,
			Credentials: credentials.NewStaticCredentialsProvider(s.access, s.secret, ""),
		}
		if !young {
			opt.Young = -1
		}
		b, err := s3blobs.Open(opt)
		must(t, err)
		return b
	}
	slow := &paused{Index: shared, reached: make(chan struct{}), proceed: make(chan struct{})}
	a := store.New(slow, blobs(true), store.Options{Idle: true})
	polite := store.New(shared, blobs(true), store.Options{Idle: true})
	eager := store.New(shared, blobs(false), store.Options{Idle: true})
	must(t, a.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	put(t, polite, "late", "old")

	late := func(content string) chan error {
		done := make(chan error)
		go func() { done <- putErr(a, "late", content) }()
		<-slow.reached
		return done
	}
	done := late("young")
	if n, err := polite.Sweep(ctx); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	slow.proceed <- struct{}{}
	must(t, <-done)
	if got := get(t, eager, "late"); got != "young" {
		t.Error(got)
	}

	done = late("abandoned")
	if n, err := eager.Sweep(ctx); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	slow.proceed <- struct{}{}
	if err := <-done; !errors.Is(err, store.ErrCondemned) {
		t.Error("a writer whose blob was swept:", err)
	}
	if got := get(t, eager, "late"); got != "young" {
		t.Error("what was there before:", got)
	}

	// Writers and sweeps at once: whatever is acknowledged can be read.
	slow.proceed = nil
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 30 {
				key := fmt.Sprintf("%d/%d", w, i)
				switch err := putErr(a, key, key); {
				case errors.Is(err, store.ErrCondemned):
					i--
				case err != nil:
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var sweeps sync.WaitGroup
	sweeps.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := eager.Sweep(ctx); err != nil {
				t.Error(err)
				return
			}
		}
	})
	all.Wait()
	close(stop)
	sweeps.Wait()
	report, err := polite.Check(ctx, store.CheckOptions{Deep: true})
	if err != nil || len(report.Damaged) > 0 || report.Objects == 0 {
		t.Errorf("%+v, %v", report, err)
	}
}
