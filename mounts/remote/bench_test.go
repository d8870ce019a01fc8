package remote_test

import (
	"bytes"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/mounts/remote"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// BenchmarkPut uploads 256 MiB in parts; the store is in the same process.
func BenchmarkPut(b *testing.B) {
	s := s3test.Start(b)
	s.CreateBucket(b, bucket)
	c, err := remote.New(remote.Options{Endpoint: s.Endpoint(), Bucket: bucket, Keys: remote.NewKeys(pair(s.AccessKey, s.Secret))})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	data := noise(256 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := c.Put(b.Context(), "big", bytes.NewReader(data), int64(len(data)), upper.PutMeta{}); err != nil {
			b.Fatal(err)
		}
	}
}
