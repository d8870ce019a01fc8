package remote

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// probeName begins the key of an upload that is begun to see whether it may be; no object
// of that name comes to be.
const probeName = ".artifacts-probe-"

// Prove shows that the client's credentials list its bucket and prefix and, where write is asked
// for, may write there: an upload of parts is begun and given up, so that nothing is left or
// overwritten. A store that knows no uploads of parts proves the listing alone. Errors are faults
// as of any request.
func (c *Client) Prove(ctx context.Context, write bool) error {
	if err := c.Check(ctx); err != nil || !write {
		return err
	}
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	key := probeName + rand.Text()
	out, err := c.s3.CreateMultipartUpload(call, &s3.CreateMultipartUploadInput{Bucket: &c.bucket, Key: c.full(key)})
	if statusOf(err) == http.StatusNotImplemented {
		return nil
	}
	if err == nil && aws.ToString(out.UploadId) == "" {
		err = errNotS3
	}
	if err := c.failure(ctx, "write to bucket", c.bucket, err); err != nil {
		return err
	}
	(&upload{c: c, key: key, id: out.UploadId}).abort(ctx)
	return nil
}

// Renew has requests signed with creds from now on, and forgets what the store said of the
// former ones: its health, as far as that was a refusal.
func (c *Client) Renew(creds keyring.Credentials) {
	c.signed.keys.Swap(creds)
	c.health.forgive()
}
