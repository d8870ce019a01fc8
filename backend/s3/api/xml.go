package api

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

const namespace = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`

// xmlWriter appends elements to a buffer. encoding/xml takes milliseconds for a page of a
// thousand keys, this does not.
type xmlWriter struct{ b []byte }

func (x *xmlWriter) head() { x.b = append(x.b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...) }

// root begins a document of S3's namespace.
func (x *xmlWriter) root(name string) {
	x.head()
	x.b = append(x.b, '<')
	x.b = append(x.b, name...)
	x.b = append(x.b, namespace...)
	x.b = append(x.b, '>')
}

func (x *xmlWriter) open(name string) {
	x.b = append(x.b, '<')
	x.b = append(x.b, name...)
	x.b = append(x.b, '>')
}

func (x *xmlWriter) close(name string) {
	x.b = append(x.b, '<', '/')
	x.b = append(x.b, name...)
	x.b = append(x.b, '>')
}

func (x *xmlWriter) text(name, value string) {
	x.open(name)
	x.escape(value)
	x.close(name)
}

func (x *xmlWriter) optional(name, value string) {
	if value != "" {
		x.text(name, value)
	}
}

func (x *xmlWriter) num(name string, n int64) {
	x.open(name)
	x.b = strconv.AppendInt(x.b, n, 10)
	x.close(name)
}

func (x *xmlWriter) flag(name string, v bool) { x.text(name, strconv.FormatBool(v)) }

func (x *xmlWriter) time(name string, t time.Time) {
	x.open(name)
	x.b = t.UTC().AppendFormat(x.b, "2006-01-02T15:04:05.000Z")
	x.close(name)
}

func (x *xmlWriter) etag(v string) {
	x.b = append(x.b, "<ETag>&quot;"...)
	x.escape(v)
	x.b = append(x.b, "&quot;</ETag>"...)
}

// escape replaces what XML 1.0 cannot hold by U+FFFD; encoding-type=url is there for such keys.
func (x *xmlWriter) escape(s string) {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '&' && c != '<' && c != '>' && c != '"' && c != '\'' {
			x.b = append(x.b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '&':
			x.b = append(x.b, "&amp;"...)
		case c == '<':
			x.b = append(x.b, "&lt;"...)
		case c == '>':
			x.b = append(x.b, "&gt;"...)
		case c == '"':
			x.b = append(x.b, "&quot;"...)
		case c == '\'':
			x.b = append(x.b, "&#39;"...)
		case c == '\n':
			x.b = append(x.b, "&#10;"...)
		case c == '\r':
			x.b = append(x.b, "&#13;"...)
		case c == '\t':
			x.b = append(x.b, "&#9;"...)
		case c < ' ', r == utf8.RuneError && n == 1, r == 0xfffe, r == 0xffff:
			x.b = append(x.b, "\ufffd"...)
		default:
			x.b = append(x.b, s[i:i+n]...)
		}
		i += n
	}
}

// xml sends a document.
func (q *request) xml(status int, x *xmlWriter) {
	h := q.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(x.b)))
	q.w.WriteHeader(status)
	_, _ = q.w.Write(x.b) // a client that is gone gets no other answer
}

// urlEncoding encodes names the way encoding-type=url asks for; a space is %20, which
// every client decodes alike.
func urlEncoding(on bool) func(string) string {
	if !on {
		return func(s string) string { return s }
	}
	return func(s string) string { return sigv4.Escape(s, true) }
}

// Bytes of a request's document.
const (
	smallXML    = 64 << 10 // one setting or tag set
	deleteXML   = 2 << 20  // 1,000 keys of 1,024 bytes
	completeXML = 8 << 20  // 10,000 parts with their checksums
)

// parse reads the body's XML, of at most limit bytes, into v, to its end, so that its hash is verified.
func (q *request) parse(v any, limit int64) error {
	d, err := q.digests()
	if err != nil {
		return err
	}
	return d.parse(v, limit)
}

func (d *digests) parse(v any, limit int64) error {
	if d.body.Length > limit {
		return fail(http.StatusBadRequest, "MaxMessageLengthExceeded", "Your request was too big.")
	}
	raw, err := io.ReadAll(io.LimitReader(d, limit+1))
	if err != nil {
		return err
	}
	if int64(len(raw)) > limit {
		return fail(http.StatusBadRequest, "MaxMessageLengthExceeded", "Your request was too big.")
	}
	if err := d.verify(raw); err != nil {
		return err
	}
	return unmarshal(raw, v)
}

// unmarshal takes one document and nothing after it.
func unmarshal(raw []byte, v any) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(v); err != nil {
		return malformed()
	}
	for {
		switch t, err := d.Token(); t := t.(type) {
		case nil:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return malformed()
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return malformed()
			}
		case xml.Comment, xml.ProcInst:
		default:
			return malformed()
		}
	}
}

func malformed() error {
	return fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema.")
}
