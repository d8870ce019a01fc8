package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// dial opens a connection that the test speaks HTTP on by hand.
func dial(t *testing.T, srv *s3test.Server) net.Conn {
	t.Helper()
	u, err := url.Parse(srv.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func putHead(srv *s3test.Server, size int) string {
	return fmt.Sprintf("PUT /s3/bkt/k HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", srv.Secret, size)
}

// A client that sends nothing any more is given up, and leaves nothing; one that is only slow,
// for longer than that, is not.
func TestStalledUpload(t *testing.T) {
	const stall = 400 * time.Millisecond
	srv := s3test.Start(t, s3test.WithStall(stall))
	srv.CreateBucket(t, "bkt")
	dead := dial(t, srv)
	if _, err := io.WriteString(dead, putHead(srv, 100)+"ten bytes."); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	answer, _ := io.ReadAll(dead)
	if took := time.Since(begun); took < stall/2 {
		t.Errorf("given up after %v", took)
	}
	if bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
		t.Errorf("an upload that stopped was taken: %s", answer)
	}
	if _, err := srv.Store.Head(ctx, "bkt", "k"); err == nil {
		t.Error("half an upload is an object")
	}

	slow := dial(t, srv)
	if _, err := io.WriteString(slow, putHead(srv, 30)); err != nil {
		t.Fatal(err)
	}
	for range 30 { // 1.5 s in all
		time.Sleep(stall / 8)
		if _, err := slow.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
}

// The same for a client that takes nothing of its answer; the connection of one that does
// serves the next request.
func TestStalledDownload(t *testing.T) {
	const stall, size = 400 * time.Millisecond, 64 << 20
	srv := s3test.Start(t, s3test.WithStall(stall))
	srv.CreateBucket(t, "bkt")
	if _, err := srv.Store.Put(ctx, "bkt", "k", io.LimitReader(zeros{}, size), store.PutOptions{Size: size}); err != nil {
		t.Fatal(err)
	}
	get := fmt.Sprintf("GET /s3/bkt/k HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n\r\n", srv.Secret)
	dead := dial(t, srv)
	if _, err := io.WriteString(dead, get); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * stall) // the client's own pause: it is what is tested
	if n, err := io.Copy(io.Discard, dead); n >= size || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%d bytes came, %v", n, err)
	}

	slow := dial(t, srv)
	in := bufio.NewReaderSize(slow, 64<<10)
	for range 2 {
		if _, err := io.WriteString(slow, get); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 8 { // 0.8 s
			if _, err := io.CopyN(io.Discard, resp.Body, size/8); err != nil {
				t.Fatal(err)
			}
			time.Sleep(stall / 4)
		}
		_ = resp.Body.Close()
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
