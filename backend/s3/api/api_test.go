package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

var ctx = context.Background()

// client is the Go SDK with a pair of the server's. SPEC B4
func client(srv *s3test.Server, key, secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(srv.Endpoint()), Region: "us-east-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""), Retryer: aws.NopRetryer{},
	})
}

func owner(srv *s3test.Server) *s3.Client { return client(srv, srv.AccessKey, srv.Secret) }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != want {
		t.Errorf("err = %v, want %s", err, want)
	}
}

// raw is a request by hand.
type raw struct {
	method, path string // path as it goes on the wire, after /s3
	body         string
	header       map[string]string
	key, secret  string // sign with them; empty: not signed
	at           time.Time
	payload      string // x-amz-content-sha256; empty: the body's
}

type answer struct {
	status int
	code   string // of an error
	header http.Header
	body   string
}

// request signs by the SDK's signer and does not follow or retry anything.
func (q raw) request(t *testing.T, srv *s3test.Server) *http.Request {
	t.Helper()
	r := must[*http.Request](t)(http.NewRequest(q.method, srv.Endpoint(), strings.NewReader(q.body)))
	base := r.URL.Path
	path, query, _ := strings.Cut(q.path, "?")
	decoded := must[string](t)(url.PathUnescape(path))
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = base+decoded, base+path, query
	for name, v := range q.header {
		r.Header.Set(name, v)
	}
	if q.key == "" {
		return r
	}
	if q.at.IsZero() {
		q.at = time.Now()
	}
	if q.payload == "" {
		sum := sha256.Sum256([]byte(q.body))
		q.payload = hex.EncodeToString(sum[:])
	}
	r.Header.Set("X-Amz-Content-Sha256", q.payload)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(ctx, aws.Credentials{AccessKeyID: q.key, SecretAccessKey: q.secret}, r, q.payload, "s3", "us-east-1", q.at); err != nil {
		t.Fatal(err)
	}
	return r
}

func (q raw) do(t *testing.T, srv *s3test.Server) answer {
	t.Helper()
	return send(t, q.request(t, srv))
}

func send(t *testing.T, r *http.Request) answer {
	t.Helper()
	resp := must[*http.Response](t)(http.DefaultTransport.RoundTrip(r))
	defer resp.Body.Close()
	b := must[[]byte](t)(io.ReadAll(resp.Body))
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	if resp.StatusCode >= 400 && len(b) > 0 {
		var e struct{ Code, RequestId string }
		if err := xml.Unmarshal(b, &e); err != nil || e.RequestId == "" || e.RequestId != resp.Header.Get("X-Amz-Request-Id") {
			t.Errorf("not an S3 error: %s", b)
		}
		a.code = e.Code
	}
	return a
}

func (a answer) want(t *testing.T, status int, code string) {
	t.Helper()
	if a.status != status || a.code != code {
		t.Errorf("%d %s, want %d %s (%s)", a.status, a.code, status, code, a.body)
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func put(t *testing.T, c *s3.Client, bucket, key, content string) {
	t.Helper()
	must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)}))
}

func get(t *testing.T, c *s3.Client, bucket, key string) string {
	t.Helper()
	out := must[*s3.GetObjectOutput](t)(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key}))
	defer out.Body.Close()
	return string(must[[]byte](t)(io.ReadAll(out.Body)))
}

// SPEC B13
func TestOddKeys(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	keys := []string{
		"a", "a/b", "a/", "with space", "plus+plus", "a//b", "//", "ü/日本.txt", "..", "../x", "a/../b", "./x", "%41", "a%2Fb",
		"q?x=y&z", "hash#", "quote'\"<>&", "star*(1)!~", "semi;colon:at@,=$", "back\\slash", "trailing ", "{}[]^`|", strings.Repeat("k", 1024),
	}
	for _, k := range keys {
		put(t, c, "bkt", k, "content of "+k)
	}
	for _, k := range keys {
		if got := get(t, c, "bkt", k); got != "content of "+k {
			t.Errorf("%q holds %q", k, got)
		}
		src := "bkt/" + url.PathEscape(k)
		must[*s3.CopyObjectOutput](t)(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: &src}))
		if got := get(t, c, "bkt", "copy"); got != "content of "+k {
			t.Errorf("the copy of %q holds %q", k, got)
		}
	}
	must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy")}))
	for _, encoded := range []bool{false, true} {
		in := &s3.ListObjectsV2Input{Bucket: aws.String("bkt")}
		if encoded {
			in.EncodingType = "url"
		}
		out := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, in))
		listed := map[string]bool{}
		for _, o := range out.Contents {
			k := *o.Key
			if encoded {
				k = must[string](t)(url.PathUnescape(k))
			}
			listed[k] = true
		}
		for _, k := range keys {
			if !listed[k] {
				t.Errorf("%q is not listed (encoded: %v)", k, encoded)
			}
		}
		if len(listed) != len(keys) {
			t.Errorf("%d keys listed, want %d", len(listed), len(keys))
		}
	}
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String(strings.Repeat("k", 1025)), Body: strings.NewReader("")})
	wantCode(t, err, "KeyTooLongError")
	var del s3.DeleteObjectsInput
	del.Bucket = aws.String("bkt")
	del.Delete = deletion(keys...)
	out := must[*s3.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &del))
	if len(out.Deleted) != len(keys) || len(out.Errors) != 0 {
		t.Errorf("%d deleted, errors %v", len(out.Deleted), out.Errors)
	}
	must[*s3.DeleteBucketOutput](t)(c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("bkt")}))
}

// A 403 that says QuotaExceeded, before the body is sent. SPEC B24
func TestQuota(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	if err := srv.Store.SetQuota(ctx, "bkt", 10); err != nil {
		t.Fatal(err)
	}
	c := owner(srv)
	put(t, c, "bkt", "k", "old")
	r := raw{method: "PUT", path: "/bkt/k", header: map[string]string{"Expect": "100-continue"}, key: srv.AccessKey, secret: srv.Secret, payload: "UNSIGNED-PAYLOAD"}.request(t, srv)
	sent := &counter{Reader: bytes.NewReader(make([]byte, 1<<20))}
	r.Body, r.ContentLength = io.NopCloser(sent), 1<<20
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	defer transport.CloseIdleConnections()
	resp := must[*http.Response](t)(transport.RoundTrip(r))
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || sent.n != 0 {
		t.Errorf("%d after %d bytes of the body", resp.StatusCode, sent.n)
	}
	// A client that does not wait gets its answer too, not a broken pipe.
	big := strings.Repeat("x", 16<<20)
	raw{method: "PUT", path: "/bkt/k", body: big, key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 403, "QuotaExceeded")
	if get(t, c, "bkt", "k") != "old" {
		t.Error("the old object is gone")
	}
}

type counter struct {
	io.Reader
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}
