package sigv4_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/sigv4"
)

const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var exampleTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

func request(t *testing.T, method, url string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func authorization(headers, signature string) string {
	return "AWS4-HMAC-SHA256 Credential=" + exampleKey + "/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + headers + ",Signature=" + signature
}

// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. SPEC B6
func TestHeaderExamples(t *testing.T) {
	const host = "https://examplebucket.s3.amazonaws.com"
	for name, r := range map[string]*http.Request{
		"GET object": request(t, "GET", host+"/test.txt", "Range", "bytes=0-9", "X-Amz-Content-Sha256", sigv4.EmptyPayload,
			"Authorization", authorization("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")),
		"PUT object": request(t, "PUT", host+"/test$file.text", "Date", "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY",
			"X-Amz-Content-Sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"Authorization", authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")),
		"GET lifecycle": request(t, "GET", host+"/?lifecycle", "X-Amz-Content-Sha256", sigv4.EmptyPayload,
			"Authorization", authorization("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")),
		"list": request(t, "GET", host+"/?max-keys=2&prefix=J", "X-Amz-Content-Sha256", sigv4.EmptyPayload,
			"Authorization", authorization("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")),
	} {
		t.Run(name, func(t *testing.T) {
			r.Header.Set("X-Amz-Date", "20130524T000000Z")
			s, err := sigv4.ParseHeader(r)
			if err != nil {
				t.Fatal(err)
			}
			targets := sigv4.Targets(r.URL.EscapedPath(), "")
			if err := s.Verify(r, s.Key(exampleSecret), targets); err != nil {
				t.Error(err)
			}
			if err := s.Covers(r.Header); err != nil {
				t.Error(err)
			}
			if err := s.Verify(r, s.Key(exampleSecret+"x"), targets); code(err) != "SignatureDoesNotMatch" {
				t.Errorf("another secret: %v", err)
			}
			r.Method = "DELETE"
			if err := s.Verify(r, s.Key(exampleSecret), targets); code(err) != "SignatureDoesNotMatch" {
				t.Errorf("another method: %v", err)
			}
		})
	}
}

func code(err error) string {
	var e *sigv4.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// The example of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. SPEC B7
func TestPresignedExample(t *testing.T) {
	r := request(t, "GET", "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+exampleKey+
		"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"+
		"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
	s, err := sigv4.ParseQuery(r.URL.Query())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(r, s.Key(exampleSecret), sigv4.Targets("/test.txt", "")); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{0, ""}, {24 * time.Hour, ""}, {24*time.Hour + time.Second, "AccessDenied"}, {-16 * time.Minute, "AccessDenied"}} {
		if got := code(s.Timely(exampleTime.Add(c.after))); got != c.want {
			t.Errorf("%v after signing: %q, want %q", c.after, got, c.want)
		}
	}
	// A header that nobody signed could turn a presigned PUT into a copy.
	r.Header.Set("X-Amz-Copy-Source", "other/secret")
	if got := code(s.Covers(r.Header)); got != "AccessDenied" {
		t.Errorf("unsigned x-amz-copy-source: %q", got)
	}
}

// SPEC B7
func TestSkew(t *testing.T) {
	s := &sigv4.Signature{Time: exampleTime}
	for _, c := range []struct {
		by   time.Duration
		want string
	}{{0, ""}, {15 * time.Minute, ""}, {-15 * time.Minute, ""}, {15*time.Minute + time.Second, "RequestTimeTooSkewed"}, {-16 * time.Minute, "RequestTimeTooSkewed"}} {
		if got := code(s.Timely(exampleTime.Add(c.by))); got != c.want {
			t.Errorf("skew %v: %q, want %q", c.by, got, c.want)
		}
	}
}

func seed(signature string) *sigv4.Signature {
	return &sigv4.Signature{Date: "20130524", Region: "us-east-1", Service: "s3", Time: exampleTime, Value: signature}
}

// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
// sigv4-streaming-trailers.html: 66,560 times the letter a. SPEC B6
func TestStreamingExamples(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	signed := "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + a(65536) + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + a(1024) + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	trailer := "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" + a(65536) + "\r\n" +
		"400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" + a(1024) + "\r\n" +
		"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
		"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
	const seed1 = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	const seed2 = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
	key := sigv4.Key(exampleSecret, "20130524", "us-east-1", "s3")
	for name, c := range map[string]struct {
		body     string
		seed     string
		trailers bool
		want     string // code; "cut": the body ends early
	}{
		"signed":                   {signed, seed1, false, ""},
		"signed with trailer":      {trailer, seed2, true, ""},
		"a byte changed":           {strings.Replace(signed, "aaaa", "aaab", 1), seed1, false, "SignatureDoesNotMatch"},
		"another seed":             {signed, seed2, false, "SignatureDoesNotMatch"},
		"chunks dropped":           {signed[strings.Index(signed, "400;"):], seed1, false, "SignatureDoesNotMatch"},
		"trailer changed":          {strings.Replace(trailer, "sOO8", "sOO9", 1), seed2, true, "SignatureDoesNotMatch"},
		"trailer not signed":       {trailer[:strings.Index(trailer, "x-amz-trailer-sig")] + "\r\n", seed2, true, "SignatureDoesNotMatch"},
		"chunk without signature":  {"4\r\naaaa\r\n0\r\n\r\n", seed1, false, "SignatureDoesNotMatch"},
		"cut in the data":          {signed[:60000], seed1, false, "cut"},
		"cut before the last":      {signed[:strings.LastIndex(signed, "0;chunk")], seed1, false, "cut"},
		"size is not hexadecimal":  {"zz;chunk-signature=" + seed1 + "\r\n", seed1, false, "InvalidRequest"},
		"data longer than it says": {strings.Replace(signed, "400;", "3ff;", 1), seed1, false, "InvalidRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sigv4.NewChunkReader(strings.NewReader(c.body), int64(len(c.body)), seed(c.seed), key, c.trailers)
			got, err := io.ReadAll(r)
			switch {
			case c.want == "cut":
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("err = %v, want unexpected EOF", err)
				}
			case code(err) != c.want || (c.want == "" && err != nil):
				t.Fatalf("err = %v, want %q", err, c.want)
			case c.want == "" && !bytes.Equal(got, []byte(a(66560))):
				t.Errorf("%d bytes", len(got))
			case c.want == "" && c.trailers && r.Trailer.Get("x-amz-checksum-crc32c") != "sOO8/Q==":
				t.Errorf("trailer %v", r.Trailer)
			}
		})
	}
}

func TestUnsignedTrailer(t *testing.T) {
	r := sigv4.NewChunkReader(strings.NewReader("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), -1, nil, nil, true)
	got, err := io.ReadAll(r)
	if err != nil || string(got) != "hello" || r.Trailer.Get("x-amz-checksum-crc32") != "NhCmhg==" {
		t.Errorf("%q %v %v", got, r.Trailer, err)
	}
}

func TestEscape(t *testing.T) {
	if got := sigv4.Escape("a b/+~é*", true); got != "a%20b/%2B~%C3%A9%2A" {
		t.Error(got)
	}
}

func TestTargets(t *testing.T) {
	got := fmt.Sprint(sigv4.Targets("/s3/b/a%20b+c", "/s3"))
	if want := "[{ /s3/b/a%20b%2Bc} { /s3/b/a%20b+c} {/s3 /b/a%20b%2Bc} {/s3 /b/a%20b+c} " +
		"{ /b/a%20b%2Bc} { /b/a%20b+c} {/s3/b /a%20b%2Bc} {/s3/b /a%20b+c}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := sigv4.Targets("/s3x/b", "/s3"); len(got) != 1 {
		t.Error("a prefix of a name is not the base", got)
	}
}
