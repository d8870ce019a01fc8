package engines_test

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
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/engines"
	"github.com/artifacts-tui/artifacts-tui/backend/store/migrate"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// fill puts everything into a store that there is.
func fill(t *testing.T, s *store.Store) {
	t.Helper()
	for i, b := range []string{store.SystemBucket, "bucket", "empty", "full"} {
		must(t, s.CreateBucket(ctx, b, store.CreateBucketOptions{Owner: fmt.Sprint("peer", i), Quota: int64(i) << 30}))
	}
	_, err := s.Put(ctx, store.SystemBucket, "mesh.json", strings.NewReader("{}"), store.PutOptions{Size: 2})
	must(t, err)
	for i := range 50 {
		body := strings.Repeat(fmt.Sprint(i, "|"), rand.IntN(40_000)+1)
		_, err := s.Put(ctx, "bucket", fmt.Sprintf("dir%d/%d ü", i%3, i), strings.NewReader(body), store.PutOptions{
			Size: int64(len(body)), ContentType: "text/x", Headers: map[string]string{"Cache-Control": "no-store"},
			Meta: map[string]string{"n": fmt.Sprint(i)}, Tags: map[string]string{"t": fmt.Sprint(i)},
			Finish: func(string) (store.Checksum, error) {
				return store.Checksum{Algorithm: "CRC32", Type: "FULL_OBJECT", Value: "AAAAAA=="}, nil
			},
		})
		must(t, err)
	}
	put(t, s, "empty object", "")
	_, err = s.Copy(ctx, "bucket", "dir0/0 ü", "bucket", "a copy", store.CopyOptions{})
	must(t, err)
	upload := func(key string, parts int) string {
		id, err := s.CreateUpload(ctx, store.UploadInfo{
			Bucket: "bucket", Key: key, Owner: "peer", ContentType: "text/y", Meta: map[string]string{"m": "1"}, Tags: map[string]string{"t": "u"},
			ChecksumAlgorithm: "CRC32C", ChecksumType: "COMPOSITE",
		})
		must(t, err)
		for n := 1; n <= parts; n++ {
			body := strings.Repeat(fmt.Sprint(n), store.MinPart+n)
			_, err := s.PutPart(ctx, "bucket", key, id, n, strings.NewReader(body), store.PartOptions{
				Size: int64(len(body)), Finish: func(string) (string, error) { return "AAAAAA==", nil },
			})
			must(t, err)
		}
		return id
	}
	id := upload("parts", 3)
	infos, err := s.Parts(ctx, "bucket", "parts", id, 0, 0)
	must(t, err)
	var named []store.CompletedPart
	for _, p := range infos {
		named = append(named, store.CompletedPart{Number: p.Number, ETag: p.ETag})
	}
	_, err = s.CompleteUpload(ctx, "bucket", "parts", id, named, store.CompleteOptions{
		Finish: func(store.UploadInfo, []store.PartInfo) (store.Checksum, error) {
			return store.Checksum{Algorithm: "CRC32C", Type: "COMPOSITE", Value: "AAAAAA==-3"}, nil
		},
	})
	must(t, err)
	upload("in flight", 2)
	upload("in flight", 1)
	upload("begun", 0)
	must(t, s.SetPrefix(ctx, "bucket", "dir1/", 1<<20))
	must(t, s.SetPrefix(ctx, "bucket", "dir1/none/", 0))
	// More than its quota, which a quota that is set later allows.
	_, err = s.Put(ctx, "full", "k", strings.NewReader("12345"), store.PutOptions{Size: 5})
	must(t, err)
	must(t, s.SetQuota(ctx, "full", 3))
}

// cut ends a migration at the n-th write of a blob, as a kill would.
type cut struct {
	store.Blobs
	left *atomic.Int64
}

var errKilled = errors.New("killed")

func (c cut) Create(ctx context.Context, size int64) (store.BlobWriter, error) {
	if c.left.Add(-1) < 0 {
		return nil, errKilled
	}
	return c.Blobs.Create(ctx, size)
}

// A store is moved to the engines and back, killed again and again on its way, and is what it
// was, to the last ETag. Before the end the target is no store; after it the source is none. SPEC B31
func TestMigrate(t *testing.T) {
	s := start(t)
	home := engines.Options{DataDir: t.TempDir()}
	away, err := s.options("postgres+s3", t.TempDir())
	must(t, err)
	back := engines.Options{DataDir: filepath.Join(t.TempDir(), "back")}
	st, err := engines.Open(ctx, home)
	must(t, err)
	fill(t, st)
	must(t, st.Close())

	open := func(o engines.Options) *engines.Engines {
		t.Helper()
		o.Idle = true
		e, err := engines.OpenParts(ctx, o)
		must(t, err)
		return e
	}
	end := func(e *engines.Engines) migrate.End {
		return migrate.End{Index: e.Index, Blobs: e.Blobs, Where: e.Where()}
	}
	refused := func(o engines.Options, why string) {
		t.Helper()
		st, err := engines.Open(ctx, o)
		if err == nil {
			_ = st.Close()
			t.Fatalf("%s is served", o.Where())
		}
		if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), why) {
			t.Fatalf("%v, want %s", err, why)
		}
	}
	move := func(from, to engines.Options, steps int64) migrate.Report {
		t.Helper()
		copied := int64(0)
		for kills := 0; ; kills++ {
			a, b := open(from), open(to)
			source, target := end(a), end(b)
			left := &atomic.Int64{}
			left.Store(steps)
			target.Blobs = cut{target.Blobs, left}
			report, err := migrate.Run(ctx, source, target, migrate.Options{})
			copied += report.Copied
			must(t, errors.Join(a.Close(), b.Close()))
			if err == nil {
				if kills == 0 || report.Copied >= copied {
					t.Errorf("%d kills, and %d copied in the last run of %d", kills, report.Copied, copied)
				}
				return report
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			refused(to, "is not finished")
			// The source is served in between, and changes.
			st, err := engines.Open(ctx, from)
			must(t, err)
			put(t, st, "a copy", fmt.Sprint("changed ", kills))
			put(t, st, fmt.Sprint("new ", kills), "new")
			must(t, st.Delete(ctx, "bucket", fmt.Sprint("new ", kills-1)))
			if kills == 0 {
				must(t, st.DeleteBucket(ctx, "empty"))
				must(t, st.CreateBucket(ctx, "empty", store.CreateBucketOptions{Owner: "another"}))
			}
			must(t, st.Close())
		}
	}
	there := move(home, away, 25)
	refused(home, "was moved to "+away.Where())
	if there.Verified != there.Bytes || there.Objects < 55 || there.Uploads != 3 || there.Parts != 3 || there.Prefixes != 2 || there.Buckets != 4 {
		t.Errorf("%+v", there)
	}
	a, b := open(home), open(back)
	if _, err := migrate.Run(ctx, end(a), end(b), migrate.Options{}); !fault.Is(err, fault.Conflict) {
		t.Error("a store that was moved is moved elsewhere:", err)
	}
	must(t, errors.Join(a.Close(), b.Close()))
	move(away, back, 25)
	refused(away, "was moved to "+back.Where())

	// What came back is what was there, but for what was written meanwhile.
	a, b = open(home), open(back)
	defer a.Close()
	defer b.Close()
	list, err := a.Index.Walk(ctx, "bucket", "", 1000)
	must(t, err)
	same := 0
	for _, want := range list {
		got, err := b.Index.Object(ctx, "bucket", want.Key)
		if strings.HasPrefix(want.Key, "new") || want.Key == "a copy" {
			continue
		}
		must(t, err)
		got.Seq, want.Seq, got.Segments, want.Segments = 0, 0, nil, nil
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		same++
	}
	if same < 50 {
		t.Errorf("only %d objects were compared", same)
	}
	if _, err := migrate.Run(ctx, end(a), end(b), migrate.Options{}); !fault.Is(err, fault.Conflict) {
		t.Error("a store that is full was moved into:", err)
	}
}

// A source that has lost bytes is not moved as if it were whole.
func TestMigrateOfADamagedStore(t *testing.T) {
	home, to := engines.Options{DataDir: t.TempDir()}, engines.Options{DataDir: t.TempDir(), Idle: true}
	st, err := engines.Open(ctx, home)
	must(t, err)
	must(t, st.CreateBucket(ctx, store.SystemBucket, store.CreateBucketOptions{}))
	must(t, st.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	put(t, st, "k", strings.Repeat("x", 100_000))
	must(t, st.Close())
	a, err := engines.OpenParts(ctx, home)
	must(t, err)
	defer a.Close()
	o, err := a.Index.Object(ctx, "bucket", "k")
	must(t, err)
	o.Segments[0].Sum++
	_, err = a.Index.Put(ctx, store.PutEntry{Object: o})
	must(t, err)
	b, err := engines.OpenParts(ctx, to)
	must(t, err)
	defer b.Close()
	_, err = migrate.Run(ctx, migrate.End{Index: a.Index, Blobs: a.Blobs, Where: "a"}, migrate.End{Index: b.Index, Blobs: b.Blobs, Where: "b"}, migrate.Options{})
	if err == nil || !strings.Contains(err.Error(), "bucket/k: its bytes in the source are not what was stored") {
		t.Error(err)
	}
	if b.Settled(ctx) == nil {
		t.Error("half a store can be served")
	}
}

// Whoever wants engines alone does not get them while another process has them.
func TestAlone(t *testing.T) {
	s := start(t)
	defer engines.SetLeaseTime(time.Second)()
	o, err := s.options("postgres+s3", t.TempDir())
	must(t, err)
	st, err := engines.Open(ctx, o)
	must(t, err)
	alone := o
	alone.Alone = true
	if e, err := engines.OpenParts(ctx, alone); err == nil {
		_ = e.Close()
		t.Error("a store that is served was opened alone")
	} else if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "1 coordinators") {
		t.Error(err)
	}
	must(t, st.Close())
	e, err := engines.OpenParts(ctx, alone)
	must(t, err)
	must(t, e.Close())
}

// late opens the source while the target's bytes are read back, as a coordinator does that is
// started by somebody else.
type late struct {
	store.Blobs
	once *sync.Once
	come func()
}

func (l late) Open(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	l.once.Do(l.come)
	return l.Blobs.Open(ctx, id)
}

// A coordinator that was started at the source meanwhile, and what it has answered: the migration
// does not end without it, the source stays the store, and another run takes it along. SPEC B31
func TestMigrateBesideACoordinator(t *testing.T) {
	s := start(t)
	defer engines.SetLeaseTime(time.Second)()
	from, err := s.options("postgres+s3", t.TempDir())
	must(t, err)
	to := engines.Options{DataDir: filepath.Join(t.TempDir(), "to")}
	st, err := engines.Open(ctx, from)
	must(t, err)
	must(t, st.CreateBucket(ctx, store.SystemBucket, store.CreateBucketOptions{}))
	must(t, st.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	put(t, st, "k", "early")
	must(t, st.Close())

	run := func(come func()) error {
		t.Helper()
		from, to := from, to
		from.Alone, from.Idle, to.Idle = true, true, true
		a, err := engines.OpenParts(ctx, from)
		must(t, err)
		b, err := engines.OpenParts(ctx, to)
		must(t, err)
		_, err = migrate.Run(ctx, migrate.End{Index: a.Index, Blobs: a.Blobs, Where: a.Where(), Alone: a.Alone},
			migrate.End{Index: b.Index, Blobs: late{b.Blobs, new(sync.Once), come}, Where: b.Where()}, migrate.Options{})
		must(t, errors.Join(a.Close(), b.Close()))
		return err
	}
	var stays *store.Store
	if err := run(func() {
		var err error
		stays, err = engines.Open(ctx, from)
		must(t, err)
	}); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "1 coordinators") {
		t.Error("beside a coordinator:", err)
	}
	put(t, stays, "k", "while it is served")
	must(t, stays.Close())
	if err := run(func() {
		st, err := engines.Open(ctx, from)
		must(t, err)
		put(t, st, "k", "late")
		must(t, st.Close())
	}); err == nil || !strings.Contains(err.Error(), "the copy is not what the source is") {
		t.Error("after a coordinator that came and went:", err)
	}
	must(t, run(func() {}))
	st, err = engines.Open(ctx, to)
	must(t, err)
	defer st.Close()
	if got := get(t, st, "k"); got != "late" {
		t.Errorf("the last that was answered is %q", got)
	}
}
