package api_test

import (
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// Buckets as names under the service's own, whatever the port; the signature covers the Host
// header and the path as they came. SPEC B4
func TestVirtualHosts(t *testing.T) {
	srv := s3test.Start(t, s3test.WithHosts("s3.mesh", "other.mesh"))
	srv.CreateBucket(t, "bkt")
	srv.CreateBucket(t, "with.dots")
	for _, c := range []struct {
		host, path string
		status     int
		body       string
	}{
		{"bkt.s3.mesh", "/k", 200, "bkt k"},
		{"BKT.s3.mesh:8080", "/k", 200, "bkt k"},
		{"bkt.other.mesh", "/k", 200, "bkt k"},
		{"with.dots.s3.mesh:1", "/a//b", 200, "with.dots a//b"},
		{"bkt.s3.mesh", "", 200, "<Name>bkt</Name>"},
		{"bkt.s3.mesh", "/?list-type=2", 200, "<Name>bkt</Name>"},
		{"s3.mesh:8080", "/bkt/k", 200, "bkt k"},
		{"s3.mesh", "/", 200, "ListAllMyBucketsResult"},
		{"bkt.unknown.mesh", "/bkt/k", 200, "bkt k"}, // no name of the service: the path says it all
		{"none.s3.mesh", "/k", 404, "NoSuchBucket"},
		{"_tunnelmesh.s3.mesh", "/k", 403, "AccessDenied"}, // SPEC B14
	} {
		for bucket, key := range map[string]string{"bkt": "k", "with.dots": "a//b"} {
			put(t, owner(srv), bucket, key, bucket+" "+key)
		}
		r := raw{method: "GET", path: c.path}.request(t, srv)
		r.Host = c.host
		sign(t, r, srv)
		if a := send(t, r); a.status != c.status || !strings.Contains(a.body, c.body) {
			t.Errorf("%s%s: %d %s", c.host, c.path, a.status, a.body)
		}
	}
	r := raw{method: "GET", path: "/k"}.request(t, srv)
	r.Host = "bkt.s3.mesh"
	sign(t, r, srv)
	r.Host = "with.dots.s3.mesh"
	send(t, r).want(t, 403, "SignatureDoesNotMatch")
}

// Outside of us-east-1 a bucket that is made again is an error, as S3 has it. SPEC B12
func TestRegion(t *testing.T) {
	srv := s3test.Start(t, s3test.WithRegion("eu-central-1"))
	create := raw{method: "PUT", path: "/bkt", key: srv.AccessKey, secret: srv.Secret}
	create.do(t, srv).want(t, 200, "")
	create.do(t, srv).want(t, 409, "BucketAlreadyOwnedByYou")
	other, secret := srv.AddPeer("other")
	raw{method: "PUT", path: "/bkt", key: other, secret: secret}.do(t, srv).want(t, 409, "BucketAlreadyExists")
	if a := (raw{method: "GET", path: "/bkt?location", key: srv.AccessKey, secret: srv.Secret}).do(t, srv); !strings.Contains(a.body, ">eu-central-1<") {
		t.Error(a.body)
	}
}
