package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

const bucket = "work"

func pair(key, secret string) keyring.Credentials {
	return keyring.Credentials{AccessKeyID: key, SecretAccessKey: keyring.NewSecret(secret)}
}

func connect(t *testing.T, s *s3test.Server, prefix string) (*remote.Client, *remote.Keys) {
	t.Helper()
	keys := remote.NewKeys(pair(s.AccessKey, s.Secret))
	c, err := remote.New(remote.Options{Endpoint: s.Endpoint(), Bucket: bucket, Prefix: prefix, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, keys
}

func start(t *testing.T) *s3test.Server {
	t.Helper()
	s := s3test.Start(t)
	s.CreateBucket(t, bucket)
	return s
}

func put(t *testing.T, c *remote.Client, key string, data []byte) upper.Object {
	t.Helper()
	o, err := c.Put(t.Context(), key, bytes.NewReader(data), int64(len(data)), upper.PutMeta{ModTime: time.Unix(1700000000, 123456789)})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return o
}

func read(t *testing.T, c *remote.Client, o upper.Object) []byte {
	t.Helper()
	body, err := c.ReadRange(t.Context(), o.Key, o.ETag, 0, o.Size)
	if err != nil {
		t.Fatalf("read %s: %v", o.Key, err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("read %s: %v", o.Key, err)
	}
	return data
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestPutRoundTrip(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "ws/")
	for _, size := range []int{0, 5, 16 << 20, 16<<20 + 1, 40<<20 + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			key, data := fmt.Sprintf("dir/file-%d.txt", size), noise(size)
			o := put(t, c, key, data)
			if got := read(t, c, o); !bytes.Equal(got, data) {
				t.Fatalf("read %d bytes that differ", len(got))
			}
			head, err := c.Head(t.Context(), key)
			if err != nil || head.ETag != o.ETag || head.Size != int64(size) || head.ETag == "" {
				t.Fatalf("head: %+v, %v; put said %+v", head, err, o)
			}
		})
	}
}

// The modification time travels as rclone writes it, so that rclone shows it.
func TestPutMetadata(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "")
	put(t, c, "a.json", []byte("{}"))
	r := s.Requests()[0]
	if got := r.Header.Get("X-Amz-Meta-Mtime"); got != "1700000000.123456789" {
		t.Errorf("mtime metadata is %q", got)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type is %q", got)
	}
}

func TestListing(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "a b/+ü/")
	outside, _ := connect(t, s, "")
	put(t, outside, "elsewhere", []byte("x"))
	for _, key := range []string{
		"f+1 %41.txt", "dir/", "dir/inner/deep", "dir/x&<y>", "link" + upper.SymlinkSuffix, "both", "both/below",
		"double//slash", "dot/../up", strings.Repeat("n", 255), strings.Repeat("n", 256),
	} {
		data := []byte("12345")
		if strings.HasSuffix(key, "/") {
			data = nil
		}
		put(t, c, key, data)
	}
	list := func(dir string) string {
		t.Helper()
		objects, err := c.ListDir(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, o := range objects {
			fmt.Fprintf(&b, "%c %s\n", "fdl"[o.Kind], strings.ReplaceAll(o.Key, strings.Repeat("n", 255), "N255"))
		}
		return b.String()
	}
	for dir, want := range map[string]string{
		"":        "f N255\nd both\nd dir\nd dot\nd double\nf f+1 %41.txt\nl link.rclonelink\n",
		"dir":     "d dir/inner\nf dir/x&<y>\n",
		"double":  "",
		"dot":     "",
		"missing": "",
	} {
		got := list(dir)
		if dir == "" { // sorted by the real key
			want = "d both\nd dir\nd dot\nd double\nf f+1 %41.txt\nl link.rclonelink\nf N255\n"
		}
		if got != want {
			t.Errorf("list %q:\n%swant:\n%s", dir, got, want)
		}
	}
	var keys []string
	if err := c.Walk(t.Context(), "dir/", func(o upper.Object) error {
		keys = append(keys, fmt.Sprintf("%c %s", "fdl"[o.Kind], o.Key))
		return nil
	}); err != nil || strings.Join(keys, ",") != "d dir/,f dir/inner/deep,f dir/x&<y>" {
		t.Errorf("walk: %v, %v", keys, err)
	}
}

// A listing of more than one page is whole.
func TestListingPages(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "")
	for i := range 1205 {
		put(t, c, fmt.Sprintf("d/%04d", i), nil)
	}
	objects, err := c.ListDir(t.Context(), "d")
	if err != nil || len(objects) != 1205 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
}

func TestCopyConditions(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "p/")
	const src = "from here+%/ü.bin"
	o := put(t, c, src, []byte("content"))
	if _, err := c.Copy(t.Context(), src, "to", "0123456789abcdef0123456789abcdef"); !errors.Is(err, upper.ErrChanged) {
		t.Errorf("another ETag: %v, want ErrChanged", err)
	}
	if _, err := c.Copy(t.Context(), "missing", "to", ""); !errors.Is(err, upper.ErrNoObject) {
		t.Errorf("a missing source: %v, want ErrNoObject", err)
	}
	copied, err := c.Copy(t.Context(), src, "to", o.ETag)
	if err != nil {
		t.Fatal(err)
	}
	copied.Size = o.Size
	if got := read(t, c, copied); string(got) != "content" {
		t.Errorf("the copy holds %q", got)
	}
	if _, err := c.ReadRange(t.Context(), src, "0123456789abcdef0123456789abcdef", 0, 3); !errors.Is(err, upper.ErrChanged) {
		t.Errorf("a ranged read of another version: %v, want ErrChanged", err)
	}
	if _, err := c.ReadRange(t.Context(), "missing", "", 0, 3); !errors.Is(err, upper.ErrNoObject) {
		t.Errorf("a ranged read of nothing: %v, want ErrNoObject", err)
	}
	if err := c.Delete(t.Context(), "missing"); err != nil {
		t.Errorf("deleting what is not there: %v", err)
	}
}

// SPEC C4, C14: each way a store can refuse has its kind.
func TestFaultKinds(t *testing.T) {
	s := start(t)
	s.CreateBucket(t, "full")
	scopedKey, scopedSecret := s.AddScoped(bucket, "mine/", false)
	dead := s3test.Start(t)
	dead.Down()
	peer := pair(s.AccessKey, s.Secret)
	for name, c := range map[string]struct {
		opt  remote.Options
		want fault.Kind
	}{
		"unknown key":      {remote.Options{Endpoint: s.Endpoint(), Bucket: bucket, Keys: remote.NewKeys(pair("nobody", s.Secret))}, fault.Auth},
		"wrong secret":     {remote.Options{Endpoint: s.Endpoint(), Bucket: bucket, Keys: remote.NewKeys(pair(s.AccessKey, "wrong"))}, fault.Auth},
		"another prefix":   {remote.Options{Endpoint: s.Endpoint(), Bucket: bucket, Prefix: "yours/", Keys: remote.NewKeys(pair(scopedKey, scopedSecret))}, fault.Auth},
		"missing bucket":   {remote.Options{Endpoint: s.Endpoint(), Bucket: "nothing-here", Keys: remote.NewKeys(peer)}, fault.NotFound},
		"nobody listens":   {remote.Options{Endpoint: "http://127.0.0.1:1", Bucket: bucket, Keys: remote.NewKeys(peer)}, fault.Unreachable},
		"no such host":     {remote.Options{Endpoint: "http://store.invalid", Bucket: bucket, Keys: remote.NewKeys(peer)}, fault.Unreachable},
		"hangs up":         {remote.Options{Endpoint: dead.Endpoint(), Bucket: bucket, Keys: remote.NewKeys(peer)}, fault.Unreachable},
		"not a URL":        {remote.Options{Endpoint: "ftp://x", Bucket: bucket, Keys: remote.NewKeys(peer)}, fault.Usage},
		"keys in endpoint": {remote.Options{Endpoint: "https://AKIA:topsecret@host", Bucket: bucket, Keys: remote.NewKeys(peer)}, fault.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := remote.New(c.opt)
			if err == nil {
				defer client.Close()
				err = client.Check(t.Context())
			}
			if !fault.Is(err, c.want) || fault.As(err).Hint == "" {
				t.Fatalf("%v (hint %q); want kind %s and a hint", err, fault.As(err).Hint, c.want.Code())
			}
			for _, secret := range []string{s.Secret, "topsecret"} {
				if strings.Contains(fmt.Sprintf("%v %+v", err, fault.As(err).Hint), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
		})
	}
}

// SPEC B24: a quota's refusal is its own kind, and a delete that was refused is not done.
func TestRefusals(t *testing.T) {
	s := s3test.Start(t, s3test.WithMaxSize(1000))
	s.CreateBucket(t, bucket)
	c, _ := connect(t, s, "")
	put(t, c, "small", noise(900))
	_, err := c.Put(t.Context(), "big", bytes.NewReader(noise(900)), 900, upper.PutMeta{})
	if !fault.Is(err, fault.Quota) {
		t.Errorf("past the quota: %v, want kind %s", err, fault.Quota.Code())
	}
	for status, want := range map[int]fault.Kind{403: fault.Auth, 503: fault.Unreachable, 500: fault.Unreachable} {
		s.SetFailing(func(*http.Request) int { return status })
		if err := c.Delete(t.Context(), "small"); !fault.Is(err, want) {
			t.Errorf("delete answered %d: %v, want kind %s", status, err, want.Code())
		}
	}
	s.SetFailing(nil)
	if _, err := c.Head(t.Context(), "small"); err != nil {
		t.Errorf("the object is gone: %v", err)
	}
}

// A multipart upload that fails leaves neither an object nor parts.
func TestFailedMultipartIsAborted(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "")
	old := put(t, c, "big", []byte("the old content"))
	var aborted atomic.Bool
	s.SetFailing(func(r *http.Request) int {
		if r.Method == http.MethodDelete && r.URL.Query().Has("uploadId") {
			aborted.Store(true)
		}
		if r.URL.Query().Get("partNumber") == "2" {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	data := noise(40 << 20)
	if _, err := c.Put(t.Context(), "big", bytes.NewReader(data), int64(len(data)), upper.PutMeta{}); !fault.Is(err, fault.Unreachable) {
		t.Fatalf("put: %v, want kind unreachable", err)
	}
	if !aborted.Load() {
		t.Error("the upload was not aborted")
	}
	if got := read(t, c, old); string(got) != "the old content" {
		t.Errorf("the old object holds %q", got)
	}
}

// A request that was sent may commit, so it is waited for whatever its context says.
func TestSentChangesAreNotCancelled(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "")
	o := put(t, c, "src", []byte("x"))
	for name, change := range map[string]func(context.Context) error{
		"put": func(ctx context.Context) error {
			_, err := c.Put(ctx, "dst", strings.NewReader("x"), 1, upper.PutMeta{})
			return err
		},
		"copy":   func(ctx context.Context) error { _, err := c.Copy(ctx, "src", "dst", o.ETag); return err },
		"delete": func(ctx context.Context) error { return c.Delete(ctx, "other") },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s.SetFailing(func(*http.Request) int { cancel(); return 0 }) // once the server has it
			s.SetDelay(100 * time.Millisecond)
			defer s.SetFailing(nil)
			defer s.SetDelay(0)
			if err := change(ctx); err != nil {
				t.Fatalf("cancelled while it ran: %v", err)
			}
			if err := change(ctx); !errors.Is(err, context.Canceled) {
				t.Fatalf("started after cancellation: %v", err)
			}
		})
	}
}

// changing is a body whose bytes are not the same when they are read again.
type changing struct{ reads atomic.Int64 }

func (c *changing) ReadAt(p []byte, off int64) (int, error) {
	v := byte(c.reads.Add(1))
	for i := range p {
		p[i] = v
	}
	return len(p), nil
}

// A body that changed between summing and sending is refused, never stored torn: by the
// signature, and by the CRC-32C alone once the store showed that it verifies that.
func TestChangedBodyIsRefused(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "")
	old := put(t, c, "f", []byte("whole"))
	s.Forget()
	for _, size := range []int64{1 << 20, 20 << 20} {
		if _, err := c.Put(t.Context(), "f", &changing{}, size, upper.PutMeta{}); err == nil {
			t.Fatalf("a torn body of %d bytes was stored", size)
		}
	}
	if got := read(t, c, old); string(got) != "whole" {
		t.Errorf("the object holds %q", got)
	}
	for _, r := range s.Requests() {
		if r.Method == http.MethodPut && (r.Header.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD" || r.Header.Get("X-Amz-Checksum-Crc32c") == "") {
			t.Errorf("%s %s: the body is summed twice, or not at all: %v", r.Method, r.Path, r.Header)
		}
	}
}

// SPEC A40b: the next request after a swap is signed with the new pair.
func TestSwapKeys(t *testing.T) {
	s := start(t)
	c, keys := connect(t, s, "")
	put(t, c, "a", []byte("x"))
	before := keys.Fingerprint()
	key, secret := s.AddScoped(bucket, "", false)
	keys.Swap(pair(key, secret))
	s.Revoke(s.AccessKey)
	s.Forget()
	put(t, c, "b", noise(17<<20))
	for _, r := range s.Requests() {
		if r.AccessKey != key {
			t.Errorf("%s %s?%s was signed by %s", r.Method, r.Path, r.Query, r.AccessKey)
		}
	}
	if keys.Fingerprint() == before {
		t.Error("the fingerprint did not change")
	}
}

// An upload with a condition leaves alone what is there otherwise, in one request and in
// parts, and is known by its version's name.
func TestConditionalPut(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "ws/")
	for _, size := range []int{10, 17 << 20} {
		key := fmt.Sprint("k", size)
		data := noise(size)
		send := func(meta upper.PutMeta) (upper.Object, error) {
			return c.Put(t.Context(), key, bytes.NewReader(data), int64(size), meta)
		}
		first, err := send(upper.PutMeta{IfNoneMatch: true, Version: "host-1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := send(upper.PutMeta{IfNoneMatch: true}); !errors.Is(err, upper.ErrChanged) {
			t.Errorf("a second one of a new object: %v", err)
		}
		if _, err := send(upper.PutMeta{IfMatch: "0123"}); !errors.Is(err, upper.ErrChanged) {
			t.Errorf("another ETag: %v", err)
		}
		if head, err := c.Head(t.Context(), key); err != nil || head.Version != "host-1" || head.ETag != first.ETag {
			t.Errorf("head: %+v, %v", head, err)
		}
		if _, err := send(upper.PutMeta{IfMatch: first.ETag, Version: "host-2"}); err != nil {
			t.Error(err)
		}
		if err := c.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := send(upper.PutMeta{IfMatch: first.ETag}); !errors.Is(err, upper.ErrNoObject) {
			t.Errorf("an object that is gone: %v", err)
		}
	}
}

// An object is put together from parts of its base and of a body, under both conditions,
// at our store and at another one. What failed leaves no upload behind.
func TestPatch(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		s := start(t)
		c, _ := connect(t, s, "ws/")
		testPatch(t, c, true)
	})
	t.Run("versitygw", func(t *testing.T) {
		endpoint, key, secret := s3test.StartVersity(t)
		api := s3.New(s3.Options{
			BaseEndpoint: &endpoint, Region: "us-east-1", UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
		})
		if _, err := api.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
			t.Fatal(err)
		}
		c, err := remote.New(remote.Options{Endpoint: endpoint, Bucket: bucket, Prefix: "ws/", Keys: remote.NewKeys(pair(key, secret))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		testPatch(t, c, false)
	})
}

func testPatch(t *testing.T, c *remote.Client, conditional bool) {
	const mib = 1 << 20
	old := noise(31*mib + 5)
	base := put(t, c, "big file+1", old)
	size := len(old) + 100
	changed := noise(size)
	plan := []upper.Part{{Off: 0, End: 10 * mib, Copy: true}, {Off: 10 * mib, End: 15 * mib}, {Off: 15 * mib, End: 30 * mib, Copy: true}, {Off: 30 * mib, End: int64(size)}}
	want := slices.Clone(changed)
	for _, p := range plan {
		if p.Copy {
			copy(want[p.Off:p.End], old[p.Off:p.End])
		}
	}
	patch := func(base upper.Object, meta upper.PutMeta) (upper.Object, error) {
		return c.Patch(t.Context(), "big file+1", base, bytes.NewReader(changed), plan, meta)
	}
	other := base
	other.ETag = strings.Repeat("0", 32)
	if _, err := patch(other, upper.PutMeta{}); !errors.Is(err, upper.ErrChanged) {
		t.Errorf("a base that changed: %v", err)
	}
	other = base
	other.Key = "missing"
	if _, err := patch(other, upper.PutMeta{}); !errors.Is(err, upper.ErrNoObject) {
		t.Errorf("a base that is gone: %v", err)
	}
	if _, err := patch(base, upper.PutMeta{IfMatch: strings.Repeat("0", 32)}); conditional && !errors.Is(err, upper.ErrChanged) {
		t.Errorf("an object that changed: %v", err)
	}
	if conditional {
		if got := read(t, c, base); !bytes.Equal(got, old) {
			t.Error("a refused patch changed the object")
		}
	} else {
		base = put(t, c, "big file+1", old)
	}
	o, err := patch(base, upper.PutMeta{IfMatch: base.ETag, Version: "host-7"})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, c, o); !bytes.Equal(got, want) {
		t.Errorf("read %d bytes that differ from the patch of %d", len(got), size)
	}
	if head, err := c.Head(t.Context(), "big file+1"); err != nil || head.Version != "host-7" || head.Size != int64(size) {
		t.Errorf("head: %+v, %v", head, err)
	}
}

// A store that refuses conditions and checksums with 501 is sent neither, after one try.
func TestPlainStore(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "")
	s.SetFailing(func(r *http.Request) int {
		h := r.Header
		if h.Get("If-None-Match") != "" || h.Get("If-Match") != "" || h.Get("X-Amz-Checksum-Crc32c") != "" || h.Get("X-Amz-Checksum-Algorithm") != "" {
			return http.StatusNotImplemented
		}
		return 0
	})
	for _, size := range []int{1000, 20 << 20, 2000} {
		key, data := fmt.Sprint("k", size), noise(size)
		o, err := c.Put(t.Context(), key, bytes.NewReader(data), int64(size), upper.PutMeta{IfNoneMatch: true})
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got := read(t, c, upper.Object{Key: o.Key, Size: o.Size}); !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read something else", size)
		}
	}
	if n := len(s.Requests()); n > 3+2+2+2+3 { // three tries of the first, create, parts and complete, one, reads
		t.Errorf("%d requests", n)
	}
}
