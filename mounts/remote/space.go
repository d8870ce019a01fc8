package remote

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Space is how much the store holds below the prefix, and how much still goes in.
type Space struct {
	Used    int64 `json:"used_bytes"`
	Free    int64 `json:"free_bytes"`
	Bounded bool  `json:"bounded"` // a quota says what Free is
}

// Space asks a coordinator's store. Another store has no answer, and known is false then.
func (c *Client) Space(ctx context.Context) (space Space, known bool, err error) {
	call, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	page, err := c.s3.ListObjectsV2(call, &s3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: &c.prefix, MaxKeys: aws.Int32(1)},
		s3.WithAPIOptions(smithyhttp.SetHeaderValue("X-Artifacts-Space", "1")))
	if err == nil {
		err = listing(page)
	}
	if err := c.outcome(ctx, "ask for the free space", "", err); err != nil {
		return Space{}, false, err
	}
	raw, ok := awsmiddleware.GetRawResponse(page.ResultMetadata).(*smithyhttp.Response)
	if !ok {
		return Space{}, false, nil
	}
	if space.Used, err = strconv.ParseInt(raw.Header.Get("X-Artifacts-Used-Bytes"), 10, 64); err != nil || space.Used < 0 {
		return Space{}, false, nil
	}
	space.Free, err = strconv.ParseInt(raw.Header.Get("X-Artifacts-Free-Bytes"), 10, 64)
	space.Bounded = err == nil && space.Free >= 0
	if !space.Bounded {
		space.Free = 0
	}
	return space, true, nil
}
