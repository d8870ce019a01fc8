package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// A mount of a workspace learns what its prefix holds and what its own quota leaves, or a
// wider one that leaves less; past it a write is told whose quota is full. SPEC B24, D3
func TestSpaceOfPrefix(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	put(t, c, "bkt", "ws-1/a", strings.Repeat("x", 300))
	put(t, c, "bkt", "ws-1/sub/b", strings.Repeat("x", 100))
	put(t, c, "bkt", "ws-10/c", strings.Repeat("x", 5000))
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(srv.Store.SetPrefix(ctx, "bkt", "ws-1/", 1000))
	check(srv.Store.SetPrefix(ctx, "bkt", "ws-10/", 0))
	key, secret := srv.AddScoped("bkt", "ws-1/", false)
	space := func(key, secret, prefix, used, free string) {
		t.Helper()
		r := raw{method: "GET", path: "/bkt?list-type=2&max-keys=1&prefix=" + prefix, header: map[string]string{"X-Artifacts-Space": "1"}, key: key, secret: secret}
		resp := r.do(t, srv)
		resp.want(t, http.StatusOK, "")
		if u, f := resp.header.Get("X-Artifacts-Used-Bytes"), resp.header.Get("X-Artifacts-Free-Bytes"); u != used || f != free {
			t.Errorf("below %q %s bytes are used and %q free, want %s and %q", prefix, u, f, used, free)
		}
	}
	space(key, secret, "ws-1/", "400", "600")
	space(key, secret, "ws-1/sub/", "100", "600")
	space(srv.AccessKey, srv.Secret, "ws-10/", "5000", "")
	check(srv.Store.SetQuota(ctx, "bkt", 5500))
	space(key, secret, "ws-1/", "400", "100")
	space(srv.AccessKey, srv.Secret, "ws-10/", "5000", "100")
	check(srv.Store.SetQuota(ctx, "bkt", 0))
	resp := raw{method: "PUT", path: "/bkt/ws-1/d", body: strings.Repeat("x", 601), key: key, secret: secret}.do(t, srv)
	resp.want(t, http.StatusForbidden, "QuotaExceeded")
	if !strings.Contains(resp.body, "quota of ws-1/ in bucket bkt is 1000 bytes: 400 are in use and 601 more are needed") {
		t.Errorf("%s", resp.body)
	}
	check(srv.Store.SetPrefix(ctx, "bkt", "ws-1/", 399))
	space(key, secret, "ws-1/", "400", "0")
}
