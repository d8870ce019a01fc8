package objects

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// MostExpiry is the longest life of a presigned link:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
const MostExpiry = 7 * 24 * time.Hour

// Link is a presigned URL: whoever has it may do what it says, until it ends.
type Link struct {
	URL     string    `json:"url"`
	Method  string    `json:"method"` // GET or PUT
	Place   string    `json:"place"`
	Expires time.Time `json:"expires"`
	// Sooner: the pair that signed it ends before that.
	Sooner time.Time `json:"credentials_end,omitzero"`
}

// Share makes a link to read an object, or with put to write it. It asks the store nothing.
func (s *Store) Share(ctx context.Context, key string, life time.Duration, put bool) (Link, error) {
	if life < time.Second || life > MostExpiry {
		return Link{}, fault.New(fault.Usage, "from 1s to 7d", "a link cannot live for %s", life)
	}
	if err := s.fresh(ctx); err != nil {
		return Link{}, err
	}
	sign := s3.NewPresignClient(s.Client.S3(), s3.WithPresignExpires(life))
	l := Link{Method: "GET", Place: s.Place(key), Expires: time.Now().Add(life).Truncate(time.Second)}
	if put {
		l.Method = "PUT"
		r, err := sign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &s.Bucket, Key: s.full(key)})
		if err != nil {
			return Link{}, fault.New(fault.Failure, "", "the link to %s cannot be signed", l.Place)
		}
		l.URL = r.URL
	} else {
		r, err := sign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(s.Bucket), Key: s.full(key)})
		if err != nil {
			return Link{}, fault.New(fault.Failure, "", "the link to %s cannot be signed", l.Place)
		}
		l.URL = r.URL
	}
	if end := s.Client.Expires(); !end.IsZero() && end.Before(l.Expires) {
		l.Sooner = end
	}
	return l, nil
}
