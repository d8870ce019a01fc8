package conformance

import (
	"fmt"
	"net/url"
	"strings"
)

// page is a ListBucketResult of either version.
type page struct {
	IsTruncated           bool
	KeyCount, MaxKeys     int
	NextMarker            string
	NextContinuationToken string
	StartAfter, Delimiter string
	Contents              []struct {
		Key   string
		Size  int64
		ETag  string
		Owner *struct{ ID string }
	}
	CommonPrefixes []struct{ Prefix string }
}

// names are keys and prefixes, in that order.
func (l page) names() string {
	var names []string
	for _, o := range l.Contents {
		names = append(names, o.Key)
	}
	for _, c := range l.CommonPrefixes {
		names = append(names, c.Prefix)
	}
	return strings.Join(names, " ")
}

func (p *probe) list(query string) (l page) {
	p.Helper()
	p.do("GET", "?"+query).want(200, "").parse(&l)
	return l
}

func (p *probe) lists(query, want string) page {
	p.Helper()
	l := p.list(query)
	if l.names() != want {
		p.Errorf("%s: %q, want %q", query, l.names(), want)
	}
	return l
}

func (p *probe) fill(keys ...string) {
	p.Helper()
	for _, k := range keys {
		p.put(k, "x")
	}
}

var lists = []behaviour{
	{name: "lists are in the order of the keys' bytes", test: func(p *probe) {
		p.fill("b", "a", "B", "%C3%BC", "a1")
		p.lists("list-type=2", "B a a1 b ü")
		p.lists("", "B a a1 b ü")
	}},
	{name: "prefix and delimiter", test: func(p *probe) {
		p.fill("a/1", "a/2", "b", "c/d/1")
		for _, version := range []string{"", "&list-type=2"} {
			p.lists("delimiter=%2F"+version, "b a/ c/")
			p.lists("prefix=a%2F"+version, "a/1 a/2")
			p.lists("prefix=c%2F&delimiter=%2F"+version, "c/d/")
			p.lists("prefix=none"+version, "")
		}
	}},
	{name: "a delimiter of several bytes", test: func(p *probe) {
		p.fill("ab1", "ab2", "xaby", "z")
		p.lists("list-type=2&delimiter=ab", "z ab xab")
	}},
	{name: "V2 pages", test: func(p *probe) {
		p.fill("a", "b/1", "b/2", "c", "d/1")
		var got []string
		query := "list-type=2&delimiter=%2F&max-keys=1"
		for token := ""; ; {
			l := p.list(query + token)
			if l.KeyCount != 1 || l.MaxKeys != 1 {
				p.Fatalf("%+v", l)
			}
			got = append(got, l.names())
			if !l.IsTruncated {
				break
			}
			token = "&continuation-token=" + url.QueryEscape(l.NextContinuationToken)
		}
		if strings.Join(got, " ") != "a b/ c d/" {
			p.Error(got)
		}
	}},
	{name: "V1 pages", test: func(p *probe) {
		p.fill("a", "b/1", "b/2", "c")
		l := p.lists("delimiter=%2F&max-keys=2", "a b/")
		if !l.IsTruncated || l.NextMarker != "b/" {
			p.Errorf("%+v", l)
		}
		p.lists("delimiter=%2F&max-keys=2&marker=b%2F", "c")
		p.lists("marker=b%2F1", "b/2 c")
	}},
	{name: "V1 names NextMarker with a delimiter alone", differs: "it always does", test: func(p *probe) {
		p.fill("a", "b")
		if l := p.lists("max-keys=1", "a"); !l.IsTruncated || l.NextMarker != "" {
			p.Errorf("%+v", l)
		}
	}},
	{name: "start-after", test: func(p *probe) {
		p.fill("a", "b", "c")
		if l := p.lists("list-type=2&start-after=a", "b c"); l.StartAfter != "a" {
			p.Errorf("%+v", l)
		}
		p.lists("list-type=2&start-after=zzz", "")
	}},
	{name: "max-keys", test: func(p *probe) {
		p.fill("a", "b")
		for _, version := range []string{"", "&list-type=2"} {
			if l := p.lists("max-keys=0"+version, ""); l.IsTruncated {
				p.Error("an empty page that was asked for is not truncated")
			}
			if l := p.lists("max-keys=2"+version, "a b"); l.IsTruncated {
				p.Error("nothing follows")
			}
			p.do("GET", "?max-keys=-1"+version).want(400, "InvalidArgument")
			p.do("GET", "?max-keys=x"+version).want(400, "InvalidArgument")
		}
	}},
	{name: "max-keys is an integer of 32 bits", test: func(p *probe) {
		p.do("GET", "?max-keys=2147483648").want(400, "InvalidArgument")
	}},
	{name: "a page has at most 1000 keys", test: func(p *probe) {
		if l := p.list("max-keys=5000"); l.MaxKeys != 1000 {
			p.Error(l.MaxKeys)
		}
	}},
	{name: "fetch-owner", test: func(p *probe) {
		p.fill("a")
		if l := p.list("list-type=2"); l.Contents[0].Owner != nil {
			p.Error("an owner that nobody asked for")
		}
		if l := p.list("list-type=2&fetch-owner=true"); l.Contents[0].Owner == nil {
			p.Error("no owner")
		}
	}},
	{name: "V1 shows owners", test: func(p *probe) {
		p.fill("a")
		if l := p.list(""); l.Contents[0].Owner == nil {
			p.Error("no owner")
		}
	}},
	{name: "encoding-type=url", differs: "it ignores encoding-type", test: func(p *probe) {
		p.fill("a%20b%2Bc%2F%C3%BC")
		p.lists("list-type=2&encoding-type=url&delimiter=%2F", "a%20b%2Bc/")
		p.lists("list-type=2&encoding-type=url", "a%20b%2Bc/%C3%BC")
	}},
	{name: "encoding-type is url or nothing", differs: "it ignores encoding-type", test: func(p *probe) {
		p.do("GET", "?encoding-type=base64").want(400, "InvalidArgument")
	}},
	{name: "keys that XML cannot hold are listed encoded", differs: "it ignores encoding-type", test: func(p *probe) {
		p.fill("a%01b%0Ac")
		p.lists("list-type=2&encoding-type=url", "a%01b%0Ac")
	}},
	{name: "a continuation token is S3's or refused", differs: "its tokens are keys", test: func(p *probe) {
		p.fill("a", "b", "c")
		for _, token := range []string{"", "%21", "YQ", "AAAA"} {
			p.do("GET", "?list-type=2&continuation-token="+token).want(400, "InvalidArgument")
		}
		token := p.list("list-type=2&max-keys=1").NextContinuationToken
		p.do("GET", "?list-type=2&continuation-token="+token[:len(token)-1]).want(400, "InvalidArgument")
	}},
	{name: "a list type is 2 or nothing", differs: "it takes any", test: func(p *probe) {
		p.do("GET", "?list-type=3").want(400, "InvalidArgument")
	}},
	{name: "ListObjectVersions of a bucket without versions", test: func(p *probe) {
		p.fill("a", "b")
		p.do("GET", "?versions").want(200, "").shows("<Key>a</Key>", "<VersionId>null</VersionId>", "<IsLatest>true</IsLatest>")
	}},
	{name: "a list of none", test: func(p *probe) {
		if l := p.lists("list-type=2", ""); l.KeyCount != 0 || l.IsTruncated {
			p.Errorf("%+v", l)
		}
	}},
}

func (p *probe) deleteAll(document string) answer {
	p.Helper()
	return p.do("POST", "?delete", document, md5Header(document))
}

var deletions = []behaviour{
	{name: "DeleteObjects", differs: "it ignores Quiet", test: func(p *probe) {
		p.fill("a", "b", "c")
		p.deleteAll("<Delete><Object><Key>a</Key></Object><Object><Key>none</Key></Object></Delete>").want(200, "").
			shows("<Deleted><Key>a</Key></Deleted>", "<Deleted><Key>none</Key></Deleted>").lacks("<Error>")
		p.lists("list-type=2", "b c")
		p.deleteAll("<Delete><Quiet>true</Quiet><Object><Key>b</Key></Object></Delete>").want(200, "").lacks("<Deleted>", "<Error>")
		p.lists("list-type=2", "c")
	}},
	{name: "DeleteObjects asks for Content-MD5 or a checksum", test: func(p *probe) {
		p.do("POST", "?delete", "<Delete><Object><Key>a</Key></Object></Delete>").want(400, "InvalidRequest")
	}},
	{name: "DeleteObjects takes a checksum", test: func(p *probe) {
		p.fill("a")
		body := "<Delete><Object><Key>a</Key></Object></Delete>"
		p.do("POST", "?delete", body, "X-Amz-Checksum-Crc32: "+sumOf(p, "CRC32", body)).want(200, "")
		p.lists("", "")
		p.do("POST", "?delete", body, "X-Amz-Checksum-Crc32: "+sumOf(p, "CRC32", "other")).want(400, "BadDigest")
	}},
	{name: "DeleteObjects takes 1000 keys", differs: "it takes more", test: func(p *probe) {
		document := func(n int) string {
			var b strings.Builder
			b.WriteString("<Delete>")
			for i := range n {
				fmt.Fprintf(&b, "<Object><Key>%d</Key></Object>", i)
			}
			return b.String() + "</Delete>"
		}
		p.deleteAll(document(1000)).want(200, "")
		p.deleteAll(document(1001)).want(400, "MalformedXML")
	}},
	{name: "DeleteObjects refuses a document of none", differs: "it takes one", test: func(p *probe) {
		p.deleteAll("<Delete></Delete>").want(400, "MalformedXML")
		p.deleteAll("<Delete").want(400, "MalformedXML")
	}},
	{name: "DeleteObjects under conditions", differs: "it ignores ETag", test: func(p *probe) {
		p.fill("a", "b")
		etag := p.do("HEAD", "/a").header.Get("ETag")
		p.deleteAll(`<Delete><Object><Key>a</Key><ETag>`+etag+`</ETag></Object><Object><Key>b</Key><ETag>"x"</ETag></Object></Delete>`).want(200, "").
			shows("<Deleted><Key>a</Key></Deleted>", "<Code>PreconditionFailed</Code>")
		p.lists("", "b")
	}},
}
