package conformance

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func (p *probe) presigned(r *v4.PresignedHTTPRequest, err error) func(method, body string) answer {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
	return func(method, body string) answer {
		p.Helper()
		q, err := http.NewRequest(method, r.URL, strings.NewReader(body))
		if err != nil {
			p.Fatal(err)
		}
		for name, v := range r.SignedHeader {
			q.Header[name] = v
		}
		return p.send(q)
	}
}

var requests = []behaviour{
	{name: "presigned PUT, GET, HEAD and DELETE", test: func(p *probe) {
		c := s3.NewPresignClient(p.s3)
		key := aws.String("a b+c/ü")
		p.presigned(c.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &p.bucket, Key: key}))("PUT", "hello").want(200, "")
		get := p.presigned(c.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &p.bucket, Key: key}))
		get("GET", "").want(200, "").holds("hello")
		get("DELETE", "").want(403, "SignatureDoesNotMatch")
		p.presigned(c.PresignHeadObject(ctx, &s3.HeadObjectInput{Bucket: &p.bucket, Key: key}))("HEAD", "").want(200, "")
		p.presigned(c.PresignDeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &p.bucket, Key: key}))("DELETE", "").want(204, "")
		get("GET", "").want(404, "NoSuchKey")
	}},
	{name: "parameters that nobody knows are ignored", test: func(p *probe) {
		p.put("k?x-id=PutObject&foo=bar", "hello")
		p.do("GET", "/k?foo&x-id=GetObject").want(200, "").holds("hello")
		p.do("GET", "?foo=1").want(200, "").shows("<Key>k</Key>")
	}},
	{name: "an error names its request", test: func(p *probe) {
		a := p.do("GET", "/none").want(404, "NoSuchKey").shows("<RequestId>")
		if a.header.Get("X-Amz-Request-Id") == "" || a.header.Get("Content-Type") != "application/xml" {
			p.Errorf("%v", a.header)
		}
	}},
	{name: "a body that is not the signed one", test: func(p *probe) {
		r := p.request("PUT", "/"+p.bucket+"/k", "original")
		r.Body = io.NopCloser(strings.NewReader("0riginal"))
		p.send(r).want(400, "XAmzContentSHA256Mismatch")
		p.do("GET", "/k").want(404, "NoSuchKey")
	}},
	{name: "a replay after sixteen minutes", test: func(p *probe) {
		r := p.request("GET", "/"+p.bucket+"/k")
		p.sign(r, r.Header.Get("X-Amz-Content-Sha256"), time.Now().Add(-16*time.Minute))
		p.send(r).want(403, "RequestTimeTooSkewed")
	}},
	{name: "wrong keys", differs: "it answers 404 for a key that nobody has", test: func(p *probe) {
		q := *p
		q.secret += "x"
		q.do("GET", "/k").want(403, "SignatureDoesNotMatch")
		q = *p
		q.access += "x"
		q.do("GET", "/k").want(403, "InvalidAccessKeyId")
	}},
	{name: "two ways to authenticate", differs: "it reads the query alone", test: func(p *probe) {
		p.do("GET", "/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00").want(400, "InvalidArgument")
	}},
	{name: "a body without a length", differs: "it closes the connection while the body comes, and the answer may be lost", test: func(p *probe) {
		r := p.request("PUT", "/"+p.bucket+"/k", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD")
		r.ContentLength, r.Body = -1, io.NopCloser(io.MultiReader(strings.NewReader("hello")))
		p.send(r).want(411, "MissingContentLength")
	}},
	{name: "a method that a resource does not have", test: func(p *probe) {
		p.do("POST", "/k").want(405, "MethodNotAllowed")
	}},
	{name: "the bucket's owner as expected", test: func(p *probe) {
		var acl struct{ Owner struct{ ID string } }
		p.do("GET", "?acl").want(200, "").parse(&acl)
		p.put("k", "x", "X-Amz-Expected-Bucket-Owner: "+acl.Owner.ID)
	}},
	{name: "the bucket's owner as not expected", test: func(p *probe) {
		p.put("k", "x")
		p.do("GET", "/k", "X-Amz-Expected-Bucket-Owner: 111122223333").want(403, "AccessDenied")
		p.do("PUT", "/l", "X-Amz-Copy-Source: "+p.bucket+"/k", "X-Amz-Source-Expected-Bucket-Owner: 111122223333").want(403, "AccessDenied")
	}},
}
