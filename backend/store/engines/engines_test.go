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
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/engines"
	"github.com/artifacts-tui/artifacts-tui/backend/store/s3blobs"
	"github.com/artifacts-tui/artifacts-tui/backend/store/storetest"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
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

// newDatabase is set by the test that opens stores; a child only opens what is there.
var newDatabase func() (string, error)

// databaseOf is the database of a store that is kept at place, which says so.
func databaseOf(place string) (string, error) {
	name := filepath.Join(place, "database")
	text, err := os.ReadFile(name)
	if !errors.Is(err, os.ErrNotExist) {
		return string(text), err
	}
	url, err := newDatabase()
	if err != nil {
		return "", err
	}
	return url, errors.Join(os.MkdirAll(place, 0o700), os.WriteFile(name, []byte(url), 0o600))
}

// options of a store that is kept at place.
func (s servers) options(mix, place string) (o engines.Options, err error) {
	o.DataDir = place
	if strings.HasPrefix(mix, "postgres+") {
		if o.Index, err = databaseOf(place); err != nil {
			return o, err
		}
		o.Blobs = filepath.Join(place, "shared")
	}
	if strings.HasSuffix(mix, "+s3") {
		name := sha256.Sum256([]byte(place))
		o.Blobs = fmt.Sprintf("s3://%s/%s?endpoint=%s", bucket, hex.EncodeToString(name[:8]), s.endpoint)
		o.Keys = s.keys()
	}
	return o, nil
}

// backend has a store that one process has at a time, as the lock of a coordinator's data_dir does.
func (s servers) backend(mix string) storetest.Backend {
	return func(place string, maxSize int64) (*store.Store, error) {
		o, err := s.options(mix, place)
		if err != nil {
			return nil, err
		}
		o.MaxSize = maxSize
		if err := os.MkdirAll(place, 0o700); err != nil {
			return nil, err
		}
		lock, err := os.OpenFile(filepath.Join(place, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		e, err := engines.OpenParts(ctx, o)
		if err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		e.Blobs = locked{e.Blobs, lock}
		return e.Store(), nil
	}
}

// locked lets another process have the store when it is closed.
type locked struct {
	store.Blobs
	lock *os.File
}

func (l locked) Close() error { return errors.Join(l.Blobs.Close(), l.lock.Close()) }

func start(t *testing.T) servers {
	t.Helper()
	newDatabase = func() (string, error) { return pgtest.URL(t), nil }
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
	os.Exit(pgtest.Main(m))
}

// cheap are the parts of the contract that an engine could break, but for what takes long:
// STORETEST_WHOLE runs all.
var cheap = []string{"objects", "readers keep bytes", "copy", "multipart", "reopen"}

// SPEC B31: the contract holds on every mixture of engines.
func TestContract(t *testing.T) {
	only, mixtures := cheap, []string{"bolt+s3", "postgres+dir", "postgres+s3"} // package local has bolt+dir
	if os.Getenv("STORETEST_WHOLE") != "" {
		only, mixtures = nil, append(mixtures, "bolt+dir")
	}
	s := start(t)
	for _, mix := range mixtures {
		t.Run(mix, func(t *testing.T) {
			t.Setenv(mixture, strings.Join([]string{mix, s.endpoint, s.access, s.secret}, " "))
			storetest.Run(t, s.backend(mix), only...)
		})
	}
}

// SPEC B31: a sweep can ask each index for a part of the references.
func TestSpans(t *testing.T) {
	s := start(t)
	for _, mix := range []string{"bolt+dir", "bolt+s3", "postgres+dir", "postgres+s3"} {
		t.Run(mix, func(t *testing.T) {
			o, err := s.options(mix, t.TempDir())
			must(t, err)
			parts, err := engines.OpenParts(ctx, o)
			must(t, err)
			st := parts.Store()
			defer func() { must(t, st.Close()) }()
			storetest.Spans(t, st, parts.Index)
		})
	}
}

// An index and the blobs of another one are not opened together: a sweep would delete them all.
func TestEnginesBelongTogether(t *testing.T) {
	s := start(t)
	at := func(place string) engines.Options {
		o, err := s.options("bolt+s3", place)
		must(t, err)
		return o
	}
	first := at(filepath.Join(t.TempDir(), "a"))
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
			other := at(t.TempDir())
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

// Two coordinators: one has written its blob and not recorded it, the other sweeps. The sweep
// leaves a young blob alone; one that it takes for abandoned it deletes, and the writer is refused: what was
// there before stays, and what is acknowledged is never without its bytes. SPEC B31
func TestSweepOfTwo(t *testing.T) {
	s := start(t)
	o, err := s.options("postgres+s3", t.TempDir())
	must(t, err)
	var both []store.Index
	for range 2 {
		parts, err := engines.OpenParts(ctx, o)
		must(t, err)
		defer parts.Close()
		both = append(both, parts.Index)
	}
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
	slow := &paused{Index: both[0], reached: make(chan struct{}), proceed: make(chan struct{})}
	a := store.New(slow, blobs(true), store.Options{Idle: true})
	polite := store.New(both[1], blobs(true), store.Options{Idle: true})
	eager := store.New(both[1], blobs(false), store.Options{Idle: true})
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
			for i := range 15 {
				key := fmt.Sprintf("%d/%d", w, i)
				err := putErr(a, key, key)
				for errors.Is(err, store.ErrCondemned) {
					err = putErr(a, key, key)
				}
				if err != nil {
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
	if err != nil || len(report.Damaged) > 0 || report.Objects != 61 {
		t.Errorf("%+v, %v", report, err)
	}
}

// More large bodies at once than there is memory for: those that wait hold nothing that the
// others need to go on.
func TestMoreBodiesThanMemory(t *testing.T) {
	s := start(t)
	o, err := s.options("bolt+s3", t.TempDir())
	must(t, err)
	parts, err := engines.OpenParts(ctx, engines.Options{DataDir: o.DataDir})
	must(t, err)
	at, err := engines.ParseS3(o.Blobs)
	must(t, err)
	blobs, err := s3blobs.Open(s3blobs.Options{
		Bucket: at.Bucket, Prefix: at.Prefix, Endpoint: at.Endpoint, Memory: 16 << 20,
		Credentials: credentials.NewStaticCredentialsProvider(s.access, s.secret, ""),
	})
	must(t, err)
	must(t, parts.Blobs.Close())
	st := store.New(parts.Index, blobs, store.Options{Idle: true})
	defer st.Close()
	must(t, st.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	const n, size = 40, 5 << 19
	body := strings.Repeat("0123456789abcdef", size/16)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			length := int64(size)
			if i%2 == 0 {
				length = -1
			}
			if _, err := st.Put(ctx, "bucket", fmt.Sprint(i), strings.NewReader(body), store.PutOptions{Size: length}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	report, err := st.Check(ctx, store.CheckOptions{})
	if err != nil || !report.Sound() || report.Objects != n {
		t.Errorf("%+v, %v", report, err)
	}
}
