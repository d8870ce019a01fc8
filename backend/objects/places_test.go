package objects_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

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
