package api_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

func basic(user, password string) map[string]string {
	return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

// Every wrong credential gets its own error. SPEC B6, B7, B9, E7
func TestWrongCredentials(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	key, secret := srv.AccessKey, srv.Secret
	const object = "/bkt/k"
	for name, c := range map[string]struct {
		q         raw
		status    int
		code      string
		challenge bool
	}{
		"none":                 {raw{}, 401, "AccessDenied", true},
		"good":                 {raw{key: key, secret: secret}, 404, "NoSuchKey", false},
		"unknown key":          {raw{key: "nobody", secret: secret}, 403, "InvalidAccessKeyId", false},
		"wrong secret":         {raw{key: key, secret: secret + "x"}, 403, "SignatureDoesNotMatch", false},
		"clock ahead":          {raw{key: key, secret: secret, at: time.Now().Add(16 * time.Minute)}, 403, "RequestTimeTooSkewed", false},
		"clock behind":         {raw{key: key, secret: secret, at: time.Now().Add(-16 * time.Minute)}, 403, "RequestTimeTooSkewed", false},
		"within the skew":      {raw{key: key, secret: secret, at: time.Now().Add(-14 * time.Minute)}, 404, "NoSuchKey", false},
		"basic":                {raw{header: basic(key, secret)}, 404, "NoSuchKey", false},
		"basic, wrong token":   {raw{header: basic(key, "x")}, 401, "InvalidSecurity", true},
		"basic, unknown peer":  {raw{header: basic("nobody", secret)}, 401, "InvalidAccessKeyId", true},
		"basic, malformed":     {raw{header: map[string]string{"Authorization": "Basic !"}}, 401, "InvalidRequest", true},
		"bearer":               {raw{header: map[string]string{"Authorization": "Bearer " + secret}}, 404, "NoSuchKey", false},
		"bearer, wrong":        {raw{header: map[string]string{"Authorization": "Bearer x"}}, 401, "InvalidToken", true},
		"bearer, empty":        {raw{header: map[string]string{"Authorization": "Bearer "}}, 401, "InvalidToken", true},
		"another scheme":       {raw{header: map[string]string{"Authorization": "Digest x"}}, 401, "InvalidRequest", true},
		"signature version 2":  {raw{header: map[string]string{"Authorization": "AWS " + key + ":c2ln"}}, 400, "InvalidRequest", false},
		"malformed credential": {raw{header: map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=00"}}, 400, "AuthorizationHeaderMalformed", false},
		"presigned version 2":  {raw{path: object + "?AWSAccessKeyId=" + key + "&Expires=9999999999&Signature=x"}, 400, "InvalidRequest", false},
	} {
		t.Run(name, func(t *testing.T) {
			c.q.method = "GET"
			if c.q.path == "" {
				c.q.path = object
			}
			a := c.q.do(t, srv)
			a.want(t, c.status, c.code)
			if got := len(a.header.Values("WWW-Authenticate")) == 2; got != c.challenge {
				t.Errorf("WWW-Authenticate: %v", a.header.Values("WWW-Authenticate"))
			}
			if strings.Contains(a.body, secret) {
				t.Error("the secret is in the answer")
			}
		})
	}
	if a := (raw{method: "GET", path: object + "?AWSAccessKeyId=x&Signature=y"}).do(t, srv); !strings.Contains(a.body, "s3v4") {
		t.Error("the refusal of version 2 does not say what to set:", a.body)
	}
}

// What was signed is what must arrive. SPEC B7
func TestTampering(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	key, secret := srv.AccessKey, srv.Secret
	put := raw{method: "PUT", path: "/bkt/k", body: "original", header: map[string]string{"X-Amz-Meta-A": "1"}, key: key, secret: secret}
	put.do(t, srv).want(t, 200, "")
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"body":    {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("0riginal")) }, 400, "XAmzContentSHA256Mismatch"},
		"path":    {func(r *http.Request) { r.URL.Path += "2"; r.URL.RawPath += "2" }, 403, "SignatureDoesNotMatch"},
		"query":   {func(r *http.Request) { r.URL.RawQuery = "acl" }, 403, "SignatureDoesNotMatch"},
		"method":  {func(r *http.Request) { r.Method = "DELETE" }, 403, "SignatureDoesNotMatch"},
		"header":  {func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") }, 403, "SignatureDoesNotMatch"},
		"added":   {func(r *http.Request) { r.Header.Set("X-Amz-Copy-Source", "bkt/other") }, 403, "AccessDenied"},
		"hash":    {func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, 403, "SignatureDoesNotMatch"},
		"no hash": {func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }, 400, "InvalidRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			r := put.request(t, srv)
			c.change(r)
			send(t, r).want(t, c.status, c.code)
			a := raw{method: "GET", path: "/bkt/k", key: key, secret: secret}.do(t, srv)
			if a.body != "original" {
				t.Errorf("the object holds %q", a.body)
			}
		})
	}
}

// SPEC B12
func TestPresigned(t *testing.T) {
	now := time.Now()
	srv := s3test.Start(t, s3test.WithClock(func() time.Time { return now }))
	srv.CreateBucket(t, "bkt")
	p := s3.NewPresignClient(owner(srv), func(o *s3.PresignOptions) { o.Expires = time.Hour })
	in := func(name, body string) answer {
		req := must[*v4.PresignedHTTPRequest](t)(p.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String(name)}))
		r := must[*http.Request](t)(http.NewRequest(http.MethodPut, req.URL, strings.NewReader(body)))
		for name, v := range req.SignedHeader {
			r.Header[name] = v
		}
		return send(t, r)
	}
	in("a b+c/ü", "hello").want(t, 200, "")
	req := must[*v4.PresignedHTTPRequest](t)(p.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("a b+c/ü")}))
	fetch := func(method, url string) answer {
		return send(t, must[*http.Request](t)(http.NewRequest(method, url, nil)))
	}
	if a := fetch("GET", req.URL); a.status != 200 || a.body != "hello" {
		t.Errorf("%d %s", a.status, a.body)
	}
	fetch("DELETE", req.URL).want(t, 403, "SignatureDoesNotMatch")
	fetch("GET", strings.Replace(req.URL, "X-Amz-Expires=3600", "X-Amz-Expires=7200", 1)).want(t, 403, "SignatureDoesNotMatch")
	fetch("GET", strings.Replace(req.URL, "X-Amz-Expires=3600", "X-Amz-Expires=700000", 1)).want(t, 400, "AuthorizationQueryParametersError")
	now = now.Add(time.Hour + 2*time.Second)
	fetch("GET", req.URL).want(t, 403, "AccessDenied")
}

// SPEC B8
func TestRotationGrace(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	peer, old := srv.AddPeer("peer")
	next := "another-token-0123456789abcdef"
	srv.Rotate(peer, next)
	for name, token := range map[string]string{"old": old, "new": next} {
		for way, q := range map[string]raw{
			"signed": {key: peer, secret: token}, "basic": {header: basic(peer, token)},
			"bearer": {header: map[string]string{"Authorization": "Bearer " + token}},
		} {
			q.method, q.path = "HEAD", "/bkt"
			if a := q.do(t, srv); a.status != 200 {
				t.Errorf("%s token, %s: %d", name, way, a.status)
			}
		}
	}
	srv.Revoke(peer)
	raw{method: "GET", path: "/bkt", key: peer, secret: next}.do(t, srv).want(t, 403, "InvalidAccessKeyId")
}
