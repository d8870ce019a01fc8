package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
)

// SPEC B11, B12, B13
func TestBuckets(t *testing.T) {
	srv := s3test.Start(t)
	c := owner(srv)
	create := func(c *s3.Client, name string) error {
		_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
		return err
	}
	for range 2 { // rclone creates its bucket again and again
		if err := create(c, "bkt"); err != nil {
			t.Fatal(err)
		}
	}
	other, secret := srv.AddPeer("other")
	wantCode(t, create(client(srv, other, secret), "bkt"), "BucketAlreadyExists")
	for _, name := range []string{"_mine", "_tunnelmesh"} {
		wantCode(t, create(c, name), "AccessDenied") // SPEC B14
	}
	wantCode(t, create(c, "Bad"), "InvalidBucketName")
	for _, path := range []string{"", "/"} { // measured: clients send both
		a := raw{method: "GET", path: path, key: srv.AccessKey, secret: srv.Secret}.do(t, srv)
		if a.status != 200 || !strings.Contains(a.body, "<Name>bkt</Name>") {
			t.Errorf("GET /s3%s: %d %s", path, a.status, a.body)
		}
	}
	must[*s3.HeadBucketOutput](t)(c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("bkt")}))
	_, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("none")})
	wantCode(t, err, "NotFound")
	must[*s3.GetBucketLocationOutput](t)(c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("bkt")}))
	put(t, c, "bkt", "k", "x")
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("bkt")})
	wantCode(t, err, "BucketNotEmpty")
	_, err = c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("bkt")})
	wantCode(t, err, "NoSuchBucketPolicy")
	if v := must[*s3.GetBucketVersioningOutput](t)(c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String("bkt")})); v.Status != "" {
		t.Error(v.Status)
	}
	acl := must[*s3.GetBucketAclOutput](t)(c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: aws.String("bkt")}))
	if len(acl.Grants) != 1 || *acl.Owner.ID != srv.AccessKey {
		t.Errorf("%+v", acl)
	}
	_, err = c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("bkt"), Policy: aws.String("{}")})
	wantCode(t, err, "NotImplemented")
	raw{method: "POST", path: "/bkt", key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 405, "MethodNotAllowed")
	raw{method: "PUT", path: "//k", key: srv.AccessKey, secret: srv.Secret}.do(t, srv).want(t, 400, "InvalidBucketName")
}

// SPEC B12
func TestListPages(t *testing.T) {
	srv := s3test.Start(t)
	srv.CreateBucket(t, "bkt")
	c := owner(srv)
	for i := range 7 {
		put(t, c, "bkt", fmt.Sprintf("d%d/x", i), "x")
		put(t, c, "bkt", fmt.Sprintf("f%d", i), "x")
	}
	var v2 []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(3)})
	n := 0
	for pages.HasMorePages() {
		p := must[*s3.ListObjectsV2Output](t)(pages.NextPage(ctx))
		if int(*p.KeyCount) != len(p.Contents)+len(p.CommonPrefixes) || *p.KeyCount > 3 {
			t.Errorf("KeyCount %d", *p.KeyCount)
		}
		for _, x := range p.CommonPrefixes {
			v2 = append(v2, *x.Prefix)
		}
		for _, x := range p.Contents {
			v2 = append(v2, *x.Key)
		}
		n++
	}
	want := "d0/ d1/ d2/ d3/ d4/ d5/ d6/ f0 f1 f2 f3 f4 f5 f6"
	if got := strings.Join(v2, " "); got != want || n != 5 {
		t.Errorf("%d pages: %s", n, got)
	}
	var v1 []string
	marker := ""
	for {
		p := must[*s3.ListObjectsOutput](t)(c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(3), Marker: &marker}))
		for _, x := range p.CommonPrefixes {
			v1 = append(v1, *x.Prefix)
		}
		for _, x := range p.Contents {
			v1 = append(v1, *x.Key)
		}
		if !*p.IsTruncated {
			break
		}
		marker = *p.NextMarker
	}
	if got := strings.Join(v1, " "); got != want {
		t.Errorf("V1: %s", got)
	}
	p := must[*s3.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), StartAfter: aws.String("f4"), MaxKeys: aws.Int32(0)}))
	if len(p.Contents) != 0 || *p.IsTruncated {
		t.Errorf("max-keys 0: %+v", p)
	}
	_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("bkt"), ContinuationToken: aws.String("!")})
	wantCode(t, err, "InvalidArgument")
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("none")})
	wantCode(t, err, "NoSuchBucket")
}
