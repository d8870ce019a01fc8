package s3test_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B4, B12: the ways to tell s3cmd of a service below a path.
func TestS3cmd(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	host := strings.TrimPrefix(srv.Endpoint(), "http://")
	for _, c := range []struct {
		name, hostBucket string
		bytes            int
	}{
		{"bucket after the path", host, 20_000_000}, // multipart from 15 MB
		{"bucket in the host", host + "/%(bucket)s", 1000},
	} {
		t.Run(c.name, func(t *testing.T) { s3cmd(t, srv, c.hostBucket, c.bytes) })
	}
}

func s3cmd(t *testing.T, srv *s3test.Server, hostBucket string, size int) {
	s := newShell(t, srv, "", "")
	s.write(".s3cfg", fmt.Appendf(nil, "[default]\naccess_key = %s\nsecret_key = %s\nhost_base = %s\nhost_bucket = %s\nuse_https = False\n",
		srv.AccessKey, srv.Secret, strings.TrimPrefix(srv.Endpoint(), "http://"), hostBucket))
	program := program(t, "s3cmd")
	cmd := func(args ...string) string {
		t.Helper()
		return s.run(program, append([]string{"--no-progress"}, args...)...)
	}
	s.write("odd ü+name.txt", []byte("odd"))
	s.write("big", randomBytes(size))
	cmd("mb", "s3://bkt")
	s.shows(cmd("ls"), "s3://bkt")
	cmd("put", "odd ü+name.txt", "s3://bkt/dir/odd ü+name.txt")
	cmd("put", "big", "s3://bkt/big")
	s.shows(cmd("ls", "s3://bkt"), "DIR", "s3://bkt/dir/", "s3://bkt/big") // V1 lists
	s.shows(cmd("ls", "-r", "s3://bkt"), "s3://bkt/dir/odd ü+name.txt")
	cmd("get", "s3://bkt/big", "down")
	s.same("big", "down")
	cmd("get", "s3://bkt/dir/odd ü+name.txt", "odd-down")
	s.same("odd ü+name.txt", "odd-down")
	cmd("cp", "s3://bkt/big", "s3://bkt/copy")
	s.shows(cmd("info", "s3://bkt/copy"), fmt.Sprint(size), "x-amz-meta-s3cmd-attrs", srv.AccessKey+": FULL_CONTROL")
	cmd("modify", "--add-header=Cache-Control: no-cache", "s3://bkt/copy")
	s.shows(cmd("info", "s3://bkt"), "Location:  us-east-1")
	s.refused("NotImplemented", program, "setacl", "--acl-public", "s3://bkt/big")
	s.shows(cmd("du", "s3://bkt"), fmt.Sprint(2*size+3))
	cmd("sync", ".", "s3://bkt/sync/")
	s.hides(cmd("sync", ".", "s3://bkt/sync/"), "upload")
	cmd("mv", "s3://bkt/copy", "s3://bkt/moved")
	cmd("del", "-r", "--force", "s3://bkt")
	cmd("rb", "s3://bkt")
}
