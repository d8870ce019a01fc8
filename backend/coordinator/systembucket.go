package coordinator

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

// maxRecord bounds a record of the system bucket, in bytes.
const maxRecord = 1 << 20

// ensureBucket makes a bucket of the coordinator's own where it is missing.
func ensureBucket(ctx context.Context, s *store.Store, name string) error {
	err := s.CreateBucket(ctx, name, store.CreateBucketOptions{Owner: "coordinator"})
	if errors.Is(err, store.ErrBucketAlreadyExists) {
		return nil
	}
	return err
}

// eachRecord calls fn with every key of the system bucket, in order.
func eachRecord(ctx context.Context, s *store.Store, fn func(key string) error) error {
	var after string
	for {
		page, err := s.List(ctx, SystemBucket, store.ListOptions{StartAfter: after})
		if err != nil {
			return err
		}
		for _, o := range page.Objects {
			if err := fn(o.Key); err != nil {
				return err
			}
		}
		if !page.Truncated {
			return nil
		}
		after = page.Next
	}
}

func readRecord(ctx context.Context, s *store.Store, key string) ([]byte, error) {
	r, err := s.Get(ctx, SystemBucket, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxRecord))
}

func writeRecord(ctx context.Context, s *store.Store, key string, body []byte) error {
	_, err := s.Put(ctx, SystemBucket, key, bytes.NewReader(body), store.PutOptions{
		Size: int64(len(body)), ContentType: "application/json",
	})
	return err
}

// prefixUsage counts what a workspace holds.
func prefixUsage(ctx context.Context, s *store.Store, w workspace.Workspace) (*workspace.Usage, error) {
	bytes, objects, err := s.PrefixUsage(ctx, w.Bucket, w.Prefix)
	if errors.Is(err, store.ErrNoSuchBucket) {
		return &workspace.Usage{}, nil
	}
	return &workspace.Usage{Bytes: bytes, Objects: objects}, err
}
