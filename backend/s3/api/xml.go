package api

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
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

// time appends 2006-01-02T15:04:05.000Z. time.AppendFormat takes a third of a page's time.
func (x *xmlWriter) time(name string, t time.Time) {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	x.open(name)
	x.digits(year, 4, '-')
	x.digits(int(month), 2, '-')
	x.digits(day, 2, 'T')
	x.digits(hour, 2, ':')
	x.digits(minute, 2, ':')
	x.digits(second, 2, '.')
	x.digits(t.Nanosecond()/1e6, 3, 'Z')
	x.close(name)
}

// digits appends n in width digits and a byte after them.
func (x *xmlWriter) digits(n, width int, then byte) {
	at := len(x.b)
	x.b = append(x.b, "0000"[:width]...)
	for i := at + width - 1; i >= at; i-- {
		x.b[i] = byte('0' + n%10)
		n /= 10
	}
	x.b = append(x.b, then)
}

func (x *xmlWriter) etag(v string) {
	x.b = append(x.b, "<ETag>&quot;"...)
	x.escape(v)
	x.b = append(x.b, "&quot;</ETag>"...)
}

// escape replaces what XML 1.0 cannot hold by U+FFFD; encoding-type=url is there for such keys.
func (x *xmlWriter) escape(s string) {
	from := 0 // of what has not been appended
	for i := 0; i < len(s); {
		c := s[i]
		if harmless[c] {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		var in string
		switch {
		case c == '&':
			in = "&amp;"
		case c == '<':
			in = "&lt;"
		case c == '>':
			in = "&gt;"
		case c == '"':
			in = "&quot;"
		case c == '\'':
			in = "&#39;"
		case c == '\n':
			in = "&#10;"
		case c == '\r':
			in = "&#13;"
		case c == '\t':
			in = "&#9;"
		case c < ' ', r == utf8.RuneError && n == 1, r == 0xfffe, r == 0xffff:
			in = "\ufffd"
		default:
			i += n
			continue
		}
		x.b = append(append(x.b, s[from:i]...), in...)
		i += n
		from = i
	}
	x.b = append(x.b, s[from:]...)
}

// harmless are the bytes that stand for themselves.
var harmless = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = !strings.ContainsRune("&<>\"'", c)
	}
	return t
}()

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
