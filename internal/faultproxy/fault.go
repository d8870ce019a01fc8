package faultproxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Fault is one way to fail.
type Fault string

// The faults. Those that answer in the store's stead do not forward the request; those that
// spoil an answer do, so that a change was made although its answer is lost.
const (
	Pass          Fault = "pass"
	Refuse        Fault = "refuse"         // nobody listens: ECONNREFUSED
	BlackHole     Fault = "black hole"     // connections are accepted, no byte ever comes back
	SlowDown      Fault = "slow down"      // 503 SlowDown
	Broken        Fault = "broken"         // 500 InternalError
	ResetRequest  Fault = "reset request"  // RST after half of the request's body
	ResetResponse Fault = "reset response" // RST after half of the answer
	Truncate      Fault = "truncate"       // the connection ends after half of the answer
	Shorten       Fault = "shorten"        // half of the answer's body, with a length to match
	HalfHeaders   Fault = "half headers"   // the connection ends inside the answer's headers
	Half404       Fault = "half 404"       // 404 NoSuchKey, and half of its body
	Slow          Fault = "slow"           // each answer late and in pieces
	Revoked       Fault = "revoked"        // 403 InvalidAccessKeyId
	QuotaFull     Fault = "quota full"     // uploads: 403 QuotaExceeded
	NoBucket      Fault = "no bucket"      // 404 NoSuchBucket
	EmptyList     Fault = "empty list"     // listings: 200 and not a byte
	Portal        Fault = "portal"         // 200 and a page of HTML, as a captive portal answers
)

// answers are those given in the store's stead.
var answers = map[Fault]struct {
	status        int
	code, message string
}{
	SlowDown:  {503, "SlowDown", "Please reduce your request rate."},
	Broken:    {500, "InternalError", "We encountered an internal error. Please try again."},
	Revoked:   {403, "InvalidAccessKeyId", "The access key does not exist."},
	QuotaFull: {403, "QuotaExceeded", "The quota is used up."},
	NoBucket:  {404, "NoSuchBucket", "The specified bucket does not exist."},
}

// Of Slow.
const (
	slowStart = 200 * time.Millisecond
	slowPiece = 16 << 10 // bytes
	slowPause = 5 * time.Millisecond
)

// concerns reports whether f is one that r can meet.
func (f Fault) concerns(r *http.Request) bool {
	switch f {
	case QuotaFull:
		return r.Method == http.MethodPut || r.Method == http.MethodPost
	case Half404:
		return r.Method != http.MethodHead // its answer has no body: half of it is all of it
	case EmptyList:
		return r.Method == http.MethodGet && r.URL.Query().Has("list-type")
	}
	return true
}

func errorBody(code, message string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message><RequestId>0</RequestId></Error>", code, message)
}

// answer is a whole answer of ours. The request's body is read before, or the client might
// see its connection reset and not the answer.
func answer(w http.ResponseWriter, r *http.Request, status int, kind, body string) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body)
	}
}

// cut sends text in place of an answer and ends the connection, with RST where reset is set.
func cut(w http.ResponseWriter, text string, reset bool) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	_, _ = buffered.WriteString(text)
	_ = buffered.Flush()
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
}

// spoil sends a part of the store's answer.
func (f Fault) spoil(w http.ResponseWriter, res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	half := body[:len(body)/2]
	if f == Shorten {
		header := w.Header()
		for k, v := range res.Header {
			header[k] = v
		}
		header.Set("Content-Length", fmt.Sprint(len(half)))
		w.WriteHeader(res.StatusCode)
		_, err := w.Write(half)
		return err
	}
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %s\r\n", res.Status)
	header := res.Header.Clone()
	header.Set("Content-Length", fmt.Sprint(len(body)))
	_ = header.Write(&head)
	text := head.String() + "\r\n" + string(half)
	if f == HalfHeaders || len(body) == 0 {
		text = head.String()[:head.Len()/2]
	}
	cut(w, text, f == ResetResponse)
	return nil
}

// slowly sends the store's answer late and in pieces.
func slowly(w http.ResponseWriter, res *http.Response) error {
	time.Sleep(slowStart)
	header := w.Header()
	for k, v := range res.Header {
		header[k] = v
	}
	w.WriteHeader(res.StatusCode)
	piece := make([]byte, slowPiece)
	for {
		n, err := res.Body.Read(piece)
		if _, werr := w.Write(piece[:n]); werr != nil {
			return werr
		}
		_ = http.NewResponseController(w).Flush()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		time.Sleep(slowPause)
	}
}
