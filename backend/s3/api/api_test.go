package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
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

// SPEC B11, B12, B13
func TestBuckets(t *testing.T) {
	srv := s3test.Start(t)
	c := owner(srv)
	create := func(c *s3.Client, name string) error {
		_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
		return err
	}
	for range 2 { // rclone creates its bucket again and again
		if err := create(c, "bkt"); err != nil {
			t.Fatal(err)
		}
	}
	other, secret := srv.AddPeer("other")
	wantCode(t, create(client(srv, other, secret), "bkt"), "BucketAlreadyExists")
	for _, name := range []string{"_mine", "_tunnelmesh"} {
		wantCode(t, create(c, name), "AccessDenied") // SPEC B14
	}
	wantCode(t, create(c, "Bad"), "InvalidBucketName")
	for _, path := range []string{"", "/"} { // measured: clients send both
		a := raw{method: "GET", path: path, key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
		if a.status != 200 || !strings.Contains(a.body, "<Name>bkt</Name>") {
			t.Errorf("GET /s3%s: %d %s", path, a.status, a.body)
		}
	}
	must[*s3.HeadBucketOutput](t)(c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("bkt")}))
	_, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("none")})
	wantCode(t, err, "NotFound")
	must[*s3.GetBucketLocationOutput](t)(c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("bkt")}))
	put(t, c, "bkt", "k", "x")
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("bkt")})
	wantCode(t, err, "BucketNotEmpty")
	_, err = c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("bkt")})
	wantCode(t, err, "NoSuchBucketPolicy")
	if v := must[*s3.GetBucketVersioningOutput](t)(c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String("bkt")})); v.Status != "" {
		t.Error(v.Status)
	}
	acl := must[*s3.GetBucketAclOutput](t)(c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: aws.String("bkt")}))
	if len(acl.Grants) != 1 || *acl.Owner.ID != srv.AccessKey {
		t.Errorf("%+v", acl)
	}
	_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("bkt"), Policy: aws.String("{}")})
	wantCode(t, err, "NotImplemented")
	raw{method: "POST", path: "/bkt", key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 405, "MethodNotAllowed")
	raw{method: "PUT", path: "//k", key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 400, "InvalidBucketName")
}

// SPEC B12
func TestListPages(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	for i := range 7 {
		put(t, c, "bkt", fmt.Sprintf("d%d/x", i), "x")
		put(t, c, "bkt", fmt.Sprintf("f%d", i), "x")
	}
	var v2 []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(3)})
	n := 0
	for pages.HasMorePages() {
		p := must[*s3.ListObjectsV2Output](t)(pages.NextPage(ctx))
		if int(*p.KeyCount) != len(p.Contents)+len(p.CommonPrefixes) || *p.KeyCount > 3 {
			t.Errorf("KeyCount %d", *p.KeyCount)
		}
		for _, x := range p.CommonPrefixes {
			v2 = append(v2, *x.Prefix)
		}
		for _, x := range p.Contents {
			v2 = append(v2, *x.Key)
		}
		n++
	}
	want := "d0/ d1/ d2/ d3/ d4/ d5/ d6/ f0 f1 f2 f3 f4 f5 f6"
	if got := strings.Join(v2, " "); got != want || n != 5 {
		t.Errorf("%d pages: %s", n, got)
	}
	var v1 []string
	marker := ""
	for {
		p := must[*s3.ListObjectsOutput](t)(c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(3), Marker: &marker}))
		for _, x := range p.CommonPrefixes {
			v1 = append(v1, *x.Prefix)
		}
		for _, x := range p.Contents {
			v1 = append(v1, *x.Key)
		}
		if !*p.IsTruncated {
			break
		}
		marker = *p.NextMarker
	}
	if got := strings.Join(v1, " "); got != want {
		t.Errorf("V1: %s", got)
	}
	p := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), StartAfter: aws.String("f4"), MaxKeys: aws.Int32(0)}))
	if len(p.Contents) != 0 || *p.IsTruncated {
		t.Errorf("max-keys 0: %+v", p)
	}
	_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), ContinuationToken: aws.String("!")})
	wantCode(t, err, "InvalidArgument")
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("none")})
	wantCode(t, err, "NoSuchBucket")
}

// SPEC B12
func TestRangesAndConditions(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	body := string(randomBytes(100_000))
	put(t, owner(srv), "bkt", "k", body)
	head := raw{method: "HEAD", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
	etag, modified := head.header.Get("ETag"), head.header.Get("Last-Modified")
	if head.header.Get("Content-Length") != "100000" || head.header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("%v", head.header)
	}
	before := must[time.Time](t)(http.ParseTime(modified)).Add(-time.Hour).Format(http.TimeFormat)
	for _, c := range []struct {
		header string
		value  string
		status int
		from   int
		to     int
	}{
		{"Range", "bytes=0-9", 206, 0, 10},
		{"Range", "bytes=99990-", 206, 99_990, 100_000},
		{"Range", "bytes=-10", 206, 99_990, 100_000},
		{"Range", "bytes=-200000", 206, 0, 100_000},
		{"Range", "bytes=5-1000000", 206, 5, 100_000},
		{"Range", "bytes=0-0,5-6", 200, 0, 100_000},
		{"Range", "lines=1-2", 200, 0, 100_000},
		{"Range", "bytes=9-5", 200, 0, 100_000},
		{"Range", "bytes=100000-", 416, 0, 0},
		{"Range", "bytes=-0", 416, 0, 0},
		{"If-Match", etag, 200, 0, 100_000},
		{"If-Match", `"x", ` + etag, 200, 0, 100_000},
		{"If-Match", `"x"`, 412, 0, 0},
		{"If-None-Match", etag, 304, 0, 0},
		{"If-None-Match", "*", 304, 0, 0},
		{"If-None-Match", `"x"`, 200, 0, 100_000},
		{"If-Modified-Since", modified, 304, 0, 0},
		{"If-Modified-Since", before, 200, 0, 100_000},
		{"If-Unmodified-Since", modified, 200, 0, 100_000},
		{"If-Unmodified-Since", before, 412, 0, 0},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := raw{method: method, path: "/bkt/k", header: map[string]string{c.header: c.value}, key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
			if a.status != c.status {
				t.Errorf("%s %s: %s: %d, want %d", method, c.header, c.value, a.status, c.status)
				continue
			}
			if method == "GET" && c.status < 300 && a.body != body[c.from:c.to] {
				t.Errorf("%s: %s: wrong bytes", c.header, c.value)
			}
			if want := fmt.Sprintf("bytes %d-%d/100000", c.from, c.to-1); c.status == 206 && a.header.Get("Content-Range") != want {
				t.Errorf("%s: Content-Range %s", c.value, a.header.Get("Content-Range"))
			}
			if c.status == 304 && (a.header.Get("ETag") != etag || a.body != "") {
				t.Errorf("304 with ETag %s and %d bytes", a.header.Get("ETag"), len(a.body))
			}
		}
	}
	a := raw{method: "GET", path: "/bkt/k?response-content-type=a%2Fb&response-content-disposition=x", key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
	if a.header.Get("Content-Type") != "a/b" || a.header.Get("Content-Disposition") != "x" {
		t.Errorf("%v", a.header)
	}
}

// SPEC B12
func TestConditionalWrites(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	try := func(match, none *string) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("x"), IfMatch: match, IfNoneMatch: none})
		return err
	}
	wantCode(t, try(aws.String(`"x"`), nil), "NoSuchKey")
	if err := try(nil, aws.String("*")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, try(nil, aws.String("*")), "PreconditionFailed")
	wantCode(t, try(nil, aws.String(`"x"`)), "NotImplemented")
	wantCode(t, try(aws.String(`"x"`), nil), "PreconditionFailed")
	if err := try(aws.String(`"9dd4e461268c8034f5c8564e155c67a6"`), nil); err != nil {
		t.Fatal(err)
	}
	_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), IfMatch: aws.String(`"x"`)})
	wantCode(t, err, "PreconditionFailed")
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("l"), CopySource: aws.String("bkt/k"), CopySourceIfMatch: aws.String(`"x"`)})
	wantCode(t, err, "PreconditionFailed")
	for range 2 {
		must[*s3.DeleteObjectOutput](t)(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})) // SPEC B13
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
	wantCode(t, err, "NoSuchKey")
}

// SPEC B12
func TestMetadataAndCopy(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	srv.CreateBucket(t, "dst")
	c := owner(srv)
	must[*s3.PutObjectOutput](t)(c.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String("bkt"), Key: aws.String("k"), Body: bytes.NewReader([]byte("hello")),
		ContentType: aws.String("text/x"), CacheControl: aws.String("no-store"), ContentEncoding: aws.String("gzip"),
		ContentDisposition: aws.String("inline"), ContentLanguage: aws.String("de"), Metadata: map[string]string{"Mixed-Case": "v1", "mtime": "1.5"},
	}))
	check := func(bucket, key, contentType, meta string) {
		t.Helper()
		h := must[*s3.HeadObjectOutput](t)(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key}))
		if aws.ToString(h.ContentType) != contentType || h.Metadata["mixed-case"] != meta {
			t.Errorf("%s/%s: %s %v", bucket, key, aws.ToString(h.ContentType), h.Metadata)
		}
		if meta == "v1" && (aws.ToString(h.CacheControl) != "no-store" || aws.ToString(h.ContentEncoding) != "gzip" || aws.ToString(h.ContentLanguage) != "de") {
			t.Errorf("%+v", h)
		}
	}
	check("bkt", "k", "text/x", "v1")
	cp := func(dst, key, directive string) error {
		_, err := c.CopyObject(ctx, &s3.CopyObjectInput{
			Bucket: &dst, Key: &key, CopySource: aws.String("/bkt/k"), MetadataDirective: s3types(directive),
			ContentType: aws.String("text/y"), Metadata: map[string]string{"mixed-case": "v2"},
		})
		return err
	}
	for _, e := range []error{cp("dst", "copied", "COPY"), cp("dst", "replaced", "REPLACE"), cp("bkt", "k", "REPLACE")} {
		if e != nil {
			t.Fatal(e)
		}
	}
	check("dst", "copied", "text/x", "v1")
	check("dst", "replaced", "text/y", "v2")
	check("bkt", "k", "text/y", "v2")
	wantCode(t, cp("bkt", "k", "COPY"), "InvalidRequest")
	if get(t, c, "dst", "copied") != "hello" {
		t.Error("other bytes")
	}
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Metadata: map[string]string{"a": strings.Repeat("x", 2048)}})
	wantCode(t, err, "MetadataTooLarge")
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ServerSideEncryption: "AES256"})
	wantCode(t, err, "NotImplemented")
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
	if resp.StatusCode != 403 || sent.n != 0 {
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
