package s3test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
)

// The peer that every server knows.
const (
	AccessKey = "s3test-peer"
	Secret    = "s3test-mesh-token-0123456789abcdef" //nolint:gosec // of a server that lives as long as a test
	basePath  = "/s3"
)

// Option changes how a server starts.
type Option func(*settings)

type settings struct {
	dir     string
	maxSize int64
	clock   func() time.Time
	stall   time.Duration
	log     *slog.Logger
	hosts   []string
	region  string
	audit   func(api.Decision)
}

// WithAudit is told each decision.
func WithAudit(f func(api.Decision)) Option { return func(s *settings) { s.audit = f } }

// WithDir keeps the data in dir, so that a second server can go on with it.
func WithDir(dir string) Option { return func(s *settings) { s.dir = dir } }

// WithMaxSize bounds the bytes of all buckets.
func WithMaxSize(bytes int64) Option { return func(s *settings) { s.maxSize = bytes } }

// WithClock sets the server's clock.
func WithClock(now func() time.Time) Option { return func(s *settings) { s.clock = now } }

// WithStall sets how long a client may neither send nor take a byte.
func WithStall(d time.Duration) Option { return func(s *settings) { s.stall = d } }

// WithLog gives store and API a log.
func WithLog(l *slog.Logger) Option { return func(s *settings) { s.log = l } }

// WithHosts names the service, so that bucket.NAME is a bucket.
func WithHosts(names ...string) Option { return func(s *settings) { s.hosts = names } }

// WithRegion puts the service elsewhere than in us-east-1.
func WithRegion(name string) Option { return func(s *settings) { s.region = name } }

// Request is one line of the log. Faulted requests are in it too.
type Request struct {
	Method    string
	Path      string // decoded, with /s3
	Query     string // raw; of a presigned URL it holds the signature
	AccessKey string // as the request claims it; empty: none
	Header    http.Header
	At        time.Time
}

// Server is a running store. Its methods are safe for use by many goroutines.
type Server struct {
	AccessKey string
	Secret    string
	Store     *store.Store

	http       *httptest.Server
	handler    http.Handler
	identities *Identities

	mu       sync.Mutex
	requests []Request
	delay    time.Duration
	failing  func(*http.Request) int
	down     bool
}

// Start runs a server on 127.0.0.1 until the test ends.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	set := settings{}
	for _, o := range options {
		o(&set)
	}
	if set.dir == "" {
		set.dir = filepath.Join(t.TempDir(), "store")
	}
	st, err := local.Open(local.Options{Dir: set.dir, MaxSize: set.maxSize, Log: set.log})
	if err != nil {
		t.Fatalf("s3test: %v", err)
	}
	s := &Server{AccessKey: AccessKey, Secret: Secret, Store: st, identities: NewIdentities()}
	s.identities.Add(api.Identity{ID: AccessKey, Grants: member}, AccessKey, Secret)
	s.handler = api.New(api.Config{
		Store: st, Identities: s.identities, BasePath: basePath, Hosts: set.hosts, Region: set.region, Clock: set.clock, Stall: set.stall, Log: set.log,
		Audit: set.audit,
	})
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.Up()
		s.http.CloseClientConnections()
		s.http.Close()
		if err := st.Close(); err != nil {
			t.Errorf("s3test: close the store: %v", err)
		}
	})
	return s
}

// Endpoint is the service's URL, with /s3.
func (s *Server) Endpoint() string { return s.http.URL + basePath }

// CreateBucket makes a bucket that AccessKey owns.
func (s *Server) CreateBucket(t testing.TB, name string) {
	t.Helper()
	if err := s.Store.CreateBucket(context.Background(), name, store.CreateBucketOptions{Owner: s.AccessKey}); err != nil {
		t.Fatalf("s3test: create bucket %s: %v", name, err)
	}
}

// AddScoped makes a pair that opens a prefix of a bucket.
func (s *Server) AddScoped(bucket, prefix string, readOnly bool) (accessKey, secret string) {
	return s.identities.AddScoped(bucket, prefix, readOnly)
}

// member is what a peer may do unless it is said: everything with every bucket that is
// not reserved.
var member = []api.Grant{{Role: api.RoleBucketAdmin, Bucket: "*"}}

// AddPeer makes another peer, with these grants or, where there are none, those of AccessKey.
func (s *Server) AddPeer(id string, grants ...api.Grant) (accessKey, secret string) {
	if len(grants) == 0 {
		grants = member
	}
	secret = fmt.Sprintf("token-of-%s-0123456789abcdef", id)
	s.identities.Add(api.Identity{ID: id, Grants: grants}, id, secret)
	return id, secret
}

// Rotate gives an access key another secret; the old one stays valid beside it.
func (s *Server) Rotate(accessKey, secret string) { s.identities.Rotate(accessKey, secret) }

// Revoke ends an access key at once.
func (s *Server) Revoke(accessKey string) { s.identities.Remove(accessKey) }

// Requests is the log so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Forget empties the log.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// SetDelay makes every request wait before it is served.
func (s *Server) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// SetFailing answers a request with the status that status returns, unless that is 0. The
// body is not read. nil ends it.
func (s *Server) SetFailing(status func(*http.Request) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = status
}

// Down closes connections, those in use and those to come, as a dead server's.
func (s *Server) Down() {
	s.mu.Lock()
	s.down = true
	s.mu.Unlock()
	s.http.CloseClientConnections()
}

// Up ends Down.
func (s *Server) Up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, AccessKey: authn.Claimed(r), Header: r.Header.Clone(), At: time.Now(),
	})
	delay, failing, down := s.delay, s.failing, s.down
	s.mu.Unlock()
	if down {
		panic(http.ErrAbortHandler)
	}
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			return
		}
	}
	if failing != nil {
		if status := failing(r); status != 0 {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>injected</Message></Error>", codeOf(status))
			return
		}
	}
	s.handler.ServeHTTP(w, r)
}

// codeOf is an S3 code that goes with a status.
func codeOf(status int) string {
	switch status {
	case http.StatusForbidden:
		return "AccessDenied"
	case http.StatusNotFound:
		return "NoSuchKey"
	case http.StatusPreconditionFailed:
		return "PreconditionFailed"
	case http.StatusServiceUnavailable:
		return "SlowDown"
	}
	return "InternalError"
}
