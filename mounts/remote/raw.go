package remote

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// What follows is for package objects, which asks a store for more than a mount does.

// S3 sends requests as the Client's own are: signed with its keys, over its connections and
// within its bandwidth. Their errors are for Outcome.
func (c *Client) S3() *s3.Client { return c.s3 }

// Outcome turns an error of the SDK into upper.ErrNoObject, upper.ErrChanged, ctx's own error
// or a fault, none of which holds a URL or a header. nil stays nil.
func (c *Client) Outcome(ctx context.Context, op, key string, err error) error {
	return c.outcome(ctx, op, key, err)
}

// Listing is an error where page is not an S3 store's: it would be taken for an empty one.
func Listing(page *s3.ListObjectsV2Output) error { return listing(page) }

// Stored is an error where an answer about an object does not name its version.
func Stored(etag *string) error { return stored(etag) }

// StatusOf is the HTTP status of an error of the SDK; 0: there was no answer.
func StatusOf(err error) int { return statusOf(err) }

// Unsigned leaves a body out of the signature where its CRC-32C in a header is proof enough:
// the store verifies it (verified), and nobody is on the way.
func (c *Client) Unsigned(verified bool) func(*s3.Options) { return c.unsigned(verified) }

// UploadTurn waits until another body may be sent, which a bounded bandwidth delays. The
// context it returns ends with ctx, or when size bytes would have been through at the slowest:
// verdict turns the error of that into a timeout. The caller calls end.
func (c *Client) UploadTurn(ctx context.Context, size int64) (call context.Context, verdict func(error) error, end func(), err error) {
	leave, err := c.up.enter(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	p := withPatience(ctx, uploadBound(size))
	return p, p.verdict, func() { p.end(); leave() }, nil
}

// DownloadTurn waits until another body may be fetched. The caller calls leave.
func (c *Client) DownloadTurn(ctx context.Context) (leave func(), err error) {
	return c.down.enter(ctx)
}

// Fetched counts n bytes of a body and waits as long as the bandwidth wants.
func (c *Client) Fetched(ctx context.Context, n int) error {
	c.traffic.fetched.Add(int64(n))
	return c.down.pass(ctx, n)
}

// Timeout is how long a read waits for a store that says nothing.
func (c *Client) Timeout() time.Duration { return c.timeout }

// Expires is when the credentials in use end; zero: never.
func (c *Client) Expires() time.Time { return c.signed.keys.Expires() }

type sendingKey struct{}

// Sending has told be called with the number of bytes of each piece that a request with the
// context takes of its body.
func Sending(ctx context.Context, told func(n int)) context.Context {
	return context.WithValue(ctx, sendingKey{}, told)
}
