package api

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// refusal checks that an error is one that S3 has.
func refusal(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if err != nil && (!errors.As(err, &e) || e.Status < 400 || e.Status == 500) {
		t.Errorf("an error without a code: %v", err)
	}
}

// SPEC B12
func FuzzDeleteXML(f *testing.F) {
	f.Fuzz(func(t *testing.T, document string) {
		var in deleteRequest
		refusal(t, unmarshal([]byte(document), &in))
	})
}

// SPEC B12
func FuzzCompleteXML(f *testing.F) {
	f.Fuzz(func(t *testing.T, document string) {
		var in completeRequest
		if err := unmarshal([]byte(document), &in); err != nil {
			refusal(t, err)
			return
		}
		parts, err := in.parts(store.UploadInfo{ChecksumAlgorithm: checksum.CRC32, ChecksumType: checksum.Composite})
		refusal(t, err)
		for _, p := range parts {
			if p.Checksum == "" {
				t.Error("a part without its checksum")
			}
		}
	})
}

// SPEC B12
func FuzzTaggingXML(f *testing.F) {
	f.Fuzz(func(t *testing.T, document string) {
		var in taggingRequest
		if err := unmarshal([]byte(document), &in); err != nil {
			refusal(t, err)
			return
		}
		tags, err := in.tags()
		refusal(t, err)
		checkTags(t, tags)
	})
}

func FuzzTaggingHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, header string) {
		tags, err := taggingHeader(header)
		refusal(t, err)
		checkTags(t, tags)
	})
}

func checkTags(t *testing.T, tags map[string]string) {
	t.Helper()
	if len(tags) > tagsMax {
		t.Errorf("%d tags", len(tags))
	}
	for k, v := range tags {
		if k == "" || utf8.RuneCountInString(k) > tagKeyMax || utf8.RuneCountInString(v) > tagValueMax || !utf8.ValidString(k+v) {
			t.Errorf("%q=%q", k, v)
		}
	}
}

// SPEC B12
func FuzzCreateBucketXML(f *testing.F) {
	f.Fuzz(func(t *testing.T, document string) {
		var in createBucketRequest
		if err := unmarshal([]byte(document), &in); err != nil {
			refusal(t, err)
			return
		}
		refusal(t, in.check())
	})
}

// SPEC B12
func FuzzRange(f *testing.F) {
	f.Fuzz(func(t *testing.T, header string, size int64) {
		size = max(size, -size, 0)
		p, ok := byteRange(header, size)
		switch {
		case !ok:
			if p != (piece{}) {
				t.Errorf("%+v", p)
			}
		case p.offset < 0 || p.length < 0 || p.length > size-p.offset:
			t.Errorf("%q of %d: %+v", header, size, p)
		case !p.partial && (p.offset != 0 || p.length != size), p.partial && p.length == 0:
			t.Errorf("%q of %d: %+v", header, size, p)
		}
		if from, n, err := copyRange(header); err == nil && (from < 0 || n < 1 || from > 1<<63-1-n) {
			t.Errorf("%q: %d, %d", header, from, n)
		} else {
			refusal(t, err)
		}
	})
}

// A token is what was given out, or refused. SPEC B12
func FuzzToken(f *testing.F) {
	f.Fuzz(func(t *testing.T, token string) {
		after, err := openToken(token)
		refusal(t, err)
		if err == nil && sealToken(after) != token {
			t.Errorf("%q opens as %q, which is sealed as %q", token, after, sealToken(after))
		}
		if utf8.ValidString(token) && token != "" && len(token) <= store.MaxKey {
			if after, err := openToken(sealToken(token)); err != nil || after != token {
				t.Errorf("%q comes back as %q, %v", token, after, err)
			}
		}
	})
}

// Whatever a key holds, the answer is well-formed XML, and gives the key back where XML can
// hold it. SPEC B13
func FuzzXMLText(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		var x xmlWriter
		x.root("A")
		x.text("Key", text)
		x.close("A")
		var out struct{ Key string }
		if err := xml.Unmarshal(x.b, &out); err != nil {
			t.Fatalf("%v in %s", err, x.b)
		}
		if out.Key != text && !strings.Contains(out.Key, "\ufffd") {
			t.Errorf("%q comes back as %q", text, out.Key)
		}
	})
}

// User metadata comes back as it went in, by way of a header. SPEC B12
func FuzzMeta(f *testing.F) {
	f.Fuzz(func(t *testing.T, value string) {
		text := decodeMeta(value)
		header := encodeMeta(text)
		for i := range len(header) {
			if header[i] < ' ' || header[i] > '~' {
				t.Fatalf("%q is no header", header)
			}
		}
		if again := decodeMeta(header); again != text {
			t.Errorf("%q is %q, then %q", value, text, again)
		}
	})
}
