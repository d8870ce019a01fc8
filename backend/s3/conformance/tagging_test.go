package conformance

import (
	"fmt"
	"strings"
)

func tagSet(pairs ...string) string {
	var b strings.Builder
	b.WriteString("<Tagging><TagSet>")
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<Tag><Key>%s</Key><Value>%s</Value></Tag>", pairs[i], pairs[i+1])
	}
	return b.String() + "</TagSet></Tagging>"
}

func (p *probe) tags(key string, want ...string) {
	p.Helper()
	var out struct {
		TagSet struct{ Tag []struct{ Key, Value string } }
	}
	p.do("GET", "/"+key+"?tagging").want(200, "").parse(&out)
	got := map[string]string{}
	for _, t := range out.TagSet.Tag {
		got[t.Key] = t.Value
	}
	wanted := map[string]string{}
	for i := 0; i < len(want); i += 2 {
		wanted[want[i]] = want[i+1]
	}
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		p.Errorf("%s has tags %v, want %v", key, got, wanted)
	}
}

var tagging = []behaviour{
	{name: "PutObjectTagging, Get and Delete", test: func(p *probe) {
		before := p.put("k", "hello", "X-Amz-Meta-A: 1").header.Get("ETag")
		p.tags("k")
		p.do("PUT", "/k?tagging", tagSet("a", "1", "b", "")).want(200, "")
		p.tags("k", "a", "1", "b", "")
		p.do("PUT", "/k?tagging", tagSet("c", "3")).want(200, "")
		p.tags("k", "c", "3")
		p.do("GET", "/k").want(200, "").holds("hello").has("ETag: "+before, "X-Amz-Meta-A: 1", "X-Amz-Tagging-Count: 1")
		p.do("DELETE", "/k?tagging").want(204, "")
		p.tags("k")
		p.do("GET", "/k").want(200, "").holds("hello").has("X-Amz-Tagging-Count: ")
	}},
	{name: "HEAD counts tags", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Tagging: a=1&b=2")
		p.do("HEAD", "/k").want(200, "").has("X-Amz-Tagging-Count: 2")
	}},
	{name: "tags of what is not there", test: func(p *probe) {
		p.do("GET", "/k?tagging").want(404, "NoSuchKey")
		p.do("PUT", "/k?tagging", tagSet("a", "1")).want(404, "NoSuchKey")
		p.do("DELETE", "/k?tagging").want(404, "NoSuchKey")
	}},
	{name: "x-amz-tagging", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Tagging: a%20b=1%2B2&c=")
		p.tags("k", "a b", "1+2", "c", "")
		id := p.begin("parts", "X-Amz-Tagging: a=1")
		p.complete("parts", id, []part{p.part("parts", id, 1, "x")}).want(200, "")
		p.tags("parts", "a", "1")
		p.put("k", "x")
		p.tags("k")
	}},
	{name: "x-amz-tagging that is none", test: func(p *probe) {
		p.do("PUT", "/k", "x", "X-Amz-Tagging: a=1&a=2").want(400, "InvalidArgument")
		p.do("PUT", "/k", "x", "X-Amz-Tagging: %zz=1").want(400, "InvalidArgument")
	}},
	{name: "limits of tags", differs: "it takes a document without a TagSet", test: func(p *probe) {
		p.put("k", "x")
		eleven := make([]string, 0, 22)
		for i := range 11 {
			eleven = append(eleven, fmt.Sprint("k", i), "v")
		}
		p.do("PUT", "/k?tagging", tagSet(eleven...)).want(400, "BadRequest")
		p.do("PUT", "/k?tagging", tagSet(eleven[:20]...)).want(200, "")
		p.do("PUT", "/k?tagging", tagSet(strings.Repeat("k", 128), strings.Repeat("v", 256))).want(200, "")
		p.do("PUT", "/k?tagging", tagSet(strings.Repeat("k", 129), "v")).want(400, "InvalidTag")
		p.do("PUT", "/k?tagging", tagSet("k", strings.Repeat("v", 257))).want(400, "InvalidTag")
		p.do("PUT", "/k?tagging", tagSet("", "v")).want(400, "InvalidTag")
		p.do("PUT", "/k?tagging", tagSet("a", "1", "a", "2")).want(400, "InvalidTag")
		p.do("PUT", "/k?tagging", tagSet("a!", "1")).want(400, "InvalidTag")
		p.do("PUT", "/k?tagging", "<Tagging>").want(400, "MalformedXML")
		p.do("PUT", "/k?tagging", "<Tagging></Tagging>").want(400, "MalformedXML")
	}},
	{name: "tags of the system are the system's", differs: "it takes them", test: func(p *probe) {
		p.put("k", "x")
		p.do("PUT", "/k?tagging", tagSet("aws:x", "1")).want(400, "InvalidTag")
	}},
	{name: "tags are counted in characters", differs: "it counts bytes", test: func(p *probe) {
		p.put("k", "x")
		p.do("PUT", "/k?tagging", tagSet(strings.Repeat("ü", 128), "日本")).want(200, "")
		p.tags("k", strings.Repeat("ü", 128), "日本")
	}},
	{name: "CopyObject keeps or replaces tags", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Tagging: a=1")
		src := "X-Amz-Copy-Source: " + p.bucket + "/k"
		p.do("PUT", "/kept", src).want(200, "")
		p.tags("kept", "a", "1")
		p.do("PUT", "/replaced", src, "X-Amz-Tagging-Directive: REPLACE", "X-Amz-Tagging: b=2").want(200, "")
		p.tags("replaced", "b", "2")
	}},
	{name: "CopyObject that replaces metadata keeps tags", test: func(p *probe) {
		p.put("k", "x", "X-Amz-Tagging: a=1")
		p.do("PUT", "/kept", "X-Amz-Copy-Source: "+p.bucket+"/k", "X-Amz-Metadata-Directive: REPLACE", "X-Amz-Meta-A: 1").want(200, "")
		p.tags("kept", "a", "1")
	}},
}
