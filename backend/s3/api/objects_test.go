package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

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
