//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// target is a server to send requests to: every one gets the same requests, signed with
// Version 4 in a header.
type target struct {
	address string // host:port
	base    string // path of the service; "" or "/s3"
	key     string // access key
	secret  string
}

// payload is a body with its hash, which is computed once: the client shares the cores
// with the server.
type payload struct {
	bytes  []byte
	sha256 string // hex
}

func newPayload(b []byte) payload {
	sum := sha256.Sum256(b)
	return payload{b, hex.EncodeToString(sum[:])}
}

var noPayload = newPayload(nil)

// conn is one keep-alive HTTP/1.1 connection, for one goroutine. net/http's client would
// take as much of the cores as the servers do.
type conn struct {
	target
	c      net.Conn
	r      *bufio.Reader
	w      []byte // the request that is sent
	sign   []byte // scratch of the signature
	day    string // of signer
	signer hash.Hash
	sha    hash.Hash
	etag   string // of the last answer, quoted
}

func dial(t target) (*conn, error) {
	c := &conn{target: t, sha: sha256.New()}
	return c, c.redial()
}

func (c *conn) redial() (err error) {
	c.close()
	if c.c, err = net.DialTimeout("tcp", c.address, 5*time.Second); err != nil {
		c.c = nil
		return err
	}
	c.r = bufio.NewReaderSize(c.c, 256<<10)
	return nil
}

func (c *conn) close() {
	if c.c != nil {
		_ = c.c.Close()
		c.c = nil
	}
}

const signedHeaders = "host;x-amz-content-sha256;x-amz-date"

// do sends a request and wants a 2xx. path is escaped and begins with "/bucket", query is in
// canonical order. It returns the answer's body where keep is set, else nil.
func (c *conn) do(method, path, query string, body payload, keep bool) ([]byte, error) {
	if c.c == nil {
		if err := c.redial(); err != nil {
			return nil, err
		}
	}
	date := time.Now().UTC().Format("20060102T150405Z")
	w := append(c.w[:0], method...)
	w = append(append(append(w, ' '), c.base...), path...)
	if query != "" {
		w = append(append(w, '?'), query...)
	}
	w = append(append(w, " HTTP/1.1\r\nHost: "...), c.address...)
	w = append(append(w, "\r\nX-Amz-Date: "...), date...)
	w = append(append(w, "\r\nX-Amz-Content-Sha256: "...), body.sha256...)
	w = append(append(w, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential="...), c.key...)
	w = append(append(append(w, '/'), date[:8]...), "/us-east-1/s3/aws4_request,SignedHeaders="+signedHeaders+",Signature="...)
	w = c.signature(w, method, path, query, body.sha256, date)
	w = append(w, "\r\nContent-Length: "...)
	w = append(strconv.AppendInt(w, int64(len(body.bytes)), 10), "\r\n\r\n"...)
	small := len(body.bytes) <= 64<<10
	if small {
		w = append(w, body.bytes...)
	}
	c.w = w
	_, err := c.c.Write(w)
	if err == nil && !small {
		_, err = c.c.Write(body.bytes)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	answer, err := c.answer(method, keep)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return answer, nil
}

// signature appends it in hex:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html.
func (c *conn) signature(w []byte, method, path, query, payloadHash, date string) []byte {
	s := append(append(append(append(c.sign[:0], method...), '\n'), c.base...), path...)
	s = append(append(append(s, '\n'), query...), "\nhost:"...)
	s = append(append(append(s, c.address...), "\nx-amz-content-sha256:"...), payloadHash...)
	s = append(append(append(s, "\nx-amz-date:"...), date...), "\n\n"+signedHeaders+"\n"...)
	s = append(s, payloadHash...)
	c.sha.Reset()
	c.sha.Write(s)
	var sum [sha256.Size]byte
	c.sha.Sum(sum[:0])
	if c.day != date[:8] {
		key := []byte("AWS4" + c.secret)
		for _, part := range []string{date[:8], "us-east-1", "s3", "aws4_request"} {
			m := hmac.New(sha256.New, key)
			m.Write([]byte(part))
			key = m.Sum(nil)
		}
		c.day, c.signer = date[:8], hmac.New(sha256.New, key)
	}
	s = append(append(append(s[:0], "AWS4-HMAC-SHA256\n"...), date...), '\n')
	s = append(append(s, c.day...), "/us-east-1/s3/aws4_request\n"...)
	s = hex.AppendEncode(s, sum[:])
	c.sign = s
	c.signer.Reset()
	c.signer.Write(s)
	return hex.AppendEncode(w, c.signer.Sum(sum[:0]))
}

// answer reads one.
func (c *conn) answer(method string, keep bool) ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		c.close()
		return nil, fmt.Errorf("status line %q: %w", line, err)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		c.close()
		return nil, err
	}
	length, chunked, last := int64(0), false, false
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			c.close()
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case is(name, "content-length"):
			length, err = strconv.ParseInt(string(value), 10, 64)
		case is(name, "transfer-encoding"):
			chunked = is(value, "chunked")
		case is(name, "connection"):
			last = is(value, "close")
		case method == http.MethodPut && is(name, "etag"):
			c.etag = string(value)
		}
		if err != nil {
			c.close()
			return nil, err
		}
	}
	if last {
		defer c.close()
	}
	failed := status/100 != 2
	if method == http.MethodHead || status == http.StatusNoContent {
		length, chunked = 0, false
	}
	body, err := c.body(length, chunked, keep || failed)
	if err != nil {
		c.close()
		return nil, err
	}
	if failed {
		return nil, fmt.Errorf("status %d: %.400s", status, body)
	}
	return body, nil
}

func is(b []byte, lower string) bool {
	return len(b) == len(lower) && strings.EqualFold(string(b), lower)
}

func (c *conn) body(length int64, chunked, keep bool) (body []byte, err error) {
	r := io.LimitReader(c.r, length)
	if chunked {
		r = httputil.NewChunkedReader(c.r)
	}
	switch {
	case keep:
		body, err = io.ReadAll(r)
	case chunked:
		_, err = io.Copy(io.Discard, r)
	default:
		_, err = c.r.Discard(int(length))
	}
	if err == nil && chunked {
		_, err = c.r.ReadSlice('\n') // after the last chunk; no server here sends trailers
	}
	return body, err
}
