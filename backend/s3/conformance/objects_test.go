package conformance

import (
	"crypto/md5" //nolint:gosec // ETag
	"fmt"
	"net/url"
	"strings"
)

var objects = []behaviour{
	{name: "an object's ETag is its MD5", test: func(p *probe) {
		etag := fmt.Sprintf(`"%x"`, md5.Sum([]byte("hello"))) //nolint:gosec // ETag
		p.put("k", "hello").has("ETag: " + etag)
		p.do("GET", "/k").want(200, "").holds("hello").has("ETag: "+etag, "Content-Length: 5", "Accept-Ranges: bytes", "Content-Type: binary/octet-stream")
		p.do("HEAD", "/k").want(200, "").holds("").has("ETag: "+etag, "Content-Length: 5")
	}},
	{name: "an empty object", test: func(p *probe) {
		p.put("k", "")
		p.do("GET", "/k").want(200, "").holds("").has("Content-Length: 0")
	}},
	{name: "no such key", test: func(p *probe) {
		p.do("GET", "/none").want(404, "NoSuchKey")
		p.do("HEAD", "/none").want(404, "").holds("")
		p.do("DELETE", "/none").want(204, "")
	}},
	{name: "no such bucket", test: func(p *probe) {
		p.bucket += "-none"
		p.do("PUT", "/k", "x").want(404, "NoSuchBucket")
		p.do("GET", "/k").want(404, "NoSuchBucket")
		p.do("DELETE", "/k").want(404, "NoSuchBucket")
		p.do("POST", "/k?uploads").want(404, "NoSuchBucket")
	}},
	{name: "keys in every script", test: func(p *probe) {
		for _, key := range []string{"with space", "plus+plus", "ü/日本.txt", "%41", "q?x=y&z", "hash#", "quote'\"<>&", "star*(1)!~", "semi;colon:at@,=$", "{}[]^`|"} {
			p.put(url.PathEscape(key), key)
			p.do("GET", "/"+url.PathEscape(key)).want(200, "").holds(key)
		}
	}},
	{name: "keys are no paths", differs: "its keys are paths", test: func(p *probe) {
		keys := []string{"a", "a/b", "a/", "a//b", "..", "../x", "a/../b", "./x", "//"}
		for _, key := range keys {
			p.put(strings.ReplaceAll(url.PathEscape(key), "%2F", "/"), "content of "+key)
		}
		for _, key := range keys {
			p.do("GET", "/"+strings.ReplaceAll(url.PathEscape(key), "%2F", "/")).want(200, "").holds("content of " + key)
		}
	}},
	{name: "a key has up to 1024 bytes", differs: "its keys are paths, of names with at most 255 bytes", test: func(p *probe) {
		p.put(strings.Repeat("k", 1024), "x")
		p.do("PUT", "/"+strings.Repeat("k", 1025), "x").want(400, "KeyTooLongError")
		p.do("GET", "/"+strings.Repeat("k", 1025)).want(400, "KeyTooLongError")
	}},
	{name: "a key is UTF-8", differs: "it takes any bytes", test: func(p *probe) {
		p.do("PUT", "/%FF%FE", "x").want(400, "InvalidURI")
	}},
	{name: "response- parameters replace headers", test: func(p *probe) {
		p.put("k", "x")
		p.do("GET", "/k?response-content-type=text%2Fx&response-content-disposition=inline&response-cache-control=no-store&response-content-language=de&response-expires=never&response-content-encoding=x").
			want(200, "").has("Content-Type: text/x", "Content-Disposition: inline", "Cache-Control: no-store", "Content-Language: de", "Expires: never", "Content-Encoding: x")
	}},
	{name: "the null version is the only one", differs: "it refuses versionId without versioning", test: func(p *probe) {
		p.put("k", "x")
		p.do("GET", "/k?versionId=null").want(200, "").holds("x")
	}},
	{name: "an object has no ACL but its owner's", differs: "it does not offer object ACLs", test: func(p *probe) {
		p.put("k", "x")
		p.do("GET", "/k?acl").want(200, "").shows("<Permission>FULL_CONTROL</Permission>")
		p.do("GET", "/none?acl").want(404, "NoSuchKey")
	}},
	{name: "GetObjectAttributes", test: func(p *probe) {
		etag := strings.Trim(p.put("k", "hello").header.Get("ETag"), `"`)
		p.do("GET", "/k?attributes", "X-Amz-Object-Attributes: ETag,ObjectSize,StorageClass,ObjectParts").want(200, "").
			shows("<ETag>"+etag+"</ETag>", "<ObjectSize>5</ObjectSize>", "<StorageClass>STANDARD</StorageClass>").lacks("<ObjectParts>")
		p.do("GET", "/k?attributes", "X-Amz-Object-Attributes: ETag").want(200, "").lacks("ObjectSize")
		p.do("GET", "/none?attributes", "X-Amz-Object-Attributes: ETag").want(404, "NoSuchKey")
	}},
	{name: "GetObjectAttributes refuses what is no attribute", test: func(p *probe) {
		p.put("k", "hello")
		p.do("GET", "/k?attributes", "X-Amz-Object-Attributes: Color").want(400, "InvalidArgument")
	}},
	{name: "GetObjectAttributes asks for one attribute", test: func(p *probe) {
		p.put("k", "hello")
		p.do("GET", "/k?attributes").want(400, "InvalidRequest")
	}},
}

var metadata = []behaviour{
	{name: "headers that come back", test: func(p *probe) {
		h := []string{
			"Content-Type: text/x", "Cache-Control: no-store", "Content-Disposition: inline", "Content-Encoding: gzip", "Content-Language: de",
			"Expires: Thu, 01 Dec 2033 16:00:00 GMT", "X-Amz-Meta-A: 1", "X-Amz-Meta-Mixed-Case: v",
		}
		p.put("k", "x", h...)
		a := p.do("GET", "/k", "Accept-Encoding: identity").want(200, "").has(h...)
		p.do("HEAD", "/k").want(200, "").has(h...)
		if _, ok := a.header["X-Amz-Meta-Mixed-Case"]; !ok {
			p.Errorf("%v", a.header)
		}
	}},
	{name: "aws-chunked is no content encoding", differs: "it keeps aws-chunked before another encoding", test: func(p *probe) {
		p.put("k", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "Content-Encoding: aws-chunked,gzip", "X-Amz-Decoded-Content-Length: 5",
			"X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer: x-amz-checksum-crc32")
		p.do("HEAD", "/k").want(200, "").has("Content-Encoding: gzip", "Content-Length: 5")
	}},
	{name: "metadata has at most 2 KB", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Meta-A: "+strings.Repeat("x", 2047))
		p.do("PUT", "/k", "x", "X-Amz-Meta-A: "+strings.Repeat("x", 2048)).want(400, "MetadataTooLarge")
	}},
	{name: "metadata in other scripts comes back in encoded words", differs: "it gives encoded words back as they came and does not decode them", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Meta-A: =?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=")
		p.do("HEAD", "/k").want(200, "").has("X-Amz-Meta-A: =?UTF-8?b?w4RNw4Raw5XDkSBTMw==?=")
	}},
	{name: "an overwrite replaces metadata", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Meta-A: 1", "Cache-Control: no-store")
		p.put("k", "x")
		p.do("HEAD", "/k").want(200, "").has("X-Amz-Meta-A: ", "Cache-Control: ")
	}},
}
