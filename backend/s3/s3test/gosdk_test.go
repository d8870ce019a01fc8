package s3test_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B4, B12: the Go SDK with nothing set but endpoint and credentials; package api tests
// the rest of the protocol with it.
func TestGoSDK(t *testing.T) {
	t.Parallel()
	srv := s3test.Start(t)
	ctx := context.Background()
	c := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.Endpoint()), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(srv.AccessKey, srv.Secret, ""),
	})
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bkt")})
	check(err)
	keys := []string{"a", "a//b", "a/b", "sp ace+ü"}
	for _, k := range keys {
		// A body that cannot seek goes out aws-chunked, with its CRC in a trailer.
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String(k), Body: io.LimitReader(bytes.NewReader([]byte(k)), 100), ContentLength: aws.Int64(int64(len(k)))},
			s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware))
		check(err)
	}
	var listed []string
	for p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), MaxKeys: aws.Int32(2)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		check(err)
		for _, o := range page.Contents {
			listed = append(listed, *o.Key)
		}
	}
	if len(listed) != len(keys) {
		t.Fatalf("%q, want %q", listed, keys)
	}
	for i, k := range keys {
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String(k)})
		check(err)
		text, err := io.ReadAll(got.Body)
		check(err)
		if string(text) != k || listed[i] != k {
			t.Errorf("%q holds %q and is listed as %q", k, text, listed[i])
		}
	}
	presign := s3.NewPresignClient(c, s3.WithPresignExpires(time.Minute))
	put, err := presign.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("by url")})
	check(err)
	get, err := presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("by url")})
	check(err)
	for _, q := range []struct{ method, url, body, want string }{{http.MethodPut, put.URL, "presigned", ""}, {http.MethodGet, get.URL, "", "presigned"}} {
		r, err := http.NewRequestWithContext(ctx, q.method, q.url, bytes.NewReader([]byte(q.body)))
		check(err)
		resp, err := http.DefaultClient.Do(r)
		check(err)
		text, err := io.ReadAll(resp.Body)
		check(err)
		check(resp.Body.Close())
		if resp.StatusCode != http.StatusOK || string(text) != q.want {
			t.Errorf("%s: %s %s", q.method, resp.Status, text)
		}
	}
}
