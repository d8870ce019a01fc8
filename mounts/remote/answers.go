package remote

import (
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// errNotS3 is a success that no S3 store says in this way: a captive portal, or a proxy
// with an opinion. The SDK takes an empty body for an empty result.
var errNotS3 = errors.New("the answer is not that of an S3 store")

// listing refuses a page that says nothing about itself: taken for an answer it would be an
// empty directory.
func listing(page *s3.ListObjectsV2Output) error {
	if page.Name == nil && page.Prefix == nil && page.KeyCount == nil && page.MaxKeys == nil && page.IsTruncated == nil {
		return errNotS3
	}
	return nil
}

// stored refuses an answer about an object that does not name its version.
func stored(etag *string) error {
	if aws.ToString(etag) == "" {
		return errNotS3
	}
	return nil
}

// deleted refuses an answer with a page in it: S3 says 204 and nothing, and the SDK looks at
// nothing but the status. What follows is the belief that the object is gone.
func deleted(out *s3.DeleteObjectOutput) error {
	res, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
	if ok && res.StatusCode != http.StatusNoContent && strings.Contains(res.Header.Get("Content-Type"), "html") {
		return errNotS3
	}
	return nil
}

// cutOff reports whether an answer ended early or makes no sense. Refusals are judged by
// their status where their text is not XML, and never is a missing object.
func cutOff(err error, status int) bool {
	var broken *smithy.DeserializationError
	switch {
	case errors.Is(err, errNotS3):
		return true
	case !errors.As(err, &broken):
		return false
	}
	return status < 300 || status == http.StatusNotFound || status == http.StatusPreconditionFailed ||
		status == http.StatusRequestedRangeNotSatisfiable
}
