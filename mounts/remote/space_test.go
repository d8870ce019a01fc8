package remote_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
)

// A scoped pair learns what its prefix holds, and what the quotas of bucket and store leave.
func TestSpace(t *testing.T) {
	s := s3test.Start(t, s3test.WithMaxSize(100_000))
	s.CreateBucket(t, bucket)
	peer, _ := connect(t, s, "")
	put(t, peer, "ws/a", noise(1000))
	put(t, peer, "ws/b/c", noise(500))
	put(t, peer, "other/d", noise(7000))
	key, secret := s.AddScoped(bucket, "ws/", true)
	c, err := remote.New(remote.Options{Endpoint: s.Endpoint(), Bucket: bucket, Prefix: "ws/", Keys: remote.NewKeys(pair(key, secret))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	want := func(what string, free int64) {
		t.Helper()
		got, known, err := c.Space(t.Context())
		if err != nil || !known || got != (remote.Space{Used: 1500, Free: free, Bounded: true}) {
			t.Errorf("%s: %+v, %v, %v; want 1500 used and %d free", what, got, known, err, free)
		}
	}
	want("the store's bound", 100_000-8500)
	if err := s.Store.SetQuota(t.Context(), bucket, 10_000); err != nil {
		t.Fatal(err)
	}
	want("the bucket's quota", 1500)
	if err := s.Store.SetQuota(t.Context(), bucket, 1); err != nil {
		t.Fatal(err)
	}
	want("a quota below what is there", 0)
}

// Without a quota only what is used is known; a store of another kind knows nothing; nobody
// learns of a prefix that is not theirs.
func TestSpaceUnknown(t *testing.T) {
	s := start(t)
	c, _ := connect(t, s, "")
	put(t, c, "f", noise(10))
	if got, known, err := c.Space(t.Context()); err != nil || !known || got != (remote.Space{Used: 10}) {
		t.Errorf("without a quota: %+v, %v, %v", got, known, err)
	}
	key, secret := s.AddScoped(bucket, "mine/", false)
	other, err := remote.New(remote.Options{Endpoint: s.Endpoint(), Bucket: bucket, Prefix: "theirs/", Keys: remote.NewKeys(pair(key, secret))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	if got, known, err := other.Space(t.Context()); !fault.Is(err, fault.Auth) || known || got != (remote.Space{}) {
		t.Errorf("of another's prefix: %+v, %v, %v", got, known, err)
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // as S3 itself
		fmt.Fprintf(w, "<ListBucketResult><Name>%s</Name><KeyCount>0</KeyCount></ListBucketResult>", bucket)
	}))
	t.Cleanup(elsewhere.Close)
	away, err := remote.New(remote.Options{Endpoint: elsewhere.URL, Bucket: bucket, Keys: remote.NewKeys(pair(key, secret))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(away.Close)
	if got, known, err := away.Space(t.Context()); err != nil || known {
		t.Errorf("of a store that does not know: %+v, %v, %v", got, known, err)
	}
}
