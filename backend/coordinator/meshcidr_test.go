package coordinator

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

// between is a connection that says where it is from and where it came.
type between struct {
	net.Conn
	from, at net.Addr
}

func (c between) RemoteAddr() net.Addr { return c.from }
func (c between) LocalAddr() net.Addr  { return c.at }

func tcp(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

// SPEC B2: who is let in, by address.
func TestAdmits(t *testing.T) {
	l := newMeshListener(nil, []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("fe80::/64")}, nil)
	for address, want := range map[string]bool{
		"100.64.0.1:5": true, "100.128.0.1:5": false, "10.0.0.1:5": false, "127.0.0.1:5": true, "127.9.9.9:5": true, "[::1]:5": true,
		"[::ffff:100.64.0.1]:5": true, "[::ffff:10.0.0.1]:5": false, "[::ffff:127.0.0.1]:5": true, "[fd12::1]:5": true,
		"[fe80::1%eth0]:5": true, "[fe80:0:0:1::1%eth0]:5": false, "[2001:db8::1]:5": false, "0.0.0.0:5": false,
		"10.0.0.7:5": true, // itself
	} {
		if got := l.admits(between{from: tcp(address), at: tcp("10.0.0.7:8080")}); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	l.setMesh(nil)
	if !l.admits(between{from: tcp("8.8.8.8:5"), at: tcp("10.0.0.7:8080")}) {
		t.Error("without mesh_cidr somebody is refused")
	}
}

// SPEC B2: what is refused is closed unread, counted, and logged once however often it comes.
func TestRefuses(t *testing.T) {
	bound, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	l := newMeshListener(&elsewhere{Listener: bound, from: "10.0.0.9:1"}, []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10")}, slog.New(slog.NewTextHandler(&log, nil)))
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept() // returns when the listener is closed: nobody is let in
		ended <- err
	}()
	for range 20 {
		c, err := net.Dial("tcp", bound.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
			t.Errorf("a refused connection reads %d, %v", n, err)
		}
		_ = c.Close()
	}
	_ = bound.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
	if n := l.refused.Load(); n != 20 {
		t.Errorf("counted %d", n)
	}
	if lines := strings.Count(log.String(), "\n"); lines < 1 || lines >= 20 || !strings.Contains(log.String(), "from=10.0.0.9:1") {
		t.Errorf("logged %d lines: %s", lines, log.String())
	}
}

// elsewhere has every connection come from another address.
type elsewhere struct {
	net.Listener
	from string
}

func (e *elsewhere) Accept() (net.Conn, error) {
	c, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return between{c, tcp(e.from), c.LocalAddr()}, nil
}
