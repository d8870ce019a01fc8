package faultproxy

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Proxy passes requests on to a store, Host and headers unchanged so that signatures hold.
// Its methods are safe for concurrent use.
type Proxy struct {
	t        testing.TB
	target   *url.URL
	upstream *http.Transport
	address  string

	mu       sync.Mutex
	fault    Fault
	mix      *mix          // nil: fault alone
	changed  chan struct{} // closed when the fault changes
	server   *http.Server  // nil while refusing
	requests int
	met      map[Fault]int
}

type mix struct {
	random *rand.Rand
	share  float64
	faults []Fault
}

// Start runs a proxy of endpoint (a URL; its path stays) on a free port until the test ends.
func Start(t testing.TB, endpoint string) *Proxy {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal("faultproxy:", err)
	}
	p := &Proxy{
		t: t, target: target, fault: Pass, changed: make(chan struct{}), met: map[Fault]int{},
		upstream: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
	}
	// A socket that is bound and never listens keeps the port while nobody listens on it.
	syscall.ForkLock.RLock()
	holder, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(holder)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = unix.SetsockoptInt(holder, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	if err == nil {
		err = unix.Bind(holder, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		t.Fatal("faultproxy:", err)
	}
	name, err := unix.Getsockname(holder)
	if err != nil {
		t.Fatal("faultproxy:", err)
	}
	bound := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}
	p.address = bound.String()
	p.mu.Lock()
	p.listen()
	p.mu.Unlock()
	t.Cleanup(func() {
		p.Set(Refuse)
		p.upstream.CloseIdleConnections()
		_ = unix.Close(holder)
	})
	return p
}

// Endpoint is the store's URL through the proxy.
func (p *Proxy) Endpoint() string {
	u := *p.target
	u.Host = p.address
	return u.String()
}

// Set makes requests fail by f from now on. Whoever is in a black hole is reset when it
// ends, as by a firewall that knows nothing of old connections.
func (p *Proxy) Set(f Fault) { p.become(f, nil) }

// Mix makes a share of the requests (0 to 1) fail, each by one of faults, drawn by seed.
func (p *Proxy) Mix(seed uint64, share float64, faults ...Fault) {
	p.become(Pass, &mix{random: rand.New(rand.NewPCG(seed, seed)), share: share, faults: faults})
}

func (p *Proxy) become(f Fault, m *mix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.mix = f, m
	close(p.changed)
	p.changed = make(chan struct{})
	switch {
	case f == Refuse && p.server != nil:
		_ = p.server.Close()
		p.server = nil
	case f != Refuse && p.server == nil:
		p.listen()
	}
}

// Requests is how many came so far, and Met how many of them met f.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// Met is how many requests met f so far.
func (p *Proxy) Met(f Fault) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.met[f]
}

// listen serves on the port that was found. p.mu is held.
func (p *Proxy) listen() {
	reuse := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		cerr := raw.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if err == nil {
			err = cerr
		}
		return err
	}}
	l, err := reuse.Listen(context.Background(), "tcp4", p.address)
	if err != nil {
		p.t.Error("faultproxy:", err)
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(p.serve)} //nolint:gosec // loopback, in tests
	p.server = server
	go func() { _ = server.Serve(l) }()
}

// next is the fault that r meets, and when that changes.
func (p *Proxy) next(r *http.Request) (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	f := p.fault
	if m := p.mix; m != nil && m.random.Float64() < m.share {
		f = m.faults[m.random.IntN(len(m.faults))]
	}
	if !f.concerns(r) {
		f = Pass
	}
	p.met[f]++
	return f, p.changed
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	f, changed := p.next(r)
	switch f {
	case BlackHole:
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		cut(w, "", true)
	case ResetRequest, Refuse: // the latter in a mix, where the port stays open
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		cut(w, "", true)
	case SlowDown, Broken, Revoked, QuotaFull, NoBucket:
		a := answers[f]
		answer(w, r, a.status, "application/xml", errorBody(a.code, a.message))
	case Half404:
		_, _ = io.Copy(io.Discard, r.Body)
		body := errorBody("NoSuchKey", "The specified key does not exist.")
		cut(w, "HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\nContent-Length: 1000\r\n\r\n"+body[:len(body)/2], false)
	case EmptyList:
		answer(w, r, 200, "application/xml", "")
	case Portal:
		answer(w, r, 200, "text/html", "<html><head><title>Welcome</title></head><body><p>Please sign in.</p></body></html>")
	default:
		p.forward(w, r, f)
	}
}

// forward asks the store and passes the answer on, as f has it.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, f Fault) {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = p.target.Scheme, p.target.Host
	if r.ContentLength == 0 {
		out.Body = nil
	}
	res, err := p.upstream.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	switch f {
	case ResetResponse, Truncate, Shorten, HalfHeaders:
		err = f.spoil(w, res)
	case Slow:
		err = slowly(w, res)
	default:
		header := w.Header()
		for k, v := range res.Header {
			if !strings.EqualFold(k, "Connection") {
				header[k] = v
			}
		}
		w.WriteHeader(res.StatusCode)
		if res.ContentLength < 0 { // a stream, maybe: what came goes on
			_, err = io.Copy(flushed{w}, res.Body)
		} else {
			_, err = io.Copy(w, res.Body)
		}
	}
	if err != nil {
		panic(http.ErrAbortHandler) // cut off, as the store's answer was
	}
}

// flushed passes each piece on at once.
type flushed struct{ http.ResponseWriter }

// Write implements io.Writer.
func (w flushed) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	if err == nil {
		err = http.NewResponseController(w.ResponseWriter).Flush()
	}
	return n, err
}
