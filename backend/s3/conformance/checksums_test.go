package conformance

import (
	"fmt"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
)

func trailing(body, header, value string) []string {
	return []string{
		fmt.Sprintf("%x\r\n%s\r\n0\r\n%s:%s\r\n\r\n", len(body), body, header, value),
		"X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer: " + header, fmt.Sprintf("X-Amz-Decoded-Content-Length: %d", len(body)),
		"Content-Encoding: aws-chunked",
	}
}

var checksums = []behaviour{
	{name: "Content-MD5", test: func(p *probe) {
		p.put("k", "hello", md5Header("hello"))
		p.do("PUT", "/k", "other", md5Header("hello")).want(400, "BadDigest")
		p.do("PUT", "/k", "other", "Content-Md5: x").want(400, "InvalidDigest")
		p.do("GET", "/k").want(200, "").holds("hello")
	}},
	{name: "checksums in headers", test: func(p *probe) {
		for _, a := range checksum.Algorithms {
			h, sum := headerOf(a), sumOf(p, a, "hello")
			p.put("k", "hello", h+": "+sum).has(h + ": " + sum)
			p.do("PUT", "/k", "hello", h+": "+sumOf(p, a, "other")).want(400, "BadDigest")
			p.do("PUT", "/k", "hello", h+": x").want(400, "InvalidRequest")
			p.do("GET", "/k", "X-Amz-Checksum-Mode: ENABLED").want(200, "").has(h+": "+sum, "X-Amz-Checksum-Type: FULL_OBJECT")
			p.do("HEAD", "/k", "X-Amz-Checksum-Mode: ENABLED").want(200, "").has(h + ": " + sum)
			p.do("HEAD", "/k").want(200, "").has(h + ": ")
			p.do("GET", "/k?attributes", "X-Amz-Object-Attributes: Checksum").want(200, "").shows("<"+checksum.Element(a)+">"+sum+"<", "<ChecksumType>FULL_OBJECT<")
		}
	}},
	{name: "checksums in trailers", test: func(p *probe) {
		for _, a := range checksum.Algorithms {
			h, sum := headerOf(a), sumOf(p, a, "hello")
			p.do("PUT", "/k", trailing("hello", h, sum)...).want(200, "")
			p.do("PUT", "/k", trailing("hello", h, sumOf(p, a, "other"))...).want(400, "BadDigest")
			p.do("GET", "/k", "X-Amz-Checksum-Mode: ENABLED").want(200, "").holds("hello").has(h + ": " + sum)
		}
	}},
	{name: "a trailer that was announced comes", test: func(p *probe) {
		q := trailing("hello", "x-amz-checksum-crc32", "")
		q[0] = "5\r\nhello\r\n0\r\n\r\n"
		p.do("PUT", "/k", q...).want(400, "MalformedTrailerError")
	}},
	{name: "a trailer is a checksum", test: func(p *probe) {
		p.do("PUT", "/k", trailing("hello", "x-amz-meta-a", "1")...).want(400, "InvalidRequest")
	}},
	{name: "one checksum a request", test: func(p *probe) {
		p.do("PUT", "/k", "hello", "x-amz-checksum-crc32: "+sumOf(p, "CRC32", "hello"), "x-amz-checksum-sha1: "+sumOf(p, "SHA1", "hello")).want(400, "InvalidRequest")
	}},
	{name: "an algorithm that is named comes with its checksum", test: func(p *probe) {
		p.do("PUT", "/k", "hello", "X-Amz-Sdk-Checksum-Algorithm: CRC32").want(400, "InvalidRequest")
		p.do("PUT", "/k", "hello", "X-Amz-Sdk-Checksum-Algorithm: SHA1", "x-amz-checksum-crc32: "+sumOf(p, "CRC32", "hello")).want(400, "InvalidRequest")
	}},
	{name: "the whole object's checksum in parts", test: func(p *probe) {
		for _, a := range []string{"CRC32", "CRC32C", "CRC64NVME"} {
			h := headerOf(a)
			id := p.begin("k", "X-Amz-Checksum-Algorithm: "+a, "X-Amz-Checksum-Type: FULL_OBJECT")
			one := p.part("k", id, 1, big, h+": "+sumOf(p, a, big))
			two := p.part("k", id, 2, "tail", h+": "+sumOf(p, a, "tail"))
			one.sum = fmt.Sprintf("<%s>%s</%[1]s>", checksum.Element(a), sumOf(p, a, big))
			two.sum = fmt.Sprintf("<%s>%s</%[1]s>", checksum.Element(a), sumOf(p, a, "tail"))
			sum := sumOf(p, a, big+"tail")
			p.complete("k", id, []part{one, two}, h+": "+sumOf(p, a, "x"), "X-Amz-Checksum-Type: FULL_OBJECT").want(400, "BadDigest")
			p.complete("k", id, []part{one, two}, h+": "+sum, "X-Amz-Checksum-Type: FULL_OBJECT").want(200, "").shows("<" + checksum.Element(a) + ">" + sum + "<")
			p.do("HEAD", "/k", "X-Amz-Checksum-Mode: ENABLED").want(200, "").has(h+": "+sum, "X-Amz-Checksum-Type: FULL_OBJECT")
		}
	}},
	{name: "a composite checksum in parts", test: func(p *probe) {
		for _, a := range []string{"CRC32", "CRC32C", "SHA1", "SHA256"} {
			h := headerOf(a)
			id := p.begin("k", "X-Amz-Checksum-Algorithm: "+a)
			one := p.part("k", id, 1, "only", h+": "+sumOf(p, a, "only"))
			one.sum = fmt.Sprintf("<%s>%s</%[1]s>", checksum.Element(a), sumOf(p, a, "only"))
			sum, err := checksum.Combine(a, checksum.Composite, []checksum.Part{{Value: sumOf(p, a, "only"), Size: 4}})
			if err != nil {
				p.Fatal(err)
			}
			p.complete("k", id, []part{one}).want(200, "").shows("<" + checksum.Element(a) + ">" + sum + "<")
			p.do("HEAD", "/k", "X-Amz-Checksum-Mode: ENABLED").want(200, "").has(h+": "+sum, "X-Amz-Checksum-Type: COMPOSITE")
		}
	}},
	{name: "complete names every part's checksum of a composite upload", test: func(p *probe) {
		id := p.begin("k", "X-Amz-Checksum-Algorithm: SHA256")
		one := p.part("k", id, 1, "only", "x-amz-checksum-sha256: "+sumOf(p, "SHA256", "only"))
		p.complete("k", id, []part{one}).want(400, "InvalidRequest")
		one.sum = "<ChecksumSHA256>" + sumOf(p, "SHA256", "other") + "</ChecksumSHA256>"
		p.complete("k", id, []part{one}).want(400, "InvalidPart")
	}},
	{name: "complete need not name the parts' checksums of a whole object's", differs: "it asks for them", test: func(p *probe) {
		id := p.begin("k", "X-Amz-Checksum-Algorithm: CRC32", "X-Amz-Checksum-Type: FULL_OBJECT")
		one := p.part("k", id, 1, "only", "x-amz-checksum-crc32: "+sumOf(p, "CRC32", "only"))
		p.complete("k", id, []part{one}).want(200, "")
	}},
	{name: "complete keeps to the checksum type of the upload", test: func(p *probe) {
		id := p.begin("k", "X-Amz-Checksum-Algorithm: CRC32", "X-Amz-Checksum-Type: FULL_OBJECT")
		one := p.part("k", id, 1, "only", "x-amz-checksum-crc32: "+sumOf(p, "CRC32", "only"))
		p.complete("k", id, []part{one}, "X-Amz-Checksum-Type: COMPOSITE").want(400, "InvalidRequest")
	}},
	{name: "a part has the upload's algorithm", test: func(p *probe) {
		id := p.begin("k", "X-Amz-Checksum-Algorithm: SHA256")
		p.do("PUT", "/k?partNumber=1&uploadId="+id, "x", "x-amz-checksum-crc32: "+sumOf(p, "CRC32", "x")).want(400, "InvalidRequest")
	}},
	{name: "types that an algorithm cannot have", test: func(p *probe) {
		p.do("POST", "/k?uploads", "X-Amz-Checksum-Algorithm: SHA256", "X-Amz-Checksum-Type: FULL_OBJECT").want(400, "InvalidRequest")
		p.do("POST", "/k?uploads", "X-Amz-Checksum-Algorithm: CRC64NVME", "X-Amz-Checksum-Type: COMPOSITE").want(400, "InvalidRequest")
		p.do("POST", "/k?uploads", "X-Amz-Checksum-Type: COMPOSITE").want(400, "InvalidRequest")
	}},
	{name: "CopyObject makes another checksum", test: func(p *probe) {
		p.put("k", "hello", "x-amz-checksum-crc32: "+sumOf(p, "CRC32", "hello"))
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"/k").want(200, "").shows(sumOf(p, "CRC32", "hello"))
		p.do("PUT", "/copy", "X-Amz-Copy-Source: "+p.bucket+"/k", "X-Amz-Checksum-Algorithm: SHA256").want(200, "").shows(sumOf(p, "SHA256", "hello"))
	}},
}
