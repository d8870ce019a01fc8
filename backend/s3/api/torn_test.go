package api_test

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// An object whose bytes a disk lost is an error to the client, never a shorter object.
func TestLostBytesAreSeen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	srv := s3test.Start(t, s3test.WithDir(dir))
	srv.CreateBucket(t, "bkt")
	put(t, owner(srv), "bkt", "k", string(randomBytes(200_000)))
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Truncate(path, 100_000)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(raw{method: "GET", path: "/bkt/k", key: srv.AccessKey, secret: srv.Secret}.request(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("a client took %d bytes for the whole object", n)
	}
}
