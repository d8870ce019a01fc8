package conformance

import (
	"net/http"
	"time"
)

var conditions = []behaviour{
	{name: "conditional reads", differs: "it does not give If-Match and If-None-Match precedence over dates", test: func(p *probe) {
		etag := p.put("k", "x").header.Get("ETag")
		modified := p.do("HEAD", "/k").header.Get("Last-Modified")
		at, err := http.ParseTime(modified)
		if err != nil {
			p.Fatal(err)
		}
		before := at.Add(-time.Hour).Format(http.TimeFormat)
		for _, c := range []struct {
			headers []string
			status  int
			code    string
		}{
			{[]string{"If-Match: " + etag}, 200, ""},
			{[]string{`If-Match: "x"`}, 412, "PreconditionFailed"},
			{[]string{"If-None-Match: " + etag}, 304, ""},
			{[]string{`If-None-Match: "x"`}, 200, ""},
			{[]string{"If-Modified-Since: " + modified}, 304, ""},
			{[]string{"If-Modified-Since: " + before}, 200, ""},
			{[]string{"If-Unmodified-Since: " + modified}, 200, ""},
			{[]string{"If-Unmodified-Since: " + before}, 412, "PreconditionFailed"},
			{[]string{"If-Match: " + etag, "If-Unmodified-Since: " + before}, 200, ""},
			{[]string{"If-None-Match: " + etag, "If-Modified-Since: " + before}, 304, ""},
		} {
			p.do("GET", "/k", c.headers...).want(c.status, c.code)
			p.do("HEAD", "/k", c.headers...).want(c.status, "").holds("")
		}
	}},
	{name: "PUT If-None-Match: *", test: func(p *probe) {
		p.put("k", "first", "If-None-Match: *")
		p.do("PUT", "/k", "second", "If-None-Match: *").want(412, "PreconditionFailed")
		p.do("GET", "/k").want(200, "").holds("first")
	}},
	{name: "PUT If-Match", test: func(p *probe) {
		p.do("PUT", "/k", "x", `If-Match: "9dd4e461268c8034f5c8564e155c67a6"`).want(404, "NoSuchKey")
		etag := p.put("k", "first").header.Get("ETag")
		p.do("PUT", "/k", "x", `If-Match: "9dd4e461268c8034f5c8564e155c67a6"`).want(412, "PreconditionFailed")
		p.put("k", "second", "If-Match: "+etag)
		p.do("GET", "/k").want(200, "").holds("second")
	}},
	{name: "PUT If-None-Match of an ETag is not offered", test: func(p *probe) {
		p.do("PUT", "/k", "x", `If-None-Match: "x"`).want(501, "NotImplemented")
	}},
	{name: "DELETE If-Match", test: func(p *probe) {
		etag := p.put("k", "first").header.Get("ETag")
		p.do("DELETE", "/k", `If-Match: "x"`).want(412, "PreconditionFailed")
		p.do("GET", "/k").want(200, "").holds("first")
		p.do("DELETE", "/k", "If-Match: "+etag).want(204, "")
	}},
	{name: "DELETE If-Match of a key that is not there", differs: "it answers 204", test: func(p *probe) {
		p.do("DELETE", "/k", `If-Match: "x"`).want(404, "NoSuchKey")
	}},
}

var ranges = []behaviour{
	{name: "a range is 206", test: func(p *probe) {
		p.put("k", "0123456789")
		for header, c := range map[string]struct{ body, content string }{
			"bytes=0-3": {"0123", "bytes 0-3/10"}, "bytes=7-": {"789", "bytes 7-9/10"}, "bytes=-3": {"789", "bytes 7-9/10"},
			"bytes=-30": {"0123456789", "bytes 0-9/10"}, "bytes=5-500": {"56789", "bytes 5-9/10"}, "bytes=9-9": {"9", "bytes 9-9/10"},
		} {
			p.do("GET", "/k", "Range: "+header).want(206, "").holds(c.body).has("Content-Range: " + c.content)
			p.do("HEAD", "/k", "Range: "+header).want(206, "").holds("").has("Content-Range: " + c.content)
		}
	}},
	{name: "a range outside the object is 416", test: func(p *probe) {
		p.put("k", "0123456789")
		p.do("GET", "/k", "Range: bytes=10-").want(416, "InvalidRange")
		p.do("GET", "/k", "Range: bytes=-0").want(416, "InvalidRange")
	}},
	{name: "what is no range is the whole object", differs: "it reads +1 as a number", test: func(p *probe) {
		p.put("k", "0123456789")
		for _, header := range []string{"bytes=5-2", "lines=1-2", "bytes=x-y", "bytes", "bytes=--5", "bytes=+1-2"} {
			p.do("GET", "/k", "Range: "+header).want(200, "").holds("0123456789")
		}
	}},
	{name: "several ranges are the whole object", test: func(p *probe) {
		p.put("k", "0123456789")
		p.do("GET", "/k", "Range: bytes=0-1,3-4").want(200, "").holds("0123456789")
	}},
	{name: "If-Range", differs: "it ignores If-Range", test: func(p *probe) {
		etag := p.put("k", "0123456789").header.Get("ETag")
		p.do("GET", "/k", "Range: bytes=0-1", "If-Range: "+etag).want(206, "").holds("01")
		p.do("GET", "/k", "Range: bytes=0-1", `If-Range: "x"`).want(200, "").holds("0123456789")
	}},
	{name: "a range or a part, not both", test: func(p *probe) {
		p.put("k", "0123456789")
		p.do("GET", "/k?partNumber=1", "Range: bytes=0-1").want(400, "InvalidRequest")
	}},
}

var copies = []behaviour{
	{name: "CopyObject keeps bytes and metadata", test: func(p *probe) {
		etag := p.put("k", "hello", "Content-Type: text/x", "X-Amz-Meta-A: 1").header.Get("ETag")
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"/k").want(200, "").shows("<CopyObjectResult", "<LastModified>")
		p.do("GET", "/copy").want(200, "").holds("hello").has("ETag: "+etag, "Content-Type: text/x", "X-Amz-Meta-A: 1")
	}},
	{name: "CopyObject replaces metadata", test: func(p *probe) {
		p.put("k", "hello", "Content-Type: text/x", "X-Amz-Meta-A: 1")
		p.do("PUT", "/copy", "X-Amz-Copy-Source: /"+p.bucket+"/k", "X-Amz-Metadata-Directive: REPLACE", "Content-Type: text/y", "X-Amz-Meta-B: 2").want(200, "")
		p.do("GET", "/copy").want(200, "").holds("hello").has("Content-Type: text/y", "X-Amz-Meta-A: ", "X-Amz-Meta-B: 2")
	}},
	{name: "CopyObject of an object to itself changes something", test: func(p *probe) {
		p.put("k", "hello")
		p.do("PUT", "/k", "X-Amz-Copy-Source: "+p.bucket+"/k").want(400, "InvalidRequest")
		p.do("PUT", "/k", "X-Amz-Copy-Source: "+p.bucket+"/k", "X-Amz-Metadata-Directive: REPLACE", "X-Amz-Meta-A: 1").want(200, "")
		p.do("GET", "/k").want(200, "").holds("hello").has("X-Amz-Meta-A: 1")
	}},
	{name: "CopyObject of what is not there", test: func(p *probe) {
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"/none").want(404, "NoSuchKey")
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"-none/k").want(404, "NoSuchBucket")
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket).want(400, "InvalidArgument")
	}},
	{name: "CopyObject decodes its source", test: func(p *probe) {
		p.put("a%20b%3Fc", "hello")
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"/a%20b%3Fc").want(200, "")
		p.do("GET", "/copy").want(200, "").holds("hello")
	}},
	{name: "CopyObject under conditions on the source", differs: "it answers 304 where S3 answers 412", test: func(p *probe) {
		etag := p.put("k", "hello").header.Get("ETag")
		src := "X-Amz-Copy-Source: " + p.bucket + "/k"
		past := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
		p.do("PUT", "/copy", src, "X-Amz-Copy-Source-If-Match: "+etag).want(200, "")
		p.do("PUT", "/copy", src, `X-Amz-Copy-Source-If-Match: "x"`).want(412, "PreconditionFailed")
		p.do("PUT", "/copy", src, "X-Amz-Copy-Source-If-None-Match: "+etag).want(412, "PreconditionFailed")
		p.do("PUT", "/copy", src, "X-Amz-Copy-Source-If-Unmodified-Since: "+past).want(412, "PreconditionFailed")
		p.do("PUT", "/copy", src, "X-Amz-Copy-Source-If-Modified-Since: "+past).want(200, "")
		p.do("PUT", "/copy", src, "X-Amz-Copy-Source-If-Match: "+etag, "X-Amz-Copy-Source-If-Unmodified-Since: "+past).want(200, "")
	}},
	{name: "CopyObject under conditions on the destination", differs: "it ignores them", test: func(p *probe) {
		p.put("k", "hello")
		src := "X-Amz-Copy-Source: " + p.bucket + "/k"
		p.do("PUT", "/copy", src, "If-None-Match: *").want(200, "")
		p.do("PUT", "/copy", src, "If-None-Match: *").want(412, "PreconditionFailed")
		p.do("PUT", "/copy", src, `If-Match: "x"`).want(412, "PreconditionFailed")
	}},
	{name: "CopyObject refuses directives that are none", test: func(p *probe) {
		p.put("k", "hello")
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"/k", "X-Amz-Metadata-Directive: MERGE").want(400, "InvalidArgument")
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"/k", "X-Amz-Tagging-Directive: MERGE").want(400, "InvalidArgument")
	}},
}
