package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// sign signs what the request holds by now, as the server's peer.
func sign(t *testing.T, r *http.Request, srv *s3test.Server) {
	t.Helper()
	sum := sha256.Sum256(nil)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(ctx, aws.Credentials{AccessKeyID: srv.AccessKey, SecretAccessKey: srv.Secret}, r, hex.EncodeToString(sum[:]), "s3", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
}

// Each attack is refused with its own status and code, and leaves the object as it was. SPEC B6, B7
func TestAttacks(t *testing.T) {
	now := time.Now()
	srv := s3test.Start(t, s3test.WithClock(func() time.Time { return now }))
	srv.CreateBucket(t, "bkt")
	peer, secret := srv.AccessKey, srv.Secret
	victim := raw{method: "PUT", path: "/bkt/k", body: "original", key: peer, secret: secret, at: now}
	victim.do(t, srv).want(t, 200, "")
	presigned := func(expires string) string {
		r := raw{method: "GET", path: "/bkt/k?X-Amz-Expires=" + expires}.request(t, srv)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		u, _, err := signer.PresignHTTP(ctx, aws.Credentials{AccessKeyID: peer, SecretAccessKey: secret}, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", now)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	get := func(url string) *http.Request {
		return must[*http.Request](t)(http.NewRequest(http.MethodGet, url, nil))
	}
	edit := func(change func(*http.Request)) *http.Request {
		r := victim.request(t, srv)
		change(r)
		return r
	}
	for name, c := range map[string]struct {
		r      *http.Request
		after  time.Duration // on the server's clock
		status int
		code   string
	}{
		"a body that is not the signed one": {edit(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("0riginal")) }), 0, 400, "XAmzContentSHA256Mismatch"},
		"a shorter body":                    {edit(func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("orig")), 4 }), 0, 403, "SignatureDoesNotMatch"},
		"a replay":                          {edit(func(*http.Request) {}), 16 * time.Minute, 403, "RequestTimeTooSkewed"},
		"a request from the future":         {edit(func(*http.Request) {}), -16 * time.Minute, 403, "RequestTimeTooSkewed"},
		"another day in the scope": {edit(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), now.UTC().Format("20060102"), "20200101", 1))
		}), 0, 400, "AuthorizationHeaderMalformed"},
		"no signature": {edit(func(r *http.Request) {
			v, _, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature=")
			r.Header.Set("Authorization", v)
		}), 0, 400, "AuthorizationHeaderMalformed"},
		"an empty signature": {edit(func(r *http.Request) {
			v, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", v+"Signature=")
		}), 0, 400, "AuthorizationHeaderMalformed"},
		"two signatures": {edit(func(r *http.Request) {
			r.Header.Set("Authorization", r.Header.Get("Authorization")+", Signature=00")
		}), 0, 400, "AuthorizationHeaderMalformed"},
		"no authorization": {edit(func(r *http.Request) { r.Header.Del("Authorization") }), 0, 401, "AccessDenied"},
		"two authorizations": {edit(func(r *http.Request) {
			r.Header.Add("Authorization", "Bearer "+secret)
		}), 0, 400, "InvalidArgument"},
		"host not signed": {edit(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";host;", ";", 1))
		}), 0, 400, "AuthorizationHeaderMalformed"},
		"another host":                {edit(func(r *http.Request) { r.Host = "elsewhere" }), 0, 403, "SignatureDoesNotMatch"},
		"a header that is not signed": {edit(func(r *http.Request) { r.Header.Set("X-Amz-Tagging", "a=1") }), 0, 403, "AccessDenied"},
		"a session token":             {edit(func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }), 0, 400, "InvalidToken"},
		"another algorithm": {edit(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "HMAC-SHA256", "ECDSA-P256-SHA256", 1))
		}), 0, 400, "InvalidRequest"},
		"an id for a bearer token": {edit(func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+peer) }), 0, 401, "InvalidToken"},
		"an id for a Basic token":  {edit(func(r *http.Request) { r.SetBasicAuth(peer, peer) }), 0, 401, "InvalidSecurity"},
		"no Basic user":            {edit(func(r *http.Request) { r.SetBasicAuth("", secret) }), 0, 401, "InvalidAccessKeyId"},
		"presigned, expired":       {get(presigned("60")), 61 * time.Second, 403, "AccessDenied"},
		"presigned, not yet":       {get(presigned("60")), -16 * time.Minute, 403, "AccessDenied"},
		"presigned for 0 s":        {get(presigned("0")), 0, 400, "AuthorizationQueryParametersError"},
		"presigned for too long":   {get(presigned("604801")), 0, 400, "AuthorizationQueryParametersError"},
		"presigned for minus":      {get(presigned("-1")), 0, 400, "AuthorizationQueryParametersError"},
		"presigned, longer life":   {get(strings.Replace(presigned("60"), "Expires=60", "Expires=6000", 1)), 0, 403, "SignatureDoesNotMatch"},
		"presigned, more query":    {get(presigned("60") + "&tagging"), 0, 403, "SignatureDoesNotMatch"},
		"presigned, session":       {get(presigned("60") + "&X-Amz-Security-Token=x"), 0, 400, "InvalidToken"},
		"presigned and signed": {func() *http.Request {
			r := get(presigned("60"))
			r.SetBasicAuth(peer, secret)
			return r
		}(), 0, 400, "InvalidArgument"},
		"presigned as a copy": {func() *http.Request {
			r := get(presigned("60"))
			r.Header.Set("X-Amz-Copy-Source", "bkt/other")
			return r
		}(), 0, 403, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			start := now
			defer func() { now = start }()
			now = now.Add(c.after)
			send(t, c.r).want(t, c.status, c.code)
			now = start
			if a := (raw{method: "GET", path: "/bkt/k", key: peer, secret: secret, at: now}).do(t, srv); a.body != "original" {
				t.Errorf("the object holds %q", a.body)
			}
		})
	}
	send(t, get(presigned("604800"))).want(t, 200, "")
}

// A checksum in a trailer that does not fit leaves the old object, signed chunks or not. SPEC B4, B7
func TestWrongTrailer(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	put(t, owner(srv), "bkt", "k", "old")
	q := raw{
		method: "PUT", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret, payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		header: map[string]string{"X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": "5"},
	}
	for trailers, code := range map[string]string{
		"x-amz-checksum-crc32:AAAAAA==\r\n": "BadDigest",
		"x-amz-checksum-crc32:x\r\n":        "InvalidRequest",
		"":                                  "MalformedTrailerError",
		"x-amz-checksum-sha1:qvTGHdzF6KLavt4PO0gs2a6pQ00=\r\n":               "MalformedTrailerError",
		"x-amz-checksum-crc32:NhCmhg==\r\nx-amz-checksum-crc32:NhCmhg==\r\n": "MalformedTrailerError",
		"no trailer at all\r\n":                                       "InvalidRequest",
		strings.Repeat("x-amz-checksum-crc32:NhCmhg==\r\n", 17):       "InvalidRequest",
		"x-amz-checksum-crc32:" + strings.Repeat("N", 1<<13) + "\r\n": "InvalidRequest",
	} {
		q.body = "5\r\nhello\r\n0\r\n" + trailers + "\r\n"
		q.do(t, srv).want(t, 400, code)
	}
	if got := get(t, owner(srv), "bkt", "k"); got != "old" {
		t.Errorf("%q", got)
	}
	q.body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
	q.do(t, srv).want(t, 200, "")
}

// What a client can make the server hold in memory is bounded. SPEC B9
func TestLimits(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	up := raw{method: "POST", path: "/bkt/k?uploads", key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
	_, id, _ := strings.Cut(up.body, "<UploadId>")
	id, _, _ = strings.Cut(id, "<")
	many := map[string]string{}
	for i := range 201 {
		many[fmt.Sprint("X-Many-", i)] = "x"
	}
	pad := func(n int) string { return "<!--" + strings.Repeat("x", n) + "-->" }
	for name, c := range map[string]struct {
		q    raw
		code string
	}{
		"many headers":       {raw{method: "GET", path: "/bkt/k", header: many}, "RequestHeaderSectionTooLarge"},
		"large headers":      {raw{method: "GET", path: "/bkt/k", header: map[string]string{"X-Large": strings.Repeat("x", 33<<10)}}, "RequestHeaderSectionTooLarge"},
		"a large deletion":   {raw{method: "POST", path: "/bkt?delete", body: pad(2 << 20), header: map[string]string{"Content-Md5": "AAAAAAAAAAAAAAAAAAAAAA=="}}, "MaxMessageLengthExceeded"},
		"a large tag set":    {raw{method: "PUT", path: "/bkt/k?tagging", body: pad(64 << 10)}, "MaxMessageLengthExceeded"},
		"a large bucket":     {raw{method: "PUT", path: "/bkt2", body: pad(64 << 10)}, "MaxMessageLengthExceeded"},
		"a large completion": {raw{method: "POST", path: "/bkt/k?uploadId=" + id, body: pad(8 << 20)}, "MaxMessageLengthExceeded"},
		"too many parts": {raw{
			method: "POST", path: "/bkt/k?uploadId=" + id,
			body: "<CompleteMultipartUpload>" + strings.Repeat("<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>", 10001) + "</CompleteMultipartUpload>",
		}, "MalformedXML"},
		"many signed headers": {raw{method: "GET", path: "/bkt/k", header: map[string]string{
			"Authorization": "AWS4-HMAC-SHA256 Credential=" + srv.AccessKey + "/20260101/us-east-1/s3/aws4_request, SignedHeaders=" + strings.Repeat("host;", 101) + "host, Signature=00",
		}}, "AuthorizationHeaderMalformed"},
		"deep XML":    {raw{method: "PUT", path: "/bkt/k?tagging", body: strings.Repeat("<a>", 20000)}, "MalformedXML"},
		"an entity":   {raw{method: "PUT", path: "/bkt/k?tagging", body: `<!DOCTYPE x [<!ENTITY a "b">]><Tagging><TagSet><Tag><Key>&a;</Key></Tag></TagSet></Tagging>`}, "MalformedXML"},
		"two of them": {raw{method: "PUT", path: "/bkt/k?tagging", body: "<Tagging><TagSet></TagSet></Tagging><Tagging></Tagging>"}, "MalformedXML"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.q.header["Authorization"] == "" {
				c.q.key, c.q.secret = srv.AccessKey, srv.Secret
			}
			c.q.do(t, srv).want(t, 400, c.code)
		})
	}
	// Every part that an upload can have, with all that a client may say of it, fits.
	var b strings.Builder
	b.WriteString(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	for i := range 10000 {
		fmt.Fprintf(&b, "<Part><ChecksumSHA256>%s</ChecksumSHA256><ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag><PartNumber>%d</PartNumber></Part>\n",
			"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", i+1)
	}
	b.WriteString("</CompleteMultipartUpload>")
	raw{method: "POST", path: "/bkt/k?uploadId=" + id, body: b.String(), key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 400, "InvalidPart")
}
