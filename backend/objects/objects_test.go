package objects_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// world is a store with one bucket, and a folder.
type world struct {
	t      *testing.T
	server *s3test.Server
	dir    string
	stores map[string]*objects.Store
}

func newWorld(t *testing.T, options ...s3test.Option) *world {
	w := &world{t: t, server: s3test.Start(t, options...), dir: t.TempDir(), stores: map[string]*objects.Store{}}
	w.server.CreateBucket(t, "bkt")
	return w
}

func open(t *testing.T, endpoint, bucket, key, secret string) *objects.Store {
	t.Helper()
	creds := keyring.Credentials{AccessKeyID: key, SecretAccessKey: keyring.NewSecret(secret)}
	c, err := remote.New(remote.Options{Endpoint: endpoint, Bucket: bucket, Keys: remote.NewKeys(creds), Timeout: 3 * time.Second, Hints: &objects.Hints})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return objects.NewStore(objects.Options{
		Client: c, Name: objects.Name{Kind: objects.Bucket, In: bucket}, Bucket: bucket, Location: endpoint, Account: endpoint + creds.Fingerprint(),
	})
}

// place opens what text says. A bucket named far is bkt by another account, over endpoint.
func (w *world) place(text string) objects.Place {
	w.t.Helper()
	if rest, ok := strings.CutPrefix(text, "@/"); ok {
		text = filepath.Join(w.dir, rest)
		if strings.HasSuffix(rest, "/") {
			text += "/"
		}
	}
	n, err := objects.Parse(text)
	if err != nil {
		w.t.Fatal(err)
	}
	p := objects.Place{Name: n}
	if n.Remote() {
		if w.stores[n.In] == nil {
			w.stores[n.In] = open(w.t, w.server.Endpoint(), n.In, w.server.AccessKey, w.server.Secret)
		}
		p.Store = w.stores[n.In]
	}
	return p
}

func (w *world) request(from, to string) objects.Request {
	return objects.Request{From: []objects.Place{w.place(from)}, To: w.place(to), Recursive: true}
}

// must wants a request to succeed.
func (w *world) must(r objects.Request) objects.Result {
	w.t.Helper()
	result, err := objects.Copy(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("copy: %v", err)
	}
	return result
}

func (w *world) sync(from, to string, remove bool) objects.Result {
	w.t.Helper()
	result, err := objects.Sync(w.t.Context(), w.request(from, to), remove)
	if err != nil {
		w.t.Fatalf("sync: %v", err)
	}
	return result
}

func (w *world) write(path string, content []byte) {
	w.t.Helper()
	full := filepath.Join(w.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(full, content, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(key string, content []byte) {
	w.t.Helper()
	s := w.place("bkt/").Store
	_, err := s.Client.S3().PutObject(w.t.Context(), &s3.PutObjectInput{Bucket: &s.Bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		w.t.Fatal(err)
	}
}

// keys are all of the bucket.
func (w *world) keys() (keys []string) {
	w.t.Helper()
	if err := w.place("bkt/").Store.List(w.t.Context(), "", "", func(page []objects.Object) error {
		for _, o := range page {
			keys = append(keys, o.Key)
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return keys
}

func (w *world) content(key string) []byte {
	w.t.Helper()
	var b bytes.Buffer
	w.must(objects.Request{From: []objects.Place{w.place("bkt/" + objects.Escape(key))}, To: objects.Place{Name: objects.Name{Kind: objects.Std}}, Out: &b})
	return b.Bytes()
}

// files are those below a folder of the world, and their contents.
func (w *world) files(dir string) map[string]string {
	w.t.Helper()
	found := map[string]string{}
	root := filepath.Join(w.dir, dir)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		found[rel] = string(b)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return found
}

// nothingInFlight wants no upload in parts to be left.
func (w *world) nothingInFlight() {
	w.t.Helper()
	uploads, err := w.place("bkt/").Store.Client.S3().ListMultipartUploads(w.t.Context(), &s3.ListMultipartUploadsInput{Bucket: ptr("bkt")})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(uploads.Uploads) != 0 {
		w.t.Errorf("%d uploads in parts are left", len(uploads.Uploads))
	}
}

func ptr[T any](v T) *T { return &v }

func random(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// SPEC C10: what goes up comes down, by every way and in every size.
func TestRoundTrip(t *testing.T) {
	w := newWorld(t)
	want := map[string]string{}
	for name, size := range map[string]int{"empty": 0, "small": 5, "dir/one part": 16 << 20, "dir/parts": 16<<20 + 1, "dir/sub/ranges": 40<<20 + 3} {
		content := random(byte(size), size)
		want[name] = string(content)
		w.write("src/"+name, content)
	}
	when := time.Unix(1700000000, 123456789)
	if err := os.Chtimes(filepath.Join(w.dir, "src/dir/parts"), when, when); err != nil {
		t.Fatal(err)
	}
	r := w.must(w.request("@/src/", "bkt/up/"))
	if r.Transferred != 5 || r.Unverified != 0 {
		t.Errorf("up: %+v", r)
	}
	r = w.must(w.request("bkt/up/", "@/down/"))
	if r.Transferred != 5 || r.Unverified != 0 {
		t.Errorf("down: %+v", r)
	}
	compare(t, w.files("down"), want)
	info, err := os.Stat(filepath.Join(w.dir, "down/dir/parts"))
	if err != nil || !info.ModTime().Equal(when) {
		t.Errorf("the time of a file: %v, %v", info.ModTime(), err)
	}
	w.must(w.request("bkt/up/", "bkt/copy/"))
	w.must(w.request("bkt/copy/", "@/again/"))
	compare(t, w.files("again"), want)

	// Through this process, between accounts.
	id, secret := w.server.AddPeer("other")
	far := w.request("bkt/up/", "bkt/far/")
	far.From[0].Store = open(t, w.server.Endpoint(), "bkt", id, secret)
	if r := w.must(far); r.Transferred != 5 {
		t.Errorf("between accounts: %+v", r)
	}
	w.must(w.request("bkt/far/", "@/from far/"))
	compare(t, w.files("from far"), want)
	head, err := w.place("bkt/").Store.Look(t.Context(), "far/dir/parts")
	if err != nil || !head.FileTime.Equal(when) || head.Checksums["crc32c"] == "" || !head.Whole {
		t.Errorf("what a copy between accounts has: %+v, %v", head, err)
	}
	w.nothingInFlight()
}

func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if c, ok := got[name]; !ok || c != want[name] {
			t.Errorf("%q: there %v, %d bytes of %d, the same: %v", name, ok, len(c), len(want[name]), c == want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%q is there too", name)
		}
	}
}

// SPEC C10: where sources go is told by the slash at the destination's end.
func TestDestinations(t *testing.T) {
	w := newWorld(t)
	w.write("f", []byte("f"))
	w.write("d/x", []byte("x"))
	w.write("d/y.txt", []byte("y"))
	w.write("d/e/z.txt", []byte("z"))
	for _, c := range []struct {
		from, to string
		keys     []string
	}{
		{"@/f", "bkt/", []string{"f"}},
		{"@/f", "bkt/g", []string{"g"}},
		{"@/f", "bkt/g/", []string{"g/f"}},
		{"@/d", "bkt/", []string{"d/e/z.txt", "d/x", "d/y.txt"}},
		{"@/d/", "bkt/", []string{"e/z.txt", "x", "y.txt"}},
		{"@/d", "bkt/n", []string{"n/e/z.txt", "n/x", "n/y.txt"}},
		{"@/d/*.txt", "bkt/", []string{"y.txt"}},
		{"@/d/**.txt", "bkt/p/", []string{"p/e/z.txt", "p/y.txt"}},
	} {
		w.must(w.request(c.from, c.to))
		if got := w.keys(); !slices.Equal(got, c.keys) {
			t.Errorf("%s to %s: %q, want %q", c.from, c.to, got, c.keys)
		}
		if r, err := objects.Delete(t.Context(), objects.Request{From: []objects.Place{w.place("bkt/")}, Recursive: true}); err != nil || int(r.Deleted) != len(c.keys) {
			t.Fatalf("delete: %+v, %v", r, err)
		}
	}
	w.must(w.request("@/d", "bkt/"))
	for _, c := range []struct {
		from, to string
		files    []string
	}{
		{"bkt/d/x", "@/o1/", []string{"x"}},
		{"bkt/d/x", "@/o2/named", []string{"named"}},
		{"bkt/d", "@/o3", []string{"e/z.txt", "x", "y.txt"}},
		{"bkt/d", "@/o4/", []string{"d/e/z.txt", "d/x", "d/y.txt"}},
		{"bkt/d/*.txt", "@/o5/", []string{"y.txt"}},
		{"bkt/**/z*", "@/o6/", []string{"d/e/z.txt"}},
	} {
		w.must(w.request(c.from, c.to))
		dir, _, _ := strings.Cut(strings.TrimPrefix(c.to, "@/"), "/")
		got := []string{}
		for name := range w.files(dir) {
			got = append(got, name)
		}
		if slices.Sort(got); !slices.Equal(got, c.files) {
			t.Errorf("%s to %s: %q, want %q", c.from, c.to, got, c.files)
		}
	}
	for from, to := range map[string]string{"bkt/d": "bkt/d/e", "bkt/d/x": "bkt/d/x", "@/d/*": "bkt/one", "bkt/*": "@/new", "@/f": "@/g"} {
		if r, err := objects.Copy(t.Context(), w.request(from, to)); !fault.Is(err, fault.Usage) {
			t.Errorf("%s to %s: %+v, %v", from, to, r, err)
		}
	}
	plain := w.request("bkt/d", "@/o9/")
	plain.Recursive = false
	if _, err := objects.Copy(t.Context(), plain); !fault.Is(err, fault.Usage) || !strings.Contains(fault.As(err).Hint, "-r") {
		t.Errorf("a folder without -r: %v", err)
	}
	for _, from := range []string{"bkt/none", "bkt/none/", "bkt/none*", "@/none"} {
		r := w.request(from, "@/o9/")
		if from[0] == '@' {
			r.To = w.place("bkt/o9/")
		}
		if _, err := objects.Copy(t.Context(), r); from != "bkt/none/" && !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// SPEC C10: a second sync transfers nothing; what differs is sent, what is gone is deleted only if that is asked for.
func TestSync(t *testing.T) {
	w := newWorld(t)
	want := map[string]string{}
	for name, size := range map[string]int{"a": 10, "a.txt": 20, "a-/b": 5, "b/c": 30, "b.d": 3, "big": 17 << 20, "ü/日本": 4} {
		content := random(byte(size), size)
		want[name] = string(content)
		w.write("src/"+name, content)
	}
	if r := w.sync("@/src", "bkt/dst", true); r.Transferred != 7 || r.Same != 0 {
		t.Errorf("first: %+v", r)
	}
	w.server.Forget()
	if r := w.sync("@/src", "bkt/dst", true); r.Transferred != 0 || r.Same != 7 || r.Deleted != 0 {
		t.Errorf("second: %+v", r)
	}
	for _, r := range w.server.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			t.Errorf("a second sync sent %s %s", r.Method, r.Path)
		}
	}
	// Without the same time or a listing that tells: by content alone.
	now := time.Now()
	_ = os.Chtimes(filepath.Join(w.dir, "src/big"), now, now)
	w.write("src/a", []byte("0123456789")) // as long as before
	want["a"] = "0123456789"
	w.write("src/new", []byte("n"))
	want["new"] = "n"
	if err := os.Remove(filepath.Join(w.dir, "src/b.d")); err != nil {
		t.Fatal(err)
	}
	delete(want, "b.d")
	dry := w.request("@/src", "bkt/dst")
	dry.DryRun = true
	var changes []string
	dry.Each = func(c objects.Change) {
		if c.Action != objects.Same {
			changes = append(changes, string(c.Action)+" "+c.To)
		}
	}
	before := w.keys()
	if r, err := objects.Sync(t.Context(), dry, true); err != nil || r.Transferred != 2 || r.Deleted != 1 {
		t.Errorf("dry: %+v, %v", r, err)
	}
	slices.Sort(changes)
	if !slices.Equal(changes, []string{"copy bkt/dst/a", "copy bkt/dst/new", "delete bkt/dst/b.d"}) || !slices.Equal(w.keys(), before) {
		t.Errorf("a dry run says %q, and leaves %q of %q", changes, w.keys(), before)
	}
	if r := w.sync("@/src", "bkt/dst", false); r.Transferred != 2 || r.Same != 5 || r.Deleted != 0 {
		t.Errorf("after a change: %+v", r)
	}
	if r := w.sync("@/src", "bkt/dst", true); r.Transferred != 0 || r.Deleted != 1 {
		t.Errorf("with deletion: %+v", r)
	}
	w.write("down/stays not", nil)
	if r := w.sync("bkt/dst", "@/down", true); r.Transferred != 7 || r.Deleted != 1 {
		t.Errorf("down: %+v", r)
	}
	compare(t, w.files("down"), want)
	if r := w.sync("bkt/dst", "@/down", true); r.Transferred != 0 || r.Same != 7 {
		t.Errorf("down again: %+v", r)
	}
	for range 2 {
		r := w.sync("bkt/dst", "bkt/copy", true)
		if s := w.sync("bkt/dst", "bkt/copy", true); s.Transferred != 0 || s.Same != 7 {
			t.Errorf("within the store: %+v, then %+v", r, s)
		}
	}
}

// A sync does not overwrite what somebody has written since it looked.
func TestSyncLosesNoUpdate(t *testing.T) {
	w := newWorld(t)
	w.write("src/a", []byte("ours"))
	w.put("a", []byte("old"))
	proxy := intercept(t, w.server.Endpoint(), func(r *http.Request) {
		if r.Method == http.MethodPut {
			w.put("a", []byte("theirs"))
		}
	}, nil)
	r := w.request("@/src", "bkt/")
	r.To.Store = open(t, proxy, "bkt", w.server.AccessKey, w.server.Secret)
	result, err := objects.Sync(t.Context(), r, true)
	if !fault.Is(err, fault.Conflict) || result.Failed != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	if got := w.content("a"); string(got) != "theirs" {
		t.Errorf("the object is %q", got)
	}
}

// intercept passes requests on, after before and with change between.
func intercept(t *testing.T, endpoint string, before func(*http.Request), change func(*http.Response) error) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Director:       func(r *http.Request) { r.URL.Scheme, r.URL.Host = u.Scheme, u.Host },
		ModifyResponse: change,
	}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if before != nil {
			before(r)
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + u.Path
}

// flip changes one byte of what passes.
type flip struct {
	io.ReadCloser
	at int
}

func (f *flip) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if f.at >= 0 && f.at < n {
		p[f.at] ^= 1
	}
	f.at -= n
	return n, err
}

// SPEC C10: a byte that changes on its way is an error, and nothing is kept.
func TestFlippedByte(t *testing.T) {
	w := newWorld(t)
	big := random(9, 40<<20)
	w.write("src/big", big)
	w.write("src/small", random(8, 1000))
	w.must(w.request("@/src/", "bkt/"))
	proxy := intercept(t, w.server.Endpoint(), nil, func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && !r.Request.URL.Query().Has("list-type") {
			r.Body = &flip{r.Body, 500}
		}
		return nil
	})
	for _, key := range []string{"small", "big"} {
		r := w.request("bkt/"+key, "@/down/")
		r.From[0].Store = open(t, proxy, "bkt", w.server.AccessKey, w.server.Secret)
		if _, err := objects.Copy(t.Context(), r); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("%s: %v", key, err)
		}
	}
	if got := w.files("down"); len(got) != 0 {
		t.Errorf("kept: %v", keysOf(got))
	}
	up := intercept(t, w.server.Endpoint(), func(r *http.Request) {
		if r.Method == http.MethodPut {
			r.Body = &flip{r.Body, 500}
		}
	}, nil)
	for _, file := range []string{"small", "big"} {
		r := w.request("@/src/"+file, "bkt/spoiled/")
		r.To.Store = open(t, up, "bkt", w.server.AccessKey, w.server.Secret)
		if _, err := objects.Copy(t.Context(), r); err == nil {
			t.Errorf("%s was stored", file)
		}
	}
	if got := w.keys(); !slices.Equal(got, []string{"big", "small"}) {
		t.Errorf("the bucket holds %q", got)
	}
	w.nothingInFlight()
}

func keysOf(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// SPEC C10: connections that break in the middle of a body cost time and nothing else.
func TestBrokenConnections(t *testing.T) {
	w := newWorld(t)
	want := map[string]string{}
	for i := range 40 {
		name, content := fmt.Sprintf("f%02d", i), random(byte(i), 50_000)
		if i == 0 {
			content = random(0, 40<<20)
		}
		want[name] = string(content)
		w.write("src/"+name, content)
	}
	proxy := faultproxy.Start(t, w.server.Endpoint())
	proxy.Mix(1, 0.15, faultproxy.ResetRequest, faultproxy.ResetResponse, faultproxy.Truncate, faultproxy.SlowDown, faultproxy.Broken, faultproxy.HalfHeaders)
	s := open(t, proxy.Endpoint(), "bkt", w.server.AccessKey, w.server.Secret)
	// What five tries in a row fail is told, and a second run ends it: it is what people do.
	again := func(from, to objects.Place) {
		t.Helper()
		for range 10 {
			_, err := objects.Sync(t.Context(), objects.Request{From: []objects.Place{from}, To: to}, false)
			if err == nil {
				return
			}
			if !fault.Is(err, fault.Unreachable) && !fault.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
		}
		t.Fatal("ten runs were not enough")
	}
	bkt := objects.Place{Name: objects.Name{Kind: objects.Bucket, In: "bkt"}, Store: s}
	again(w.place("@/src/"), bkt)
	again(bkt, w.place("@/down/"))
	compare(t, w.files("down"), want)
	w.sync("bkt/", "@/direct/", false)
	compare(t, w.files("direct"), want)
	if proxy.Met(faultproxy.ResetResponse) == 0 || proxy.Met(faultproxy.ResetRequest) == 0 {
		t.Error("no connection broke")
	}
}

// SPEC B24, C14: the quota is hit in the middle: exit code 6, no part stays, nothing is begun after it.
func TestQuotaInTheMiddle(t *testing.T) {
	w := newWorld(t, s3test.WithMaxSize(30<<20))
	for i := range 30 {
		w.write(fmt.Sprintf("src/f%02d", i), random(byte(i), 2<<20))
	}
	r := w.request("@/src/", "bkt/")
	r.Parallel = 2
	result, err := objects.Copy(t.Context(), r)
	if !fault.Is(err, fault.Quota) || result.Transferred == 0 || result.Failed > 2 {
		t.Errorf("%+v, %v", result, err)
	}
	if got := w.keys(); len(got) != int(result.Transferred) {
		t.Errorf("%d objects are there of %d", len(got), result.Transferred)
	}
	w.write("large", random(7, 40<<20))
	if _, err := objects.Copy(t.Context(), w.request("@/large", "bkt/")); !fault.Is(err, fault.Quota) {
		t.Errorf("a large file: %v", err)
	}
	w.nothingInFlight()
}

// moving calls f once when bytes move.
type moving struct {
	once sync.Once
	f    func()
	sum  atomic.Int64
}

func (m *moving) Expect(int64, int64, bool) {}
func (m *moving) Finish()                   {}
func (m *moving) Fail(error)                {}
func (m *moving) Advance(n int64) {
	if m.sum.Add(n) > 1<<20 {
		m.once.Do(m.f)
	}
}

// SPEC C10: who cancels finds nothing half done, in the store or on the disk.
func TestCancelLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.write("src/big", random(1, 64<<20))
	for i := range 100 {
		w.write(fmt.Sprintf("src/f%02d", i), random(byte(i), 100_000))
	}
	whole := w.files("src")
	slow := func(place *objects.Place) {
		c := place.Store.Client
		c.SetBandwidth(remote.Bandwidth{Up: 8 << 20, Down: 8 << 20})
	}
	cancelled := func(r objects.Request) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r.Report = &moving{f: cancel}
		if _, err := objects.Copy(ctx, r); !fault.Is(err, fault.Interrupted) {
			t.Errorf("cancelled: %v", err)
		}
	}
	up := w.request("@/src/", "bkt/")
	slow(&up.To)
	up.Resume = filepath.Join(w.dir, "resume")
	cancelled(up)
	w.nothingInFlight()
	if left, _ := os.ReadDir(up.Resume); len(left) != 0 {
		t.Errorf("records of uploads are left: %v", left)
	}
	w.stores = map[string]*objects.Store{}
	for _, key := range w.keys() {
		if string(w.content(key)) != whole[key] {
			t.Errorf("%s is in the store, and not whole", key)
		}
	}
	w.must(w.request("@/src/", "bkt/"))
	down := w.request("bkt/", "@/down/")
	slow(&down.From[0])
	cancelled(down)
	for name, content := range w.files("down") {
		if content != whole[name] {
			t.Errorf("%s is on the disk, and not whole", name)
		}
	}
	stream := objects.Request{From: []objects.Place{{Name: objects.Name{Kind: objects.Std}}}, To: w.place("bkt/stream"), In: endless{}}
	slow(&stream.To)
	cancelled(stream)
	w.nothingInFlight()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// SPEC C10: an upload in parts that lost its store goes on where it was.
func TestResume(t *testing.T) {
	w := newWorld(t)
	content := random(3, 176<<20)
	w.write("big", content)
	proxy := faultproxy.Start(t, w.server.Endpoint())
	r := w.request("@/big", "bkt/")
	r.To.Store = open(t, proxy.Endpoint(), "bkt", w.server.AccessKey, w.server.Secret)
	r.Resume = filepath.Join(w.dir, "resume")
	var parts atomic.Int64
	report := &moving{f: func() {}}
	r.Report = report
	counted := intercept(t, proxy.Endpoint(), nil, func(res *http.Response) error {
		if res.Request.Method == http.MethodPut && res.StatusCode == 200 && parts.Add(1) == 3 {
			proxy.Set(faultproxy.Broken)
		}
		return nil
	})
	r.To.Store = open(t, counted, "bkt", w.server.AccessKey, w.server.Secret)
	if _, err := objects.Copy(t.Context(), r); !fault.Is(err, fault.Unreachable) {
		t.Fatalf("with the store down: %v", err)
	}
	if raw, _ := filepath.Glob(filepath.Join(r.Resume, "*.json")); len(raw) != 1 {
		t.Fatalf("records: %q", raw)
	}
	proxy.Set(faultproxy.Pass)
	w.server.Forget()
	w.must(r)
	sent := 0
	for _, req := range w.server.Requests() {
		if req.Method == http.MethodPut {
			sent++
		}
	}
	if sent == 0 || sent > 8 {
		t.Errorf("the second run sent %d parts of 11, of which 3 or more were there", sent)
	}
	if got := w.content("big"); !bytes.Equal(got, content) {
		t.Error("the content differs")
	}
	w.nothingInFlight()
	if left, _ := os.ReadDir(r.Resume); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// SPEC B13: odd keys. One that cannot be a local file name is named, and the rest goes on.
func TestOddKeys(t *testing.T) {
	w := newWorld(t)
	good := []string{"plain", "with space", "a+b", "ü/日本語", "100%", "tab\there", "q?x", "star*", `back\slash`, "-", "a&b<c>"}
	bad := []string{"x//y", "../up", "d/./e", "f/../g", "file", "file/below", "/lead"}
	for _, k := range append(slices.Clone(good), bad...) {
		w.put(k, []byte(k))
	}
	result, err := objects.Copy(t.Context(), w.request("bkt/", "@/down/"))
	if err == nil || int(result.Failed) != len(bad)-1 || int(result.Transferred) != len(good)+1 { // of file and file/below one
		t.Errorf("%+v, %v", result, err)
	}
	got := w.files("down")
	for _, k := range good {
		if got[k] != k {
			t.Errorf("%q: %q", k, got[k])
		}
	}
	var told strings.Builder
	for _, e := range result.Errors {
		fmt.Fprintln(&told, e)
	}
	for _, k := range []string{"x//y", "../up", "d/./e", "f/../g", "/lead", "file"} {
		if !strings.Contains(told.String(), k) {
			t.Errorf("no error names %q:\n%s", k, told.String())
		}
	}
	if _, err := os.Stat(filepath.Join(w.dir, "up")); err == nil {
		t.Error("a key left the folder")
	}
	w.must(w.request("bkt/x//y", "@/named"))
	if w.files("")["named"] != "x//y" {
		t.Error("x//y under another name")
	}
	for _, k := range append(good, bad...) {
		if string(w.content(k)) != k {
			t.Errorf("%q cannot be read", k)
		}
	}
	all := len(good) + len(bad)
	w.server.CreateBucket(t, "copy")
	if r := w.must(w.request("bkt/", "copy/")); int(r.Transferred) != all {
		t.Errorf("copied: %+v", r)
	}
	if r, err := objects.Delete(t.Context(), objects.Request{From: []objects.Place{w.place("bkt/")}, Recursive: true}); err != nil || int(r.Deleted) != all || len(w.keys()) != 0 {
		t.Errorf("deleted: %+v, %v, left %q", r, err, w.keys())
	}
}

// SPEC C10: symlinks are left out and told, or followed; one that goes in a circle ends.
func TestSymlinks(t *testing.T) {
	w := newWorld(t)
	w.write("src/file", []byte("f"))
	w.write("other/x", []byte("x"))
	for link, to := range map[string]string{"src/link": "file", "src/out": "../other", "src/circle": ".", "src/dangling": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(w.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if r := w.must(w.request("@/src/", "bkt/a/")); r.Transferred != 1 || r.LeftOut != 4 {
		t.Errorf("left out: %+v", r)
	}
	follow := w.request("@/src/", "bkt/b/")
	follow.Follow = true
	r, err := objects.Copy(t.Context(), follow)
	if !fault.Is(err, fault.NotFound) || r.Transferred != 3 || r.LeftOut != 1 || r.Failed != 1 {
		t.Errorf("followed: %+v, %v", r, err)
	}
	if got := w.keys(); !slices.Equal(got, []string{"a/file", "b/file", "b/link", "b/out/x"}) {
		t.Errorf("%q", got)
	}
	// What is fetched stays within its folder, whatever symlinks lie there.
	if err := os.MkdirAll(filepath.Join(w.dir, "trap"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../other", filepath.Join(w.dir, "trap/out")); err != nil {
		t.Fatal(err)
	}
	w.put("b/out/x", []byte("changed"))
	if _, err := objects.Copy(t.Context(), w.request("bkt/b/", "@/trap/")); err == nil || w.files("other")["x"] != "x" {
		t.Errorf("a symlink led out of the folder: %v", err)
	}
}

// SPEC C10: a source is deleted once its copy is proven, and not where somebody changed it.
func TestMove(t *testing.T) {
	w := newWorld(t)
	w.write("src/a", []byte("a"))
	w.write("src/d/b", random(1, 17<<20))
	move := func(from, to string) objects.Request {
		r := w.request(from, to)
		r.Move = true
		return r
	}
	if r := w.must(move("@/src/", "bkt/one/")); r.Transferred != 2 || len(w.files("src")) != 0 {
		t.Errorf("up: %+v, left %v", r, keysOf(w.files("src")))
	}
	w.must(move("bkt/one/", "bkt/two/"))
	if got := w.keys(); !slices.Equal(got, []string{"two/a", "two/d/b"}) {
		t.Errorf("%q", got)
	}
	w.must(move("bkt/two/", "@/back/"))
	if got := w.files("back"); got["a"] != "a" || got["d/b"] != string(random(1, 17<<20)) || len(w.keys()) != 0 {
		t.Errorf("down: %q, left %q", keysOf(got), w.keys())
	}
	// The same object by another name of its store is not deleted as its own source.
	w.put("k", []byte("k"))
	alias := move("bkt/k", "bkt/k")
	id, secret := w.server.AddPeer("other")
	alias.From[0].Store = open(t, strings.Replace(w.server.Endpoint(), "127.0.0.1", "localhost", 1), "bkt", id, secret)
	if r, err := objects.Copy(t.Context(), alias); !fault.Is(err, fault.Conflict) || string(w.content("k")) != "k" {
		t.Errorf("onto itself: %+v, %v", r, err)
	}
	// Changed between copy and deletion.
	w.put("c", []byte("old"))
	proxy := intercept(t, w.server.Endpoint(), func(r *http.Request) {
		if r.Method == http.MethodDelete {
			w.put("c", []byte("new"))
		}
	}, nil)
	changed := move("bkt/c", "bkt/moved")
	s := open(t, proxy, "bkt", w.server.AccessKey, w.server.Secret)
	changed.From[0].Store, changed.To.Store = s, s
	if _, err := objects.Copy(t.Context(), changed); !fault.Is(err, fault.Conflict) || string(w.content("c")) != "new" || string(w.content("moved")) != "old" {
		t.Errorf("changed meanwhile: %v, %q, %q", err, w.content("c"), w.content("moved"))
	}
}

// SPEC C10: a stream of unknown length.
func TestStreams(t *testing.T) {
	w := newWorld(t)
	for _, size := range []int{0, 1, 16 << 20, 50<<20 + 1} {
		content := random(byte(size), size)
		w.must(objects.Request{From: []objects.Place{{Name: objects.Name{Kind: objects.Std}}}, To: w.place("bkt/s"), In: io.MultiReader(bytes.NewReader(content))})
		if got := w.content("s"); !bytes.Equal(got, content) {
			t.Errorf("%d bytes came back as %d", size, len(got))
		}
	}
	w.put("p", []byte("0123456789"))
	s := w.place("bkt/").Store
	for _, c := range []struct {
		off, n int64
		want   string
	}{{0, 4, "0123"}, {8, 100, "89"}, {10, 5, ""}, {99, 1, ""}, {0, 0, ""}} {
		b, o, err := s.Read(t.Context(), "p", c.off, c.n)
		if err != nil || string(b) != c.want || o.Size != 10 {
			t.Errorf("%d bytes at %d: %q, %+v, %v", c.n, c.off, b, o, err)
		}
	}
	if _, _, err := s.Read(t.Context(), "none", 0, 1); !fault.Is(err, fault.NotFound) {
		t.Errorf("a preview of nothing: %v", err)
	}
}

// SPEC C10, B7: links for GET and PUT, whose life is bounded.
func TestShare(t *testing.T) {
	w := newWorld(t)
	w.put("a +ü", []byte("shared"))
	s := w.place("bkt/").Store
	get, err := s.Share(t.Context(), "a +ü", time.Hour, false)
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, url, body string) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	if status, body := do("GET", get.URL, ""); status != 200 || body != "shared" {
		t.Errorf("GET: %d %s", status, body)
	}
	if status, _ := do("PUT", get.URL, "x"); status != 403 {
		t.Errorf("a link to read was written to: %d", status)
	}
	put, err := s.Share(t.Context(), "up", 7*24*time.Hour, true)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do("PUT", put.URL, "uploaded"); status != 200 || string(w.content("up")) != "uploaded" {
		t.Errorf("PUT: %d %s", status, body)
	}
	if strings.Contains(get.URL, w.server.Secret) || get.Expires.Sub(time.Now()) > time.Hour {
		t.Errorf("%+v", get)
	}
	for _, life := range []time.Duration{0, 7*24*time.Hour + 1, -time.Hour} {
		if _, err := s.Share(t.Context(), "a", life, false); !fault.Is(err, fault.Usage) {
			t.Errorf("for %s: %v", life, err)
		}
	}
}

// SPEC C14: what failed is what the exit code says.
func TestKinds(t *testing.T) {
	w := newWorld(t)
	w.put("a", []byte("a"))
	other := open(t, w.server.Endpoint(), "bkt", w.server.AccessKey, "wrong-secret-000000000000")
	gone := open(t, "http://127.0.0.1:1/s3", "bkt", "k", "s")
	none := open(t, w.server.Endpoint(), "none", w.server.AccessKey, w.server.Secret)
	for kind, s := range map[fault.Kind]*objects.Store{fault.Auth: other, fault.Unreachable: gone, fault.NotFound: none} {
		err := s.List(t.Context(), "", "", func([]objects.Object) error { return nil })
		if !fault.Is(err, kind) || strings.Contains(fault.As(err).Hint, "mount") {
			t.Errorf("%d: %v (%s)", kind, err, fault.As(err).Hint)
		}
	}
	id, secret := w.server.AddScoped("bkt", "ws/", true)
	scoped := w.request("bkt/a", "bkt/ws/a")
	scoped.To.Store = open(t, w.server.Endpoint(), "bkt", id, secret)
	if _, err := objects.Copy(t.Context(), scoped); !fault.Is(err, fault.Auth) {
		t.Errorf("a read-only pair: %v", err)
	}
}

// A listing's pages come as they arrive, prefixes among keys in their order.
func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := range 2500 {
		if _, err := w.server.Store.Put(t.Context(), "bkt", fmt.Sprintf("k%04d", i), strings.NewReader("x"), store.PutOptions{Size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	w.put("k0000/below", nil)
	w.put("k1000/below", nil)
	var pages, count, prefixes int
	last := ""
	s := w.place("bkt/").Store
	err := s.List(t.Context(), "", "/", func(page []objects.Object) error {
		if pages++; pages == 1 {
			if n := len(w.server.Requests()); n > 5 {
				t.Errorf("the first page came after %d requests", n)
			}
		}
		for _, o := range page {
			if o.Key <= last {
				t.Errorf("%q after %q", o.Key, last)
			}
			if last = o.Key; o.Prefix {
				prefixes++
			}
		}
		count += len(page)
		return nil
	})
	if err != nil || pages < 3 || count != 2502 || prefixes != 2 {
		t.Errorf("%d pages, %d entries, %d prefixes, %v", pages, count, prefixes, err)
	}
}
