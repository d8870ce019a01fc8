package conformance

import (
	"context"
	"crypto/md5" //nolint:gosec // Content-MD5
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/checksum"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

var ctx = context.Background()

// answer is what came back.
type answer struct {
	t       *testing.T
	what    string
	status  int
	code    string // of an error with a body
	message string
	header  http.Header
	body    string
}

// do sends a signed request. at is what follows the bucket, "/key?query" with the key
// escaped; extra are a body, and headers as "Name: value".
func (p *probe) do(method, at string, extra ...string) answer {
	p.Helper()
	return p.send(p.request(method, "/"+p.bucket+at, extra...))
}

// request signs for path as do does.
func (p *probe) request(method, path string, extra ...string) *http.Request {
	p.Helper()
	body := ""
	header := http.Header{}
	for _, e := range extra {
		if name, value, ok := strings.Cut(e, ": "); ok && !strings.ContainsAny(name, " <>\n") {
			header.Add(name, value)
		} else {
			body = e
		}
	}
	r, err := http.NewRequest(method, p.endpoint, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	path, query, _ := strings.Cut(path, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		p.Fatal(err)
	}
	base := r.URL.EscapedPath()
	// On the wire as it is signed: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = r.URL.Path+decoded, base+sigv4.Escape(decoded, true), query
	r.Header = header
	payload := header.Get("X-Amz-Content-Sha256")
	if payload == "" {
		sum := sha256.Sum256([]byte(body))
		payload = hex.EncodeToString(sum[:])
		header.Set("X-Amz-Content-Sha256", payload)
	}
	p.sign(r, payload, time.Now())
	return r
}

func (p *probe) sign(r *http.Request, payload string, at time.Time) {
	p.Helper()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(ctx, aws.Credentials{AccessKeyID: p.access, SecretAccessKey: p.secret}, r, payload, "s3", "us-east-1", at); err != nil {
		p.Fatal(err)
	}
}

func (p *probe) send(r *http.Request) answer {
	p.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	a := answer{t: p.T, what: r.Method + " " + r.URL.RequestURI(), status: resp.StatusCode, header: resp.Header, body: string(b)}
	if resp.StatusCode >= 300 && len(b) > 0 {
		var e struct{ Code, Message string }
		if err := xml.Unmarshal(b, &e); err != nil {
			p.Errorf("%s: not an S3 error: %s", a.what, b)
		}
		a.code, a.message = e.Code, e.Message
	}
	return a
}

// want compares status and code; it goes on where they differ.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.status != status || a.code != code {
		a.t.Errorf("%s: %d %s (%s), want %d %s", a.what, a.status, a.code, a.message, status, code)
	}
	return a
}

// has compares headers, given as "Name: value"; "Name: " is one that must not be there.
func (a answer) has(headers ...string) answer {
	a.t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if got := a.header.Get(name); got != value {
			a.t.Errorf("%s: %s is %q, want %q", a.what, name, got, value)
		}
	}
	return a
}

// holds compares the body.
func (a answer) holds(want string) answer {
	a.t.Helper()
	if a.body != want {
		a.t.Errorf("%s: the body is %.200q, want %.200q", a.what, a.body, want)
	}
	return a
}

// shows looks for pieces of the body.
func (a answer) shows(pieces ...string) answer {
	a.t.Helper()
	for _, s := range pieces {
		if !strings.Contains(a.body, s) {
			a.t.Errorf("%s: no %q in %s", a.what, s, a.body)
		}
	}
	return a
}

// lacks looks for pieces that must not be in the body.
func (a answer) lacks(pieces ...string) answer {
	a.t.Helper()
	for _, s := range pieces {
		if strings.Contains(a.body, s) {
			a.t.Errorf("%s: %q in %s", a.what, s, a.body)
		}
	}
	return a
}

// parse reads the body's XML.
func (a answer) parse(v any) answer {
	a.t.Helper()
	if err := xml.Unmarshal([]byte(a.body), v); err != nil {
		a.t.Fatalf("%s: %v in %s", a.what, err, a.body)
	}
	return a
}

func (p *probe) put(key, body string, headers ...string) answer {
	p.Helper()
	return p.do("PUT", "/"+key, append(headers, body)...).want(200, "")
}

func md5Header(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // Content-MD5
	return "Content-Md5: " + base64.StdEncoding.EncodeToString(sum[:])
}

func sumOf(t testing.TB, algorithm, data string) string {
	t.Helper()
	h, err := checksum.New(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	h.Write([]byte(data))
	return checksum.Encode(h)
}

func headerOf(algorithm string) string { return "x-amz-checksum-" + strings.ToLower(algorithm) }
