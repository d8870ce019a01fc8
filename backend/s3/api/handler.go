package api

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// What the server of this package is asked for by others, under one import.
type (
	Identity   = authn.Identity
	Scope      = authn.Scope
	Grant      = authn.Grant
	Identities = authn.Identities
	Rotating   = authn.Rotating
)

// The roles that tests of the API give.
const (
	RoleAdmin       = authn.RoleAdmin
	RoleSystem      = authn.RoleSystem
	RoleBucketAdmin = authn.RoleBucketAdmin
)

// ErrUnknown is what Identities return for a key or token that nobody has.
var ErrUnknown = authn.ErrUnknown

// Config says what is served, and to whom.
type Config struct {
	Store      *store.Store
	Identities Identities
	Buckets    Buckets // nil: Store
	BasePath   string  // "/s3"; empty: the root
	// Hosts are names of the service under which buckets have names of their own:
	// bucket.HOST is the bucket, whatever the port. Paths keep BasePath.
	Hosts []string
	// HostID tells the servers of one service apart, in answers (X-Amz-Id-2); empty: it is not said.
	HostID string
	Region string           // that GetBucketLocation answers; empty: us-east-1. Every region is accepted in signatures.
	Log    *slog.Logger     // one line a request, never a query or a secret; nil: none
	Clock  func() time.Time // nil: time.Now
	// Stall is how long a client may neither send nor take a byte; 0: a minute.
	Stall time.Duration
	// Audit is told each decision about who may do what (SPEC C21), Observe each request
	// that was answered (SPEC C20). Both must return at once; nil: nobody is told.
	Audit   func(Decision)
	Observe func(Request)
}

// Buckets makes and deletes buckets, and deletes objects; *store.Store does, and who keeps
// records of buckets, or what is deleted.
type Buckets interface {
	CreateBucket(ctx context.Context, name string, o store.CreateBucketOptions) error
	DeleteBucket(ctx context.Context, name string) error
	DeleteIf(ctx context.Context, bucket, key string, c store.Condition) error
}

// Decision is one answer to the question whether somebody may do something.
type Decision struct {
	RequestID   string
	Identity    string // of the peer or workspace; empty: not known
	AccessKeyID string // that the request claims; masked where nobody has it
	Action      string // an authz.Action, or Authenticate
	Bucket, Key string
	Allowed     bool
	Reason      string // S3's code of the refusal
	Remote      string // address of the client
}

// Request is one that was answered.
type Request struct {
	Method         string
	Status         int
	Received, Sent int64 // bytes of bodies
	Took           time.Duration
}

type handler struct {
	store   *store.Store
	buckets Buckets
	auth    authn.Authenticator
	base    string
	hostID  string
	hosts   []string // each with a dot before it, lower-case
	region  string
	log     *slog.Logger
	stall   time.Duration
	audit   func(Decision)
	observe func(Request)
}

// New makes the handler. It must see paths as they came: http.ServeMux cleans "//" and
// ".." out of keys, so route to it before any mux.
func New(c Config) http.Handler {
	h := &handler{
		store: c.Store, buckets: c.Buckets, base: strings.TrimSuffix(c.BasePath, "/"), region: c.Region, log: c.Log, stall: c.Stall, hostID: c.HostID,
		audit: c.Audit, observe: c.Observe,
		auth: authn.Authenticator{Identities: c.Identities, BasePath: strings.TrimSuffix(c.BasePath, "/"), Now: c.Clock},
	}
	if h.auth.Now == nil {
		h.auth.Now = time.Now
	}
	if h.buckets == nil {
		h.buckets = c.Store
	}
	if h.stall == 0 {
		h.stall = stallAfter
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.region == "" {
		h.region = defaultRegion
	}
	for _, host := range c.Hosts {
		h.hosts = append(h.hosts, "."+strings.ToLower(strings.Trim(host, ".")))
	}
	return h
}

// defaultRegion is the one whose name S3 leaves out of GetBucketLocation.
const defaultRegion = "us-east-1"

// request is one call in progress.
type request struct {
	*handler
	w        *recorder
	recorder recorder
	r        *http.Request
	id       string // of the request, for the log and the answer
	patience patience
	query    url.Values
	who      Identity
	body     *authn.Body
	bucket   string
	key      string
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	continueEmpty(w, r)
	q := &request{handler: h, recorder: recorder{ResponseWriter: w}, r: r, id: RequestID(), patience: patience{w: w, after: h.stall}}
	q.w = &q.recorder
	if r.ContentLength != 0 {
		q.patience.reading()
	}
	header := w.Header()
	header.Set(RequestIDHeader, q.id)
	if h.hostID != "" {
		header.Set("X-Amz-Id-2", h.hostID)
	}
	header.Set("Server", "artifacts")
	err := q.serve()
	if err != nil {
		q.fail(err)
	}
	if h.observe != nil {
		h.observe(Request{Method: r.Method, Status: q.w.status, Received: max(r.ContentLength, 0), Sent: q.w.bytes, Took: time.Since(start)})
	}
	if !h.log.Enabled(r.Context(), slog.LevelDebug) {
		return
	}
	h.log.Debug("s3", "request", q.id, "method", r.Method, "path", r.URL.EscapedPath(), "status", q.w.status,
		"bytes", q.w.bytes, "key", q.who.AccessKeyID, "took", time.Since(start))
}

// continueEmpty answers an Expect: 100-continue for an empty body. net/http does so when
// the body is first read, which an empty one never is, and botocore takes a final answer
// without a 100 before it for the answer to its next request on the connection too.
func continueEmpty(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 && r.ProtoAtLeast(1, 1) && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		w.WriteHeader(http.StatusContinue)
	}
}

// RequestIDHeader tells the client the RequestID that logs have of its request.
const RequestIDHeader = "X-Amz-Request-Id"

// RequestID is for finding a request in a log: it need not be hard to guess.
func RequestID() string {
	const digits = "0123456789ABCDEF"
	var p [16]byte
	for i, n := 0, rand.Uint64(); i < len(p); i, n = i+1, n>>4 {
		p[i] = digits[n&15]
	}
	return string(p[:])
}

func (q *request) serve() error {
	path, ok := strings.CutPrefix(q.r.URL.EscapedPath(), q.base)
	if !ok || (path != "" && path[0] != '/') {
		return fail(http.StatusNotFound, "InvalidURI", "The store is at %s.", q.base)
	}
	if err := checkHeaders(q.r.Header); err != nil {
		return err
	}
	var query url.Values
	var err error
	if q.r.URL.RawQuery != "" {
		if query, err = url.ParseQuery(q.r.URL.RawQuery); err != nil {
			return fail(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
		}
	}
	q.query = query
	if q.who, q.body, err = q.auth.Authenticate(q.r, query); err != nil {
		q.record("Authenticate", "", "", err)
		return err
	}
	if err := q.name(strings.TrimPrefix(path, "/")); err != nil {
		return err
	}
	op, err := q.route()
	if err != nil {
		return err
	}
	if err := q.expectedOwner("X-Amz-Expected-Bucket-Owner", q.bucket); err != nil {
		return err
	}
	return op(q)
}

// name splits bucket and key before it decodes them: an escaped slash belongs to a name.
func (q *request) name(path string) error {
	bucket, key := q.virtualBucket(q.r.Host), path
	if bucket == "" {
		bucket, key, _ = strings.Cut(path, "/")
	}
	var err1, err2 error
	q.bucket, err1 = url.PathUnescape(bucket)
	q.key, err2 = url.PathUnescape(key)
	switch {
	case err1 != nil, err2 != nil, !utf8.ValidString(q.bucket), !utf8.ValidString(q.key):
		return fail(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	case q.bucket == "" && q.key != "":
		return fail(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	case len(q.key) > store.MaxKey:
		return fail(http.StatusBadRequest, "KeyTooLongError", "Your key is too long: %d bytes, and at most %d are allowed.", len(q.key), store.MaxKey)
	}
	return nil
}

// virtualBucket is the bucket that a Host header names, empty where it names none:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html.
func (h *handler) virtualBucket(host string) string {
	if len(h.hosts) == 0 {
		return ""
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, suffix := range h.hosts {
		if bucket, ok := strings.CutSuffix(host, suffix); ok {
			return bucket
		}
	}
	return ""
}

// Limits of a request's headers. S3's own, 8 KB, leaves tag sets in other scripts than
// Latin no room.
const (
	headersMax     = 200
	headerBytesMax = 32 << 10
)

func checkHeaders(h http.Header) error {
	n, size := 0, 0
	for name, values := range h {
		for _, v := range values {
			n++
			size += len(name) + len(v)
		}
	}
	if n > headersMax || size > headerBytesMax {
		return fail(http.StatusBadRequest, "RequestHeaderSectionTooLarge", "Your request header section exceeds the maximum allowed size: %d bytes in %d headers.",
			headerBytesMax, headersMax)
	}
	return nil
}

// allow refuses what the identity may not do.
func (q *request) allow(a authz.Action, bucket, key string) error {
	var err error
	if !authz.Allowed(q.who, a, bucket, key) {
		err = fail(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	q.record(a.String(), bucket, key, err)
	return err
}

// still refuses what was allowed when the request began and is not any more: a peer that is
// removed, or whose token ends, while it sends a body does nothing with it (SPEC B8). Every
// operation that reads a body asks once it has read it.
func (q *request) still(a authz.Action) error {
	id, err := q.auth.Still(q.r.Context(), q.who)
	switch {
	case errors.Is(err, ErrUnknown):
		err = fail(http.StatusForbidden, "InvalidAccessKeyId", "The access key ID you provided does not exist in our records any more, or its secret was replaced.")
	case err == nil:
		q.who = id
		if !authz.Allowed(id, a, q.bucket, q.key) {
			err = fail(http.StatusForbidden, "AccessDenied", "Access Denied")
		}
	}
	if err != nil {
		q.record(a.String(), q.bucket, q.key, err)
	}
	return err
}

// record tells the audit log of a decision.
func (q *request) record(action, bucket, key string, refusal error) {
	if q.audit == nil {
		return
	}
	d := Decision{
		RequestID: q.id, Identity: q.who.ID, AccessKeyID: q.who.AccessKeyID, Action: action, Bucket: bucket, Key: key,
		Allowed: refusal == nil, Remote: q.r.RemoteAddr,
	}
	if refusal != nil {
		d.Reason = "InternalError"
		if e, _ := answer(refusal); e != nil {
			d.Reason = e.Code
		}
	}
	if d.AccessKeyID == "" {
		d.AccessKeyID = q.claimed()
	}
	q.audit(d)
}

// claimed is the access key that a request that was not believed says it is signed with. One
// that nobody has may be a secret in the wrong place: it is masked, as the keyring masks.
func (q *request) claimed() string {
	key := authn.Claimed(q.r)
	if _, _, err := q.auth.Identities.AccessKey(q.r.Context(), key); err == nil || key == "" {
		return key
	}
	if len(key) < 16 {
		return "***"
	}
	return key[:4] + "***" + key[len(key)-4:]
}

// recorder counts the answer for the log and lets net/http's ReadFrom (sendfile) through.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
