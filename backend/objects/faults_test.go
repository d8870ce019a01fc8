package objects_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/faultproxy"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// intercept passes requests on, after before and with change between.
func intercept(t *testing.T, endpoint string, before func(*http.Request), change func(*http.Response) error) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = u.Scheme, u.Host },
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
		if res.Request.Method == http.MethodPut && res.StatusCode == http.StatusOK && parts.Add(1) == 3 {
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

// SPEC C10: a download that lost its store, or whose program was killed, goes on where it was; what
// is not what arrived is fetched again, and so is all of an object that has changed.
func TestResumeDownload(t *testing.T) {
	w := newWorld(t)
	content := random(4, 145<<20)
	w.write("src/big", content)
	w.must(w.request("@/src/big", "bkt/"))
	proxy := faultproxy.Start(t, w.server.Endpoint())
	var ranges atomic.Int64
	through := intercept(t, proxy.Endpoint(), nil, func(res *http.Response) error {
		if res.Request.Header.Get("Range") != "" && ranges.Add(1) == 6 {
			proxy.Set(faultproxy.Broken)
		}
		return nil
	})
	r := w.request("bkt/big", "@/down/")
	r.From[0].Store = open(t, through, "bkt", w.server.AccessKey, w.server.Secret)
	r.Resume = filepath.Join(w.dir, "resume")
	finish := func(want []byte) (fetched int64) {
		t.Helper()
		w.server.Forget()
		w.must(r)
		if got := w.files("down"); len(got) != 1 || got["big"] != string(want) {
			t.Errorf("the content differs, of %q", keysOf(got))
		}
		if left, _ := os.ReadDir(r.Resume); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		for _, req := range w.server.Requests() {
			var from, to int64
			if n, _ := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-%d", &from, &to); n == 2 {
				fetched += to - from + 1
			}
		}
		return fetched
	}
	if _, err := objects.Copy(t.Context(), r); !fault.Is(err, fault.Unreachable) {
		t.Fatalf("with the store down: %v", err)
	}
	records, _ := filepath.Glob(filepath.Join(r.Resume, "*.arrived"))
	files, _ := filepath.Glob(filepath.Join(w.dir, "down", ".artifacts-*.part"))
	if len(records) != 1 || len(files) != 1 {
		t.Fatalf("left: %q and %q", records, files)
	}
	raw, err := os.ReadFile(records[0])
	if err != nil {
		t.Fatal(err)
	}
	const piece, ofRange = 1 << 20, 16
	have, spoiled := map[int]bool{}, -1
	for _, line := range strings.Split(string(raw), "\n")[1:] {
		var i int
		if n, _ := fmt.Sscan(line, &i); n == 1 {
			if have[i] = true; i%ofRange == 0 {
				spoiled = i
			}
		}
	}
	if spoiled < 0 {
		t.Fatalf("no range has begun: %q", raw)
	}
	f, err := os.OpenFile(files[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("torn by a loss of power"), int64(spoiled)*piece+1000); err != nil {
		t.Fatal(err)
	}
	delete(have, spoiled)
	want := int64(len(content))
	for first := 0; first < len(content)/piece; first += ofRange {
		for i := first; i < first+ofRange && have[i]; i++ {
			want -= piece
		}
	}
	proxy.Set(faultproxy.Pass)
	if got := finish(content); got != want {
		t.Errorf("the second run fetched %d bytes, and not %d", got, want)
	}

	if err := errors.Join(os.Rename(filepath.Join(w.dir, "down/big"), files[0]), os.WriteFile(records[0], raw, 0o600)); err != nil {
		t.Fatal(err)
	}
	other := random(6, 40<<20)
	w.write("src/big", other)
	w.must(w.request("@/src/big", "bkt/"))
	if got := finish(other); got != int64(len(other)) {
		t.Errorf("of an object that has changed %d bytes were fetched", got)
	}
}
