package coordinator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/api"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/eventstream"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Status is the answer of GET /v1/status.
type Status struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"` // embedded or configured
	URL      string    `json:"url"`
	PID      int       `json:"pid"`
	Since    time.Time `json:"since"`
	DataDir  string    `json:"data_dir"`
	Version  string    `json:"version"`
	Revision int64     `json:"revision"`
	// Fingerprint is the SHA-256 of the certificate's DER as openssl prints it; empty: plain HTTP.
	Fingerprint string `json:"fingerprint,omitempty"`
	Refused     int64  `json:"refused_connections"` // from outside mesh_cidr, since the start
}

// IDHeader tells who is not authenticated which coordinator this is, so that a token goes to
// the one that issued it alone.
const IDHeader = "Artifacts-Coordinator"

// PeerHeader tells on the local socket which peer its admin is: what is made belongs to that one.
const PeerHeader = "X-Artifacts-Peer"

// maxBody bounds a request to the orchestrator, in bytes.
const maxBody = 64 << 10

// Bounds of a long poll for changes. On this machine there is no proxy to lose its patience, and
// whoever waits is not to be woken for nothing.
const (
	maxWait   = 30 * time.Second
	localWait = 10 * time.Minute
)

// orchestratorAPI serves /v1. On the local socket the file's mode is the authentication;
// elsewhere a peer shows its token.
type orchestratorAPI struct {
	o       *Orchestrator
	status  func() Status
	storage func(context.Context) (Storage, error)
	life    context.Context // ends when the coordinator stops; long polls end with it
	local   *localControls  // nil: not the local socket
	watch   watchers
	events  http.Handler // the change stream
}

// localControls are what the local admin alone is offered, about the process itself.
type localControls struct {
	stop   func()
	reload func() (Reloaded, error)
	certs  certificateSource // nil: plain HTTP
}

// watchers are who hears of what happens.
type watchers struct {
	log     *slog.Logger
	audit   *auditLog
	metrics *metrics
}

// caller is who sent a request.
type caller struct {
	id    authn.Identity
	local bool   // the admin of this machine, over the socket
	token string // that was shown; empty: none
}

func (c caller) admin() bool { return c.local || c.id.Has(authn.RoleAdmin) }

func (c caller) String() string {
	if c.local {
		return "local"
	}
	return c.id.ID
}

// call answers one request. What it returns is sent as JSON; a fault of kind Auth is a refusal.
type call func(r *http.Request, by caller) (any, error)

// stream is an answer that is no JSON.
type stream func(w http.ResponseWriter) error

func (a *orchestratorAPI) handler() http.Handler {
	mux := a.routes()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(api.RequestIDHeader, api.RequestID())
		mux.ServeHTTP(w, r)
	})
}

func (a *orchestratorAPI) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, do := range a.calls() {
		mux.Handle(pattern, a.serve(pattern, do))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET "+eventstream.Path, a.events)
	if a.local != nil {
		mux.Handle("GET /metrics", a.watch.metrics)
	}
	return mux
}

// calls are the API; who may call what is for each of them to say.
func (a *orchestratorAPI) calls() map[string]call {
	all := map[string]call{
		"GET /v1/status":  a.getStatus,
		"GET /v1/whoami":  a.whoami,
		"GET /v1/changes": a.changes,
		"GET /v1/storage": a.getStorage,

		"GET /v1/workspaces":                    a.listWorkspaces,
		"POST /v1/workspaces":                   a.createWorkspace,
		"GET /v1/workspaces/{name}":             a.getWorkspace,
		"DELETE /v1/workspaces/{name}":          a.deleteWorkspace,
		"POST /v1/workspaces/{name}/activate":   a.activateWorkspace,
		"POST /v1/workspaces/{name}/session":    a.openSession,
		"DELETE /v1/workspaces/{name}/sessions": a.revokeSessions,
		"POST /v1/workspaces/{name}/restore":    a.restoreWorkspace,
		"POST /v1/workspaces/{name}/purge":      a.purgeWorkspace,
		"PUT /v1/workspaces/{name}/quota":       a.setWorkspaceQuota,
		"DELETE /v1/workspaces/{name}/known":    a.forgetWorkspace,

		"GET /v1/buckets":                   a.listBuckets,
		"POST /v1/buckets":                  a.createBucket,
		"GET /v1/buckets/{name}":            a.getBucket,
		"DELETE /v1/buckets/{name}":         a.deleteBucket,
		"PUT /v1/buckets/{name}/quota":      a.setBucketQuota,
		"DELETE /v1/buckets/{name}/known":   a.forgetBucket,
		"PUT /v1/buckets/{name}/recycle":    a.setRecycle,
		"GET /v1/buckets/{name}/deleted":    a.listRecycled,
		"DELETE /v1/buckets/{name}/deleted": a.purgeRecycled,
		"POST /v1/buckets/{name}/restore":   a.restoreObject,

		"GET /v1/peers":              a.listPeers,
		"POST /v1/peers":             a.addPeer,
		"GET /v1/peers/{id}":         a.getPeer,
		"DELETE /v1/peers/{id}":      a.removePeer,
		"POST /v1/peers/{id}/rotate": a.rotatePeer,

		"GET /v1/bindings":         a.listBindings,
		"POST /v1/bindings":        a.bind,
		"DELETE /v1/bindings/{id}": a.unbind,

		"GET /v1/shares":           a.listShares,
		"POST /v1/shares":          a.createShare,
		"DELETE /v1/shares/{name}": a.revokeShare,

		"GET /v1/backup": a.backup,
	}
	if a.local != nil {
		all["POST /v1/stop"] = func(*http.Request, caller) (any, error) {
			a.local.stop()
			return map[string]int{"pid": os.Getpid()}, nil
		}
		all["POST /v1/reload"] = func(*http.Request, caller) (any, error) { return a.local.reload() }
		all["GET /v1/certificate"] = a.certificate
	}
	return all
}

func (a *orchestratorAPI) certificate(*http.Request, caller) (any, error) {
	if a.local.certs == nil {
		return nil, fault.New(fault.NotFound, "add `tls: {self_signed: true}` to coordinator.yaml and restart it", "this coordinator serves plain HTTP and has no certificate")
	}
	return describeCertificate(a.local.certs.current()), nil
}

// ofProcess are answered to the local admin also where the store does not answer.
var ofProcess = []string{"GET /v1/status", "POST /v1/stop", "POST /v1/reload", "GET /v1/certificate"}

// polls are asked over and over, and answered to whoever has a token: nothing is decided.
var polls = []string{"GET /v1/status", "GET /v1/whoami", "GET /v1/changes"}

// serve finds out who it is, calls, and answers.
func (a *orchestratorAPI) serve(pattern string, do call) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		// The local admin's requests too go by what all coordinators go by, but for those about
		// this process.
		if err := a.o.Confirm(r.Context()); err != nil && (a.local == nil || !slices.Contains(ofProcess, pattern)) {
			a.fail(w, err, http.StatusUnauthorized)
			return
		}
		by, err := a.caller(r)
		if err == nil && r.ContentLength != 0 {
			// A body may take its time, and who sends it may be removed meanwhile (SPEC B8).
			body, unread := io.ReadAll(r.Body)
			if unread != nil {
				a.fail(w, badBody(""), http.StatusBadRequest)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			by, err = a.caller(r)
		}
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="artifacts"`)
			w.Header().Set(IDHeader, a.o.Mesh().ID)
			a.watch.audit.control(auditLine{Request: requestOf(w), Action: pattern, Reason: "not authenticated", Remote: r.RemoteAddr})
			a.fail(w, err, http.StatusUnauthorized)
			return
		}
		if by.token != "" {
			r = r.WithContext(claimed(r.Context(), claim{token: by.token, id: by.id}))
		}
		v, err := do(r, by)
		decision := auditLine{Request: requestOf(w), Who: by.String(), Action: r.Method + " " + r.URL.Path, Subject: subject(v), Remote: r.RemoteAddr}
		if fault.Is(err, fault.Auth) {
			decision.Reason = fault.As(err).Error()
		}
		if decision.Reason != "" || !slices.Contains(polls, pattern) {
			a.watch.audit.control(decision)
		}
		if err != nil {
			a.fail(w, err, http.StatusForbidden)
			return
		}
		if send, ok := v.(stream); ok {
			if err := send(w); err != nil {
				a.watch.log.Error("an answer broke off", "request", requestOf(w), "call", pattern, "error", err)
				panic(http.ErrAbortHandler) // the client must see that it is not whole
			}
			return
		}
		reply(w, http.StatusOK, v)
	})
}

// requestOf is the RequestID that w tells.
func requestOf(w http.ResponseWriter) string { return w.Header().Get(api.RequestIDHeader) }

// caller is the peer whose token is shown; on the local socket, without one, the local admin.
func (a *orchestratorAPI) caller(r *http.Request) (caller, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if a.local != nil && !ok {
		by := caller{local: true}
		if id, _, err := a.o.AccessKey(r.Context(), r.Header.Get(PeerHeader)); err == nil && id.Scope == nil {
			by.id = id
			a.o.seen(id.ID)
		}
		return by, nil
	}
	if !ok {
		return caller{}, fault.New(fault.Auth, "send a peer's mesh token as a Bearer token", "not authenticated")
	}
	id, err := a.o.Token(r.Context(), token)
	if errors.Is(err, authn.ErrUnknown) {
		return caller{}, fault.New(fault.Auth, "`artifacts-tui login` with the token that the admin gave you", "the coordinator knows no such token: it was rotated, or its peer removed")
	}
	return caller{id: id, token: token}, err
}

func (a *orchestratorAPI) getStatus(_ *http.Request, by caller) (any, error) {
	s := a.status()
	if !by.admin() {
		s.DataDir = ""
	}
	return s, nil
}

// readyTime is how long an engine may take to say that it is there.
const readyTime = 5 * time.Second

// ready is for load balancers and monitors: whether both engines of the store answer, and which
// one does not, and that this coordinator is not about to stop.
func (a *orchestratorAPI) ready(w http.ResponseWriter, r *http.Request) {
	if a.life.Err() != nil {
		reply(w, http.StatusServiceUnavailable, map[string]string{"status": "stopping"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	var not *store.NotReady
	if err := a.o.store.Ready(ctx); errors.As(err, &not) {
		a.watch.log.Error("not ready", "error", err)
		reply(w, http.StatusServiceUnavailable, map[string]string{"status": "the " + not.Engine + " of the store does not answer", "engine": not.Engine})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ready"})
}

// WhoAmI is the answer of GET /v1/whoami: whose token it was that the request showed.
type WhoAmI struct {
	Peer        string        `json:"peer"` // id; empty: the local admin, who is no peer
	Name        string        `json:"name"`
	Coordinator string        `json:"coordinator"` // its id
	Grants      []authn.Grant `json:"grants"`      // those of buckets that the peer made among them
	Admin       bool          `json:"admin"`
}

func (a *orchestratorAPI) whoami(_ *http.Request, by caller) (any, error) {
	me := WhoAmI{Peer: by.id.ID, Coordinator: a.o.Mesh().ID, Grants: by.id.Grants, Admin: by.admin()}
	if me.Grants == nil {
		me.Grants = []authn.Grant{}
	}
	if p, err := a.o.Peer(me.Peer); err == nil {
		me.Name = p.Name
	}
	return me, nil
}

// changes answers when the revision is past ?after=N, or after maxWait or localWait.
func (a *orchestratorAPI) changes(r *http.Request, by caller) (any, error) {
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "after is not a number")
	}
	wait := maxWait
	if by.local {
		wait = localWait
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(a.life, cancel)()
	return map[string]int64{"revision": a.o.Await(ctx, after)}, nil
}

func (a *orchestratorAPI) getStorage(r *http.Request, by caller) (any, error) {
	if !by.admin() {
		return nil, notAdmin("see the store as a whole")
	}
	return a.storage(r.Context())
}

// backup streams a backup of the control state (SPEC B18). The system role may take one, as
// it may read the bucket.
func (a *orchestratorAPI) backup(r *http.Request, by caller) (any, error) {
	if !by.admin() && !by.id.Has(authn.RoleSystem) {
		return nil, notAdmin("take a backup")
	}
	content, err := a.o.Backup(r.Context())
	if err != nil {
		return nil, err
	}
	return stream(func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, err := w.Write(content)
		return err
	}), nil
}

func notAdmin(to string) error {
	return fault.New(fault.Auth, "ask an admin of the mesh for the role", "only an admin may %s", to)
}

// decode reads one JSON document with known fields alone. Its errors never repeat
// a value, which may be a secret sent by mistake.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one document")
		}
	}
	if err == nil {
		return nil
	}
	if strings.HasPrefix(err.Error(), "json: unknown field") {
		return badBody(strings.TrimPrefix(err.Error(), "json: "))
	}
	return badBody("")
}

func badBody(reason string) error {
	return fault.New(fault.Usage, "", "%s", cmp.Or(reason, "the request body is not what this call takes"))
}

var httpStatus = map[fault.Kind]int{
	fault.Usage: http.StatusBadRequest, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Quota: http.StatusForbidden, fault.Unreachable: http.StatusBadGateway,
}

// fail answers with an error; refused is the status of a fault of kind Auth.
func (a *orchestratorAPI) fail(w http.ResponseWriter, err error, refused int) {
	if noSpace(err) {
		a.watch.log.Error("the disk is full", "error", err)
		err = fault.New(fault.Quota, "make room on it, or delete objects; `artifacts-tui storage status` shows what is free", "the coordinator's disk is full")
	}
	e := fault.As(err)
	status, ok := httpStatus[e.Kind]
	switch {
	case e.Kind == fault.Auth:
		status = refused
	case !ok:
		status = http.StatusInternalServerError
		a.watch.log.Error("request failed", "request", requestOf(w), "error", e.Error())
	}
	told := *e
	told.Message, told.Hint = withoutTokens(e.Error()), withoutTokens(e.Hint)
	reply(w, status, map[string]*fault.Error{"error": &told})
}

// noSpace tells a disk that others have filled: of the store's own writes some space is kept.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is no error of ours
}
