package conformance

import (
	"fmt"
	"strings"
)

// part is what CompleteMultipartUpload is told.
type part struct {
	number int
	etag   string
	sum    string // "<ChecksumX>…</ChecksumX>"
}

func (p *probe) begin(key string, headers ...string) (uploadID string) {
	p.Helper()
	var out struct{ Bucket, Key, UploadId string }
	p.do("POST", "/"+key+"?uploads", headers...).want(200, "").parse(&out)
	if out.Bucket != p.bucket || out.Key != key || out.UploadId == "" {
		p.Fatalf("%+v", out)
	}
	return out.UploadId
}

func (p *probe) part(key, id string, number int, body string, headers ...string) part {
	p.Helper()
	a := p.do("PUT", fmt.Sprintf("/%s?partNumber=%d&uploadId=%s", key, number, id), append(headers, body)...).want(200, "")
	return part{number: number, etag: a.header.Get("ETag")}
}

func (p *probe) complete(key, id string, parts []part, headers ...string) answer {
	p.Helper()
	var b strings.Builder
	b.WriteString("<CompleteMultipartUpload>")
	for _, x := range parts {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>%s</Part>", x.number, x.etag, x.sum)
	}
	b.WriteString("</CompleteMultipartUpload>")
	return p.do("POST", "/"+key+"?uploadId="+id, append(headers, b.String())...)
}

const minPart = 5 << 20

var big = strings.Repeat("0123456789abcdef", minPart/16)

var multipart = []behaviour{
	{name: "an upload in parts", test: func(p *probe) {
		id := p.begin("k", "Content-Type: text/x", "X-Amz-Meta-A: 1")
		two, one := p.part("k", id, 2, "tail"), p.part("k", id, 1, big)
		p.do("GET", "/k").want(404, "NoSuchKey")
		p.complete("k", id, []part{one, two}).want(200, "").shows("<CompleteMultipartUploadResult", "-2")
		a := p.do("GET", "/k").want(200, "").has("Content-Type: text/x", "X-Amz-Meta-A: 1")
		if a.body != big+"tail" || !strings.HasSuffix(a.header.Get("ETag"), `-2"`) {
			p.Errorf("%d bytes, ETag %s", len(a.body), a.header.Get("ETag"))
		}
		p.do("GET", "/k?partNumber=2").want(206, "").holds("tail").has("X-Amz-Mp-Parts-Count: 2", fmt.Sprintf("Content-Range: bytes %d-%d/%d", minPart, minPart+3, minPart+4))
	}},
	{name: "a part that the object does not have is 416", test: func(p *probe) {
		p.put("k", "x")
		p.do("GET", "/k?partNumber=2").want(416, "InvalidPartNumber")
	}},
	{name: "a part number is 1 to 10000", test: func(p *probe) {
		id := p.begin("k")
		for _, n := range []string{"0", "10001", "-1", "x"} {
			p.do("PUT", "/k?partNumber="+n+"&uploadId="+id, "x").want(400, "InvalidArgument")
		}
		p.part("k", id, 10000, "x")
	}},
	{name: "complete refuses parts that it cannot take", test: func(p *probe) {
		id := p.begin("k")
		one, two := p.part("k", id, 1, "small"), p.part("k", id, 2, "tail")
		p.complete("k", id, []part{one, two}).want(400, "EntityTooSmall")
		p.complete("k", id, []part{{number: 1, etag: `"9dd4e461268c8034f5c8564e155c67a6"`}}).want(400, "InvalidPart")
		p.complete("k", id, []part{{number: 7, etag: one.etag}}).want(400, "InvalidPart")
		p.complete("k", id, nil).want(400, "MalformedXML")
		p.do("POST", "/k?uploadId="+id, "<Complete").want(400, "MalformedXML")
		p.complete("k", id, []part{two}).want(200, "")
		p.do("GET", "/k").want(200, "").holds("tail")
	}},
	{name: "complete refuses parts out of order, before all else", differs: "it looks at sizes first", test: func(p *probe) {
		id := p.begin("k")
		one, two := p.part("k", id, 1, "small"), p.part("k", id, 2, "tail")
		p.complete("k", id, []part{two, one}).want(400, "InvalidPartOrder")
		p.complete("k", id, []part{two, two}).want(400, "InvalidPartOrder")
	}},
	{name: "a part that is sent again replaces the first", test: func(p *probe) {
		id := p.begin("k")
		p.part("k", id, 1, "first")
		second := p.part("k", id, 1, "second")
		p.complete("k", id, []part{second}).want(200, "")
		p.do("GET", "/k").want(200, "").holds("second")
	}},
	{name: "a complete that is sent again succeeds again", test: func(p *probe) {
		id := p.begin("k")
		one := p.part("k", id, 1, "x")
		first := p.complete("k", id, []part{one}).want(200, "")
		var a, b struct{ ETag string }
		first.parse(&a)
		p.complete("k", id, []part{one}).want(200, "").parse(&b)
		if a.ETag != b.ETag || a.ETag == "" {
			p.Errorf("%q, then %q", a.ETag, b.ETag)
		}
	}},
	{name: "no such upload", test: func(p *probe) {
		p.do("PUT", "/k?partNumber=1&uploadId=none", "x").want(404, "NoSuchUpload")
		p.do("GET", "/k?uploadId=none").want(404, "NoSuchUpload")
		p.do("DELETE", "/k?uploadId=none").want(404, "NoSuchUpload")
		p.complete("k", "none", []part{{number: 1, etag: `"9dd4e461268c8034f5c8564e155c67a6"`}}).want(404, "NoSuchUpload")
	}},
	{name: "abort", test: func(p *probe) {
		id := p.begin("k")
		p.part("k", id, 1, "x")
		p.do("DELETE", "/k?uploadId="+id).want(204, "")
		p.do("PUT", "/k?partNumber=1&uploadId="+id, "x").want(404, "NoSuchUpload")
		p.do("DELETE", "").want(204, "")
	}},
	{name: "complete under conditions", test: func(p *probe) {
		etag := p.put("k", "old").header.Get("ETag")
		id := p.begin("k")
		one := p.part("k", id, 1, "new")
		p.complete("k", id, []part{one}, "If-None-Match: *").want(412, "PreconditionFailed")
		p.complete("k", id, []part{one}, `If-Match: "x"`).want(412, "PreconditionFailed")
		p.do("GET", "/k").want(200, "").holds("old")
		p.complete("k", id, []part{one}, "If-Match: "+etag).want(200, "")
		p.do("GET", "/k").want(200, "").holds("new")
	}},
	{name: "complete holds to x-amz-mp-object-size", test: func(p *probe) {
		id := p.begin("k")
		one := p.part("k", id, 1, "new")
		p.complete("k", id, []part{one}, "X-Amz-Mp-Object-Size: 4").want(400, "InvalidRequest")
		p.complete("k", id, []part{one}, "X-Amz-Mp-Object-Size: 3").want(200, "")
	}},
	{name: "ListParts by page", differs: "it answers max-parts=0 with all parts", test: func(p *probe) {
		id := p.begin("k")
		for n := 1; n <= 3; n++ {
			p.part("k", id, n, strings.Repeat("x", n))
		}
		type parts struct {
			IsTruncated          bool
			NextPartNumberMarker int
			MaxParts             int
			Part                 []struct{ PartNumber, Size int }
		}
		var first, second, none parts
		p.do("GET", "/k?uploadId="+id+"&max-parts=2").want(200, "").parse(&first)
		if !first.IsTruncated || first.NextPartNumberMarker != 2 || len(first.Part) != 2 || first.Part[1].Size != 2 || first.MaxParts != 2 {
			p.Errorf("%+v", first)
		}
		p.do("GET", "/k?uploadId="+id+"&part-number-marker=2").want(200, "").parse(&second)
		if second.IsTruncated || len(second.Part) != 1 || second.Part[0].PartNumber != 3 {
			p.Errorf("%+v", second)
		}
		p.do("GET", "/k?uploadId="+id+"&max-parts=0").want(200, "").parse(&none)
		if none.IsTruncated || len(none.Part) != 0 {
			p.Errorf("%+v", none)
		}
		p.do("GET", "/k?uploadId="+id+"&max-parts=x").want(400, "InvalidArgument")
	}},
	{name: "ListMultipartUploads by page", test: func(p *probe) {
		for _, k := range []string{"a", "b%2F1", "b%2F2", "c"} {
			p.do("POST", "/"+k+"?uploads").want(200, "")
		}
		type uploads struct {
			IsTruncated                       bool
			NextKeyMarker, NextUploadIdMarker string
			Upload                            []struct{ Key, UploadId string }
			CommonPrefixes                    []struct{ Prefix string }
		}
		get := func(query string) (u uploads, names string) {
			p.Helper()
			p.do("GET", "?uploads"+query).want(200, "").parse(&u)
			for _, x := range u.Upload {
				names += x.Key + " "
			}
			for _, x := range u.CommonPrefixes {
				names += x.Prefix + " "
			}
			return u, names
		}
		if _, names := get(""); names != "a b/1 b/2 c " {
			p.Error(names)
		}
		if _, names := get("&prefix=b"); names != "b/1 b/2 " {
			p.Error(names)
		}
		if _, names := get("&delimiter=%2F"); names != "a c b/ " {
			p.Error(names)
		}
		if _, names := get("&key-marker=b%2F1"); names != "b/2 c " {
			p.Error(names)
		}
		first, names := get("&max-uploads=2")
		if !first.IsTruncated || names != "a b/1 " || first.NextKeyMarker != "b/1" {
			p.Errorf("%+v", first)
		}
		if u, names := get("&encoding-type=url&prefix=b"); names != "b/1 b/2 " {
			p.Errorf("%+v", u)
		}
	}},
	{name: "ListMultipartUploads goes on between uploads of one key", differs: "it refuses an upload id marker that it gave out", test: func(p *probe) {
		for range 3 {
			p.do("POST", "/k?uploads").want(200, "")
		}
		var page struct {
			NextKeyMarker, NextUploadIdMarker string
			IsTruncated                       bool
			Upload                            []struct{ UploadId string }
		}
		p.do("GET", "?uploads&max-uploads=2").want(200, "").parse(&page)
		if len(page.Upload) != 2 || !page.IsTruncated || page.NextKeyMarker != "k" || page.NextUploadIdMarker != page.Upload[1].UploadId {
			p.Fatalf("%+v", page)
		}
		p.do("GET", "?uploads&key-marker=k&upload-id-marker="+page.NextUploadIdMarker).want(200, "").
			lacks("<UploadId>"+page.Upload[0].UploadId, "<UploadId>"+page.Upload[1].UploadId).shows("<UploadId>", "<IsTruncated>false<")
	}},
	{name: "ListMultipartUploads rolls up by page", differs: "it repeats the prefix that the marker names", test: func(p *probe) {
		for _, k := range []string{"a", "b%2F1", "b%2F2", "c"} {
			p.do("POST", "/"+k+"?uploads").want(200, "")
		}
		p.do("GET", "?uploads&delimiter=%2F&max-uploads=2").want(200, "").shows("<NextKeyMarker>b/</NextKeyMarker>", "<IsTruncated>true</IsTruncated>")
		p.do("GET", "?uploads&delimiter=%2F&max-uploads=2&key-marker=b%2F").want(200, "").shows("<Key>c</Key>", "<IsTruncated>false</IsTruncated>").lacks("<Prefix>b/")
		p.do("GET", "?uploads&max-uploads=0").want(200, "").shows("<IsTruncated>false</IsTruncated>")
	}},
	{name: "UploadPartCopy", differs: "it takes ranges that end outside the source", test: func(p *probe) {
		p.put("src", "0123456789")
		id := p.begin("k")
		src := "X-Amz-Copy-Source: " + p.bucket + "/src"
		copyPart := func(headers ...string) answer {
			p.Helper()
			return p.do("PUT", "/k?partNumber=1&uploadId="+id, append(headers, src)...)
		}
		for _, bad := range []string{"bytes=5-100", "bytes=10-10", "bytes=3-1", "bytes=3-", "bytes=-3", "0-3", "x"} {
			copyPart("X-Amz-Copy-Source-Range: "+bad).want(400, "InvalidArgument")
		}
		copyPart(`X-Amz-Copy-Source-If-Match: "x"`).want(412, "PreconditionFailed")
		var out struct{ ETag, LastModified string }
		copyPart("X-Amz-Copy-Source-Range: bytes=2-4").want(200, "").shows("<CopyPartResult").parse(&out)
		p.complete("k", id, []part{{number: 1, etag: out.ETag}}).want(200, "")
		p.do("GET", "/k").want(200, "").holds("234")
	}},
	{name: "GetObjectAttributes pages parts with checksums", differs: "it does not know the parts of a completed upload", test: func(p *probe) {
		id := p.begin("k", "X-Amz-Checksum-Algorithm: SHA256")
		one := p.part("k", id, 1, big, "X-Amz-Checksum-Sha256: "+sumOf(p, "SHA256", big))
		two := p.part("k", id, 2, "tail", "X-Amz-Checksum-Sha256: "+sumOf(p, "SHA256", "tail"))
		one.sum, two.sum = "<ChecksumSHA256>"+sumOf(p, "SHA256", big)+"</ChecksumSHA256>", "<ChecksumSHA256>"+sumOf(p, "SHA256", "tail")+"</ChecksumSHA256>"
		p.complete("k", id, []part{one, two}).want(200, "")
		p.do("GET", "/k?attributes", "X-Amz-Object-Attributes: ObjectParts", "X-Amz-Max-Parts: 1").want(200, "").
			shows("<PartsCount>2</PartsCount>", "<NextPartNumberMarker>1</NextPartNumberMarker>", "<IsTruncated>true</IsTruncated>", fmt.Sprintf("<Size>%d</Size>", minPart), one.sum).lacks(two.sum)
		p.do("GET", "/k?attributes", "X-Amz-Object-Attributes: ObjectParts", "X-Amz-Part-Number-Marker: 1").want(200, "").
			shows("<PartNumber>2</PartNumber>", "<Size>4</Size>", two.sum, "<IsTruncated>false</IsTruncated>").lacks(one.sum)
		p.do("HEAD", "/k?partNumber=2", "X-Amz-Checksum-Mode: ENABLED").want(206, "").has("X-Amz-Checksum-Sha256: " + sumOf(p, "SHA256", "tail"))
	}},
	{name: "GetObjectAttributes counts parts without checksums", differs: "it does not know the parts of a completed upload", test: func(p *probe) {
		id := p.begin("k")
		p.complete("k", id, []part{p.part("k", id, 1, "x")}).want(200, "")
		p.do("GET", "/k?attributes", "X-Amz-Object-Attributes: ObjectParts").want(200, "").shows("<PartsCount>1</PartsCount>").lacks("<Part>")
	}},
}
