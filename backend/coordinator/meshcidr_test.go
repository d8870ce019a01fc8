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

// from is a connection that says where it is from.
type from struct {
	net.Conn
	address net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.address }

// SPEC B2: who is let in, by address.
func TestAdmits(t *testing.T) {
	tcp := func(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }
	l := newMeshListener(nil, []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("fe80::/64")}, nil)
	for address, want := range map[string]bool{
		"100.64.0.1:5": true, "100.128.0.1:5": false, "10.0.0.1:5": false, "127.0.0.1:5": true, "127.9.9.9:5": true, "[::1]:5": true,
		"[::ffff:100.64.0.1]:5": true, "[::ffff:10.0.0.1]:5": false, "[::ffff:127.0.0.1]:5": true, "[fd12::1]:5": true,
		"[fe80::1%eth0]:5": true, "[fe80:0:0:1::1%eth0]:5": false, "[2001:db8::1]:5": false, "0.0.0.0:5": false,
	} {
		if got := l.admits(tcp(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	l.setMesh(nil)
	if !l.admits(tcp("8.8.8.8:5")) {
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
	return from{c, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(e.from))}, nil
}
