package objects_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
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
