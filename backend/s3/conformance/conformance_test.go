package conformance

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// behaviour is one thing that S3 does.
type behaviour struct {
	name string
	test func(*probe)
	// differs says why versitygw is not held to it; empty: it is.
	differs string
}

// SPEC B4, B11, B12, B13
func TestConformance(t *testing.T) {
	all := slices.Concat(buckets, objects, metadata, conditions, ranges, copies, lists, deletions, multipart, checksums, tagging, refusals, requests)
	seen := map[string]bool{}
	for _, b := range all {
		if seen[b.name] {
			t.Errorf("two behaviours are called %q", b.name)
		}
		seen[b.name] = true
	}
	t.Run("ours", func(t *testing.T) {
		s := ours(t)
		for _, b := range all {
			t.Run(b.name, func(t *testing.T) { b.test(newProbe(t, s)) })
		}
	})
	t.Run("versitygw", func(t *testing.T) {
		s := versity(t)
		for _, b := range all {
			if b.differs == "" {
				t.Run(b.name, func(t *testing.T) { b.test(newProbe(t, s)) })
			}
		}
	})
}

// service is an S3 that runs.
type service struct{ endpoint, access, secret string }

// probe is one behaviour's view of a service, with a bucket of its own.
type probe struct {
	*testing.T
	service
	bucket string
	s3     *s3.Client
}

var bucketNumber atomic.Int64

func newProbe(t *testing.T, s service) *probe {
	t.Helper()
	p := &probe{T: t, service: s, bucket: fmt.Sprintf("conformance-%d", bucketNumber.Add(1))}
	p.s3 = s3.New(s3.Options{
		BaseEndpoint: aws.String(s.endpoint), Region: "us-east-1", UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(s.access, s.secret, ""),
	})
	p.do("PUT", "").want(200, "")
	return p
}
