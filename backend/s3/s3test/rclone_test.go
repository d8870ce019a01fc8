package s3test_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B4: Debian's rclone, which is old, and a new one.
func TestRclone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path string }{
		{"debian", program(t, "/usr/bin/rclone")}, {"1.76", tool(t, "rclone")},
	} {
		t.Run(c.name, func(t *testing.T) { rclone(t, c.path) })
	}
}

func rclone(t *testing.T, path string) {
	srv := s3test.Start(t)
	s := newShell(t, srv, "", "")
	s.write(".config/rclone/rclone.conf", []byte(strings.Join([]string{
		"[mesh]", "type = s3", "provider = Other", "endpoint = " + srv.Endpoint(),
		"access_key_id = " + srv.AccessKey, "secret_access_key = " + srv.Secret,
	}, "\n")))
	r := func(args ...string) string { t.Helper(); return s.run(path, args...) }

	odd := "tree/odd ü+name &=%41.txt"
	s.write("tree/a", []byte("a"))
	s.write("tree/b/c", []byte("c"))
	s.write("tree/empty", nil)
	s.write(odd, []byte("odd"))
	s.write("tree/big", randomBytes(50_000_000))
	parts := []string{"--s3-upload-cutoff", "8M", "--s3-chunk-size", "8M"}

	r("mkdir", "mesh:bkt")
	r(append([]string{"copy", "tree", "mesh:bkt/t", "--metadata"}, parts...)...)
	r("check", "tree", "mesh:bkt/t", "--download") // byte by byte
	s.shows(r("sync", "tree", "mesh:bkt/t", "-v", "--metadata"), "There was nothing to transfer")
	r("copy", "mesh:bkt/t", "back", "--multi-thread-streams", "4", "--multi-thread-cutoff", "10M")
	s.same("tree/big", "back/big")
	s.same(odd, strings.Replace(odd, "tree", "back", 1))
	if out := r("cat", "mesh:bkt/t/big", "--offset", "49999990"); len(out) != 10 {
		t.Errorf("the range has %d bytes", len(out))
	}
	type file struct {
		Path     string
		Size     int64
		Metadata map[string]string
	}
	var list []file
	if err := json.Unmarshal([]byte(r("lsjson", "-R", "--files-only", "--metadata", "mesh:bkt/t")), &list); err != nil {
		t.Fatal(err)
	}
	isBig := func(f file) bool { return f.Path == "big" && f.Size == 50_000_000 && f.Metadata["mtime"] != "" }
	if len(list) != 5 || !slices.ContainsFunc(list, isBig) {
		t.Errorf("%+v", list)
	}

	// Copies within the server: one request for small objects, in parts for others.
	r(append([]string{"copy", "mesh:bkt/t", "mesh:bkt/u", "--s3-copy-cutoff", "8M"}, parts...)...)
	r("check", "tree", "mesh:bkt/u", "--download")
	for _, q := range srv.Requests() {
		if q.Method == http.MethodPut && strings.Contains(q.Path, "/bkt/u/") && q.Header.Get("X-Amz-Copy-Source") == "" {
			t.Errorf("%s %s?%s was no copy", q.Method, q.Path, q.Query)
		}
	}
	r("moveto", "mesh:bkt/u/a", "mesh:bkt/u/b/moved")
	s.shows(r("lsf", "-R", "mesh:bkt/u"), "b/moved\n", "b/c\n")
	s.write("tree/a", []byte("changed"))
	r("sync", "tree", "mesh:bkt/u", "--checksum", "--size-only=false") // deletes b/moved
	s.hides(r("lsf", "-R", "mesh:bkt/u"), "b/moved\n")
	if out := r("cat", "mesh:bkt/u/a"); out != "changed" {
		t.Errorf("after the sync: %s", out)
	}
	s.shows(r("md5sum", "mesh:bkt/u/empty"), "d41d8cd98f00b204e9800998ecf8427e")

	url := strings.TrimSpace(r("link", "--expire", "1h", "mesh:bkt/t/"+strings.TrimPrefix(odd, "tree/")))
	if out := s.run(program(t, "curl"), "-s", url); out != "odd" {
		t.Errorf("presigned: %s", out)
	}
	// rcat does not know the size that it will have.
	r("copyto", "tree/b/c", "mesh:bkt/stream")
	s.run("/bin/sh", "-c", `head -c 12000000 /dev/zero | "$0" rcat --s3-upload-cutoff 5M mesh:bkt/stream`, path)
	s.shows(r("lsf", "--format", "sp", "mesh:bkt/stream"), "12000000;stream")
	r("purge", "mesh:bkt")
	if out := r("lsd", "mesh:"); strings.Contains(out, "bkt") {
		t.Errorf("after the purge: %s", out)
	}
}
