package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authz"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Of the change stream.
const (
	eventHeartbeat = 5 * time.Second        // without an event; proxies give up silent answers after some 30 s
	eventRecheck   = 500 * time.Millisecond // who may still listen
	eventGather    = 5 * time.Millisecond   // changes that come together are one write
	eventStall     = 15 * time.Second       // a client takes no byte for so long: it is gone
	eventPage      = 512                    // changes that are read at once
	streamsMost    = 256                    // of one access key
	streamsInAll   = 8192
)

// events serve the store's feed (SPEC D5). A client that is slow holds nobody up and takes no
// memory: it reads from the feed at its own pace, and is told when what it did not read yet is
// not kept any more.
type events struct {
	o         *Orchestrator
	feed      store.Feed
	auth      authn.Authenticator
	api       *orchestratorAPI // for its errors
	life      context.Context
	audit     func(api.Decision)
	heartbeat time.Duration
	stall     time.Duration
	most      int // streams of one access key

	mu    sync.Mutex
	byKey map[string]int
	total int

	sent, lost, refused atomic.Int64
}

func newEvents(o *Orchestrator, a *orchestratorAPI, audit func(api.Decision)) *events {
	return &events{o: o, feed: o.store.Feed(), auth: authn.Authenticator{Identities: o, Now: o.now}, api: a, life: a.life, audit: audit, heartbeat: eventHeartbeat, stall: eventStall, most: streamsMost, byKey: map[string]int{}}
}

// listener is one stream.
type listener struct {
	*events
	who            authn.Identity
	bucket, prefix string
	request        string // its id
	remote         string
	w              http.ResponseWriter
	control        *http.ResponseController
	position       store.Position
	written        time.Time
}

// ServeHTTP answers GET /api/v1/events?bucket=B[&prefix=P][&after=ID].
func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l, status, err := e.listen(r, requestOf(w))
	if err != nil {
		if status == http.StatusUnauthorized {
			w.Header().Add("WWW-Authenticate", `Bearer realm="artifacts"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="artifacts"`)
		}
		e.api.fail(w, err, status)
		return
	}
	if !e.enter(l.who.AccessKeyID) {
		e.refused.Add(1)
		w.Header().Set("Retry-After", "10")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_ = json.NewEncoder(w).Encode(map[string]*fault.Error{"error": fault.New(fault.Unreachable, "end some of them", "too many change streams are open")})
		return
	}
	defer e.leave(l.who.AccessKeyID)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	l.w, l.control = w, http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", eventstream.Type)
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx, and what follows it
	w.WriteHeader(http.StatusOK)
	if err := l.run(ctx); err != nil && ctx.Err() == nil {
		e.o.log.Debug("a change stream ended", "request", l.request, "key", l.who.AccessKeyID, "error", err)
	}
}

// listen finds out who asks, and for what. status is that of a fault of kind Auth.
func (e *events) listen(r *http.Request, request string) (l *listener, status int, err error) {
	l = &listener{events: e, request: request, remote: r.RemoteAddr}
	query := r.URL.Query()
	l.who, _, err = e.auth.Authenticate(r, query)
	var refused *authn.Error
	if errors.As(err, &refused) {
		kind := fault.Auth
		if refused.Status == http.StatusBadRequest {
			kind = fault.Usage
		}
		l.decide(refused.Code)
		return nil, refused.Status, fault.New(kind, "sign it as a list of the bucket, or show a peer's token", "%s", refused.Message)
	}
	if err != nil {
		return nil, http.StatusInternalServerError, err
	}
	l.bucket, l.prefix = query.Get(eventstream.Bucket), query.Get(eventstream.Prefix)
	if l.bucket == "" {
		return nil, 0, fault.New(fault.Usage, "add ?bucket=NAME", "a change stream is of one bucket")
	}
	if !authz.Allowed(l.who, authz.List, l.bucket, l.prefix) {
		l.decide("AccessDenied")
		return nil, http.StatusForbidden, fault.New(fault.Auth, "ask an admin of the mesh for the role", "who may not list a bucket or prefix is not told what changes there")
	}
	l.decide("")
	if _, err := e.o.store.Bucket(r.Context(), l.bucket); err != nil {
		return nil, 0, err
	}
	l.position = store.Position(query.Get(eventstream.After))
	if last := r.Header.Get(eventstream.LastID); last != "" {
		l.position = store.Position(last)
	}
	return l, 0, nil
}

// decide tells the audit log; reason is empty where it is allowed.
func (l *listener) decide(reason string) {
	if l.audit != nil {
		l.audit(api.Decision{
			RequestID: l.request, Identity: l.who.ID, AccessKeyID: l.who.AccessKeyID, Action: "Events", Bucket: l.bucket, Key: l.prefix,
			Allowed: reason == "", Reason: reason, Remote: l.remote,
		})
	}
}

func (e *events) enter(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byKey[key] >= e.most || e.total >= streamsInAll {
		return false
	}
	e.byKey[key]++
	e.total++
	return true
}

func (e *events) leave(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total--
	if e.byKey[key]--; e.byKey[key] == 0 {
		delete(e.byKey, key)
	}
}

// streams is how many are open.
func (e *events) streams() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.total
}

// errNoMore ends the stream of who may not listen any more.
var errNoMore = errors.New("the keys do not open this any more")

// run sends until ctx ends, or the client is gone, or may not listen any more.
func (l *listener) run(ctx context.Context) error {
	ticks := time.NewTicker(min(eventRecheck, l.heartbeat))
	defer ticks.Stop()
	if err := l.begin(ctx); err != nil {
		return err
	}
	for {
		news := l.feed.News()
		list, err := l.feed.Read(ctx, l.position, eventPage)
		if errors.Is(err, store.ErrFeedLost) {
			if err := l.lose(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if !l.still(ctx) {
			l.decide("AccessDenied")
			return errNoMore
		}
		if err := l.send(list); err != nil {
			return err
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-news:
			select {
			case <-time.After(eventGather):
			case <-ctx.Done():
				return nil
			}
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// begin tells where the stream begins: at the position that was asked for, else now.
func (l *listener) begin(ctx context.Context) error {
	if l.position != "" {
		_, err := l.feed.Read(ctx, l.position, 1)
		if errors.Is(err, store.ErrFeedLost) {
			return l.lose(ctx)
		}
		if err != nil {
			return err
		}
		return l.write(idle(l.position))
	}
	head, err := l.feed.Head(ctx)
	if err != nil {
		return err
	}
	l.position = head
	return l.write(event(eventstream.Begin, head, eventstream.Change{}))
}

// lose goes on at the head of the feed.
func (l *listener) lose(ctx context.Context) error {
	head, err := l.feed.Head(ctx)
	if err != nil {
		return err
	}
	l.position = head
	l.lost.Add(1)
	return l.write(event(eventstream.Lost, head, eventstream.Change{Reason: "the coordinator was restarted, or does not keep what was not read any more"}))
}

// send writes what of list is of the bucket and prefix, or a heartbeat where one is due.
func (l *listener) send(list []store.Change) error {
	var text []byte
	n := 0
	for i := range list {
		if c := &list[i]; l.concerns(c) {
			text = append(text, event(string(c.Kind), c.Position, eventstream.Change{Key: c.Key, ETag: c.ETag, Size: c.Size, Modified: c.Modified})...)
			n++
		}
	}
	if len(list) > 0 {
		l.position = list[len(list)-1].Position
	}
	if n == 0 {
		if time.Since(l.written) < l.heartbeat {
			return nil
		}
		text = idle(l.position)
	}
	l.sent.Add(int64(n))
	return l.write(text)
}

func (l *listener) concerns(c *store.Change) bool {
	return c.Bucket == l.bucket && (c.Kind == store.ChangeBucketDeleted || strings.HasPrefix(c.Key, l.prefix))
}

func (l *listener) write(text []byte) error {
	l.written = time.Now()
	_ = l.control.SetWriteDeadline(l.written.Add(l.stall)) // a recorder in a test has none
	if _, err := l.w.Write(text); err != nil {
		return err
	}
	return l.control.Flush()
}

// still reports whether the keys that the stream began with open its bucket and prefix now.
func (l *listener) still(ctx context.Context) bool {
	id, err := l.auth.Still(ctx, l.who)
	if err != nil || !authz.Allowed(id, authz.List, l.bucket, l.prefix) {
		return false
	}
	l.o.seen(l.who.AccessKeyID)
	return true
}

// event is one event as it is sent. Its name and position have no line breaks, nor has JSON.
func event(name string, at store.Position, data eventstream.Change) []byte {
	text, _ := json.Marshal(data) // strings and numbers always can be
	return fmt.Appendf(nil, "id: %s\nevent: %s\ndata: %s\n\n", at, name, text)
}

// idle moves a reader on without an event.
func idle(at store.Position) []byte { return fmt.Appendf(nil, ":\nid: %s\n\n", at) }
