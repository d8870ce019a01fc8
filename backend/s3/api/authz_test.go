package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

func system(t *testing.T, srv *s3test.Server) {
	t.Helper()
	if err := srv.Store.CreateBucket(ctx, "_tunnelmesh", store.CreateBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Store.Put(ctx, "_tunnelmesh", "peers/a.json", strings.NewReader("state"), store.PutOptions{Size: 5}); err != nil {
		t.Fatal(err)
	}
}

// The attack set on the system bucket, as a peer, as an admin and as the system role. SPEC B14, E8
func TestSystemBucket(t *testing.T) {
	srv := s3test.Start(t)
	system(t, srv)
	srv.CreateBucket(t, "bkt")
	put(t, owner(srv), "bkt", "k", "mine")
	admin, adminSecret := srv.AddPeer("admin", api.Grant{Role: api.RoleAdmin})
	sys, sysSecret := srv.AddPeer("sys", api.Grant{Role: api.RoleSystem}, api.Grant{Role: api.RoleBucketAdmin, Bucket: "*"})
	scoped, scopedSecret := srv.AddScoped("_tunnelmesh", "", false)
	reads := []raw{
		{method: "GET", path: "/_tunnelmesh"},
		{method: "GET", path: "/_tunnelmesh?list-type=2"},
		{method: "GET", path: "/_tunnelmesh?list-type=2&prefix=peers/"},
		{method: "GET", path: "/%5Ftunnelmesh?list-type=2"},
		{method: "GET", path: "/_tunnelmesh?versions"},
		{method: "GET", path: "/_tunnelmesh?uploads"},
		{method: "GET", path: "/_tunnelmesh?location"},
		{method: "GET", path: "/_tunnelmesh?acl"},
		{method: "HEAD", path: "/_tunnelmesh"},
		{method: "GET", path: "/_tunnelmesh/peers/a.json"},
		{method: "GET", path: "/%5ftunnelmesh/peers%2Fa.json"},
		{method: "HEAD", path: "/_tunnelmesh/peers/a.json"},
		{method: "GET", path: "/_tunnelmesh/peers/a.json?attributes", header: map[string]string{"X-Amz-Object-Attributes": "ETag"}},
		{method: "GET", path: "/_tunnelmesh/peers/a.json?tagging"},
		{method: "GET", path: "/_tunnelmesh/peers/a.json?acl"},
		{method: "PUT", path: "/bkt/stolen", header: map[string]string{"X-Amz-Copy-Source": "/_tunnelmesh/peers/a.json"}},
		{method: "PUT", path: "/bkt/stolen", header: map[string]string{"X-Amz-Copy-Source": "%5Ftunnelmesh%2Fpeers%2Fa.json"}},
	}
	writes := []raw{
		{method: "PUT", path: "/_tunnelmesh"},
		{method: "DELETE", path: "/_tunnelmesh"},
		{method: "PUT", path: "/_tunnelmesh/k", body: "x"},
		{method: "PUT", path: "/%5Ftunnelmesh/k", body: "x"},
		{method: "PUT", path: "/_tunnelmesh/k", header: map[string]string{"X-Amz-Copy-Source": "/bkt/k"}},
		{method: "PUT", path: "/_tunnelmesh/peers/a.json", header: map[string]string{"X-Amz-Copy-Source": "/_tunnelmesh/peers/a.json", "X-Amz-Metadata-Directive": "REPLACE"}},
		{method: "DELETE", path: "/_tunnelmesh/peers/a.json"},
		{method: "POST", path: "/_tunnelmesh/k?uploads"},
		{method: "PUT", path: "/_tunnelmesh/k?partNumber=1&uploadId=x", body: "x"},
		{method: "PUT", path: "/_tunnelmesh/k?partNumber=1&uploadId=x", header: map[string]string{"X-Amz-Copy-Source": "/bkt/k"}},
		{method: "POST", path: "/_tunnelmesh/k?uploadId=x", body: "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"},
		{method: "DELETE", path: "/_tunnelmesh/k?uploadId=x"},
		{method: "PUT", path: "/_tunnelmesh/peers/a.json?tagging", body: "<Tagging><TagSet></TagSet></Tagging>"},
		{method: "DELETE", path: "/_tunnelmesh/peers/a.json?tagging"},
		{method: "PUT", path: "/_tunnelmesh/peers/a.json?acl", header: map[string]string{"X-Amz-Acl": "private"}},
		{method: "DELETE", path: "/_tunnelmesh?policy"},
		{method: "PUT", path: "/_tunnelmesh?acl", header: map[string]string{"X-Amz-Acl": "private"}},
		{method: "PUT", path: "/_other"},
	}
	for name, who := range map[string]struct {
		key, secret string
		reads       bool
	}{
		"peer": {srv.AccessKey, srv.Secret, false}, "admin": {admin, adminSecret, false},
		"system": {sys, sysSecret, true}, "scoped": {scoped, scopedSecret, false},
	} {
		t.Run(name, func(t *testing.T) {
			for i, q := range append(append([]raw{}, reads...), writes...) {
				q.key, q.secret = who.key, who.secret
				a := q.do(t, srv)
				if allowed := who.reads && i < len(reads); allowed != (a.status < 300) || (!allowed && a.status != 403) {
					t.Errorf("%s %s %v: %d %s", q.method, q.path, q.header, a.status, a.body)
				}
			}
			q := raw{method: "POST", path: "/_tunnelmesh?delete", body: "<Delete><Object><Key>peers/a.json</Key></Object></Delete>", key: who.key, secret: who.secret}
			q.header = map[string]string{checksum.Header(checksum.CRC32): sumOf(t, checksum.CRC32, []byte(q.body))}
			if a := q.do(t, srv); !strings.Contains(a.body, "AccessDenied") || strings.Contains(a.body, "<Deleted>") {
				t.Errorf("POST ?delete: %d %s", a.status, a.body)
			}
			q = raw{method: "GET", path: "", key: who.key, secret: who.secret}
			if a := q.do(t, srv); strings.Contains(a.body, "_tunnelmesh") != who.reads {
				t.Errorf("ListBuckets: %s", a.body)
			}
			if info, err := srv.Store.Head(ctx, "_tunnelmesh", "peers/a.json"); err != nil || info.Size != 5 {
				t.Errorf("%+v %v", info, err)
			}
		})
	}
}

// A scoped pair reaches its prefix and nothing else. SPEC B28, E6
func TestScope(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	srv.CreateBucket(t, "other")
	all := owner(srv)
	put(t, all, "bkt", "ws1/a", "a")
	put(t, all, "bkt", "ws2/b", "b")
	put(t, all, "bkt", "ws1", "c")
	put(t, all, "other", "ws1/a", "d")
	for _, readOnly := range []bool{false, true} {
		t.Run(fmt.Sprint("read-only ", readOnly), func(t *testing.T) {
			key, secret := srv.AddScoped("bkt", "ws1/", readOnly)
			write, remove := 200, 204
			if readOnly {
				write, remove = 403, 403
			}
			for _, c := range []struct {
				method, path string
				source       string
				status       int
			}{
				{"GET", "/bkt?list-type=2&prefix=ws1/", "", 200},
				{"GET", "/bkt?list-type=2&prefix=ws1/sub&delimiter=/", "", 200},
				{"GET", "/bkt?prefix=ws1/", "", 200},
				{"GET", "/bkt?versions&prefix=ws1/", "", 200},
				{"GET", "/bkt?uploads&prefix=ws1/", "", 200},
				{"GET", "/bkt?list-type=2", "", 403},
				{"GET", "/bkt", "", 403},
				{"GET", "/bkt?list-type=2&prefix=ws1", "", 403},
				{"GET", "/bkt?list-type=2&prefix=ws2/", "", 403},
				{"GET", "/bkt?prefix=", "", 403},
				{"GET", "/bkt?uploads", "", 403},
				{"GET", "/bkt?versions", "", 403},
				{"GET", "/other?list-type=2&prefix=ws1/", "", 403},
				{"HEAD", "/bkt", "", 200},
				{"HEAD", "/other", "", 403},
				{"GET", "/bkt?location", "", 200},
				{"GET", "/other?location", "", 403},
				{"GET", "/bkt/ws1/a", "", 200},
				{"HEAD", "/bkt/ws1/a", "", 200},
				{"GET", "/bkt/ws2/b", "", 403},
				{"GET", "/bkt/ws1", "", 403},
				{"GET", "/bkt/ws1%2F..%2Fws2%2Fb", "", 404}, // a key of its own, not a path
				{"GET", "/other/ws1/a", "", 403},
				{"GET", "/none/ws1/a", "", 403}, // not even that it does not exist
				{"PUT", "/bkt/ws1/n", "", write},
				{"PUT", "/bkt/ws2/n", "", 403},
				{"PUT", "/other/ws1/n", "", 403},
				{"PUT", "/bkt/ws1/n", "bkt/ws1/a", write},
				{"PUT", "/bkt/ws1/n", "bkt/ws2/b", 403},
				{"PUT", "/bkt/ws1/n", "other/ws1/a", 403},
				{"PUT", "/bkt/ws2/n", "bkt/ws1/a", 403},
				{"PUT", "/bkt/ws1/n?partNumber=1&uploadId=x", "bkt/ws2/b", 403},
				{"POST", "/bkt/ws1/n?uploads", "", write},
				{"POST", "/bkt/ws2/n?uploads", "", 403},
				{"DELETE", "/bkt/ws2/b", "", 403},
				{"PUT", "/bkt", "", write}, // rclone's bucket, again
				{"PUT", "/fresh", "", 403},
				{"DELETE", "/bkt", "", 403},
				{"GET", "/bkt?policy", "", 404},
				{"DELETE", "/bkt?policy", "", 403},
				{"GET", "/bkt/ws1/a?tagging", "", 200},
				{"GET", "/bkt/ws2/b?tagging", "", 403},
				{"DELETE", "/bkt/ws1/a?tagging", "", remove},
				{"DELETE", "/bkt/ws2/b?tagging", "", 403},
				{"PUT", "/bkt/ws2/b?tagging", "", 403},
				{"GET", "/bkt/ws2/b?acl", "", 403},
				{"GET", "/bkt/ws2/b?attributes", "", 403},
			} {
				q := raw{method: c.method, path: c.path, key: key, secret: secret}
				if c.source != "" {
					q.header = map[string]string{"X-Amz-Copy-Source": c.source}
				}
				if a := q.do(t, srv); a.status != c.status {
					t.Errorf("%s %s %s: %d, want %d", c.method, c.path, c.source, a.status, c.status)
				}
			}
			a := raw{method: "GET", path: "/", key: key, secret: secret}.do(t, srv)
			if !strings.Contains(a.body, "<Name>bkt</Name>") || strings.Contains(a.body, "other") {
				t.Errorf("ListBuckets: %s", a.body)
			}
			out := must[*s3.DeleteObjectsOutput](t)(client(srv, key, secret).DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("bkt"), Delete: deletion("ws1/n", "ws2/b")}))
			wantErrors := 1
			if readOnly {
				wantErrors = 2
			}
			if len(out.Errors) != wantErrors || *out.Errors[0].Code != "AccessDenied" {
				t.Errorf("%+v %+v", out.Deleted, out.Errors)
			}
			if get(t, all, "bkt", "ws2/b") != "b" || get(t, all, "bkt", "ws1/a") != "a" {
				t.Error("an object changed")
			}
		})
	}
}
