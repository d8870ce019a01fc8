package remote

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// Head returns key's object or upper.ErrNoObject. ModTime is the store's own, by this
// machine's clock.
func (c *Client) Head(ctx context.Context, key string) (upper.Object, error) {
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out, err := c.s3.HeadObject(call, &s3.HeadObjectInput{Bucket: &c.bucket, Key: c.full(key)})
	if err == nil {
		err = stored(out.ETag)
	}
	if err := c.outcome(ctx, "look up", key, err); err != nil {
		return upper.Object{}, err
	}
	o := object(key, aws.ToInt64(out.ContentLength), unquoted(out.ETag))
	o.ModTime = c.skew.local(aws.ToTime(out.LastModified))
	o.Version = out.Metadata[versionKey]
	return o, nil
}

// ReadRange reads n bytes at off of the object that has etag (any, for ""). Another
// ETag is upper.ErrChanged, also from stores that ignore If-Match; a missing key is
// upper.ErrNoObject. A body that stalls for Options.Timeout fails.
func (c *Client) ReadRange(ctx context.Context, key, etag string, off, n int64) (io.ReadCloser, error) {
	if n <= 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	leave, err := c.down.enter(ctx)
	if err != nil {
		return nil, err
	}
	call, end := context.WithCancel(ctx)
	cancel := func() { end(); leave() }
	guard := time.AfterFunc(c.timeout, end)
	out, err := c.s3.GetObject(call, &s3.GetObjectInput{
		Bucket: &c.bucket, Key: c.full(key), IfMatch: quoted(etag), Range: byteRange(off, n),
	})
	if err != nil {
		stalled := !guard.Stop()
		cancel()
		if stalled && ctx.Err() == nil {
			return nil, c.stalled(key)
		}
		return nil, c.outcome(ctx, "read", key, err)
	}
	body := &guarded{c: c, body: out.Body, cancel: cancel, guard: guard, key: key, left: n, parent: ctx}
	got := unquoted(out.ETag)
	if got == "" {
		body.Close()
		return nil, c.outcome(ctx, "read", key, errNotS3)
	}
	if etag != "" && got != etag {
		body.Close()
		return nil, fmt.Errorf("read %s: %w", key, upper.ErrChanged)
	}
	if off > 0 && !strings.HasPrefix(aws.ToString(out.ContentRange), fmt.Sprintf("bytes %d-", off)) {
		body.Close()
		return nil, fault.New(fault.Failure, "use a store that does", "read %s: the store does not serve byte ranges", key)
	}
	return body, nil
}

func byteRange(off, n int64) *string {
	return aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1))
}

func (c *Client) stalled(key string) error {
	err := fault.New(fault.Unreachable, c.hints.Reach, "read %s: no answer from the store for %s", key, c.timeout)
	err.Err = timedOut{}
	c.health.note(err)
	return err
}

// guarded is a response body of exactly left bytes whose reads must make progress.
type guarded struct {
	c      *Client
	body   io.ReadCloser
	cancel func() // once
	guard  *time.Timer
	key    string
	left   int64
	parent context.Context
}

// Read implements io.Reader. A body that ends early is io.ErrUnexpectedEOF.
func (g *guarded) Read(p []byte) (int, error) {
	if g.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > g.left {
		p = p[:g.left]
	}
	g.guard.Reset(g.c.timeout)
	n, err := g.body.Read(p[:g.c.down.most(len(p))])
	stalled := !g.guard.Stop()
	g.left -= int64(n)
	g.c.traffic.fetched.Add(int64(n))
	if perr := g.c.down.pass(g.parent, n); perr != nil {
		return n, perr
	}
	switch {
	case err == io.EOF && g.left > 0:
		g.c.health.note(fault.New(fault.Unreachable, g.c.hints.Reach, "read %s: the store's answer was cut off", g.key))
		return n, io.ErrUnexpectedEOF
	case err == io.EOF || g.left == 0:
		g.c.health.note(nil)
		return n, nil
	case err != nil && stalled && g.parent.Err() == nil:
		return n, g.c.stalled(g.key)
	case err != nil:
		return n, g.c.outcome(g.parent, "read", g.key, err)
	}
	return n, nil
}

// Close implements io.Closer.
func (g *guarded) Close() error {
	g.guard.Stop()
	err := g.body.Close()
	g.cancel()
	return err
}
