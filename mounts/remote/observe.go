package remote

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// observer tells health what is sent and heard, and ends requests with the client's life.
type observer struct {
	next   http.RoundTripper
	health *health
	life   context.Context
	up     *throttle
	skew   *skew

	traffic *traffic
	signed  *signed
}

// RoundTrip implements http.RoundTripper.
func (o *observer) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(o.life, cancel)
	by := o.signed.keys.signatureOf(req)
	ctx = context.WithValue(ctx, sentAs{}, by)
	o.signed.add(by, 1)
	end := sync.OnceFunc(func() { stop(); cancel(); o.signed.add(by, -1) })

	x := o.health.begin(&exchange{})
	req = req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = &sentBody{ReadCloser: &trickling{req.Body, ctx, o.up, &o.traffic.sent}, health: o.health, x: x}
	}
	res, err := o.next.RoundTrip(req)
	o.health.end(x, err == nil)
	o.traffic.count(req, res)
	if err != nil {
		end()
		return nil, err
	}
	o.skew.hear(res.Header.Get("Date"))
	res.Body = &heardBody{ReadCloser: res.Body, health: o.health, end: end}
	return res, nil
}

// CloseIdleConnections is what http.Client asks of a transport.
func (o *observer) CloseIdleConnections() {
	if t, ok := o.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// sentBody notes that the connection takes bytes, and that while it has none to take the
// store is not to blame.
type sentBody struct {
	io.ReadCloser
	health *health
	x      *exchange
}

// Read implements io.Reader.
func (b *sentBody) Read(p []byte) (int, error) {
	b.health.pause(b.x)
	defer b.health.resume(b.x)
	return b.ReadCloser.Read(p)
}

// heardBody counts as waiting while somebody reads and no byte comes.
type heardBody struct {
	io.ReadCloser
	health *health
	x      exchange
	end    func()
}

// Read implements io.Reader.
func (b *heardBody) Read(p []byte) (int, error) {
	b.health.begin(&b.x)
	n, err := b.ReadCloser.Read(p)
	b.health.end(&b.x, n > 0)
	return n, err
}

// Close implements io.Closer.
func (b *heardBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

// skew is how far the store's clock is ahead of this machine's, in nanoseconds, as its
// answers tell. What a clock that agrees within skewLeast says is taken as it is.
type skew struct{ by atomic.Int64 }

// skewLeast covers the second that a Date is cut to, and the way of the answer.
const skewLeast = 2 * time.Second

func (s *skew) hear(date string) {
	t, err := http.ParseTime(date)
	if err != nil {
		return
	}
	by := time.Until(t)
	if by.Abs() <= skewLeast {
		by = 0
	}
	s.by.Store(int64(by))
}

// local is a time of the store by this machine's clock.
func (s *skew) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-time.Duration(s.by.Load()))
}
