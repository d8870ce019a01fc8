//go:build linux

package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// How a store in another place looks from here.
const (
	latency   = 30 * time.Millisecond // before each request
	bandwidth = 60_000_000            // bytes a second of one request, either way
	stride    = 128 << 10             // bytes between two looks at the clock
)

// distance stands before a store on loopback and makes it a distant one: each request
// waits for latency and has bandwidth of its own. Host and headers stay, so that
// signatures hold.
type distance struct {
	address  string
	server   *http.Server
	requests atomic.Int64
	fetched  atomic.Int64 // bytes of answers' bodies
}

func startDistance(store string) (*distance, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &distance{address: l.Addr().String()}
	quiet := log.New(io.Discard, "", 0) // clients that are unmounted leave their requests
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: store})
			r.Out.Host = r.In.Host
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, ReadBufferSize: stride, WriteBufferSize: stride},
		FlushInterval: -1,
		BufferPool:    &strides{},
		ErrorLog:      quiet,
		ModifyResponse: func(r *http.Response) error {
			r.Body = &paced{ReadCloser: r.Body, total: &d.fetched}
			return nil
		},
	}
	d.server = &http.Server{ErrorLog: quiet, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.requests.Add(1)
		time.Sleep(latency)
		if r.ContentLength != 0 {
			r.Body = &paced{ReadCloser: r.Body}
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = d.server.Serve(l) }()
	return d, nil
}

func (d *distance) stop() { _ = d.server.Close() }

// strides are the proxy's buffers.
type strides struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (s *strides) Get() []byte {
	if b, ok := s.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, stride)
}

// Put implements httputil.BufferPool.
func (s *strides) Put(b []byte) { s.pool.Put(&b) }

// paced is a body that comes no faster than bandwidth.
type paced struct {
	io.ReadCloser
	began time.Time
	n     int64
	total *atomic.Int64 // where not nil, counts
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	if p.began.IsZero() {
		p.began = time.Now()
	}
	n, err := p.ReadCloser.Read(b)
	p.n += int64(n)
	if p.total != nil {
		p.total.Add(int64(n))
	}
	due := time.Duration(float64(p.n) / bandwidth * float64(time.Second))
	if ahead := due - time.Since(p.began); ahead > time.Millisecond {
		time.Sleep(ahead)
	}
	return n, err
}
