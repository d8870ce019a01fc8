package remote

import (
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Get returns all of key's object and its ETag; upper.ErrNoObject where there is none,
// an error where it has more than most bytes. A body that stalls for Options.Timeout fails.
func (c *Client) Get(ctx context.Context, key string, most int64) ([]byte, string, error) {
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out, err := c.s3.GetObject(call, &s3.GetObjectInput{Bucket: &c.bucket, Key: c.full(key)})
	if err == nil {
		err = stored(out.ETag)
	}
	if err != nil {
		return nil, "", c.outcome(ctx, "read", key, err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(io.LimitReader(out.Body, most+1))
	if err := c.outcome(ctx, "read", key, err); err != nil {
		return nil, "", err
	}
	if int64(len(b)) > most {
		return nil, "", fault.New(fault.Failure, "", "read %s: more than %d bytes", key, most)
	}
	return b, unquoted(out.ETag), nil
}
