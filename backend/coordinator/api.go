package coordinator

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

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
}

// NewPeer is the answer of POST /v1/peers (SPEC B8).
type NewPeer struct {
	ID    string `json:"id"`
	Token string `json:"token"`
}

// maxBody bounds a request to the orchestrator, in bytes.
const maxBody = 64 << 10

// maxWait bounds a long poll for changes.
const maxWait = 30 * time.Second

// orchestratorAPI serves /v1. admin is set on the local socket, whose file mode is
// its authentication; elsewhere a peer shows its token.
type orchestratorAPI struct {
	o      *Orchestrator
	status func() Status
	life   context.Context // ends when the coordinator stops; long polls end with it
	stop   func()          // nil: not offered
	admin  bool
	log    *slog.Logger
}

func (a *orchestratorAPI) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		s := a.status()
		if !a.admin {
			s.DataDir = ""
		}
		reply(w, http.StatusOK, s)
	})
	mux.HandleFunc("GET /v1/workspaces", func(w http.ResponseWriter, r *http.Request) {
		a.result(w)(a.o.Workspaces(r.Context(), wantsUsage(r)))
	})
	mux.HandleFunc("POST /v1/workspaces", func(w http.ResponseWriter, r *http.Request) {
		var req CreateWorkspace
		if a.decode(w, r, &req) {
			a.result(w)(a.o.Create(r.Context(), req))
		}
	})
	mux.HandleFunc("GET /v1/workspaces/{name}", func(w http.ResponseWriter, r *http.Request) {
		a.result(w)(a.o.Workspace(r.Context(), r.PathValue("name"), wantsUsage(r)))
	})
	mux.HandleFunc("DELETE /v1/workspaces/{name}", func(w http.ResponseWriter, r *http.Request) {
		a.result(w)(a.o.Delete(r.Context(), r.PathValue("name")))
	})
	mux.HandleFunc("POST /v1/workspaces/{name}/activate", func(w http.ResponseWriter, r *http.Request) {
		a.result(w)(a.o.Activate(r.Context(), r.PathValue("name")))
	})
	mux.HandleFunc("POST /v1/workspaces/{name}/session", func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			ReadOnly bool `json:"read_only"`
		}
		if a.decode(w, r, &req) {
			a.result(w)(a.o.OpenSession(r.Context(), r.PathValue("name"), req.ReadOnly))
		}
	})
	mux.HandleFunc("GET /v1/changes", a.changes)
	mux.HandleFunc("GET /v1/whoami", a.whoami)
	if a.admin {
		mux.HandleFunc("POST /v1/peers", a.addPeer)
		mux.HandleFunc("POST /v1/stop", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, http.StatusAccepted, map[string]int{"pid": os.Getpid()})
			a.stop()
		})
		return mux
	}
	return a.authenticated(mux)
}

func wantsUsage(r *http.Request) bool { return r.URL.Query().Get("usage") == "true" }

// changes answers when the revision is past ?after=N, or after maxWait.
func (a *orchestratorAPI) changes(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		a.fail(w, fault.New(fault.Usage, "", "after is not a number"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxWait)
	defer cancel()
	defer context.AfterFunc(a.life, cancel)()
	reply(w, http.StatusOK, map[string]int64{"revision": a.o.Await(ctx, after)})
}

func (a *orchestratorAPI) addPeer(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Name  string   `json:"name"`
		Roles []string `json:"roles"`
	}
	if !a.decode(w, r, &req) {
		return
	}
	p, err := a.o.AddPeer(r.Context(), req.Name, req.Roles)
	a.result(w)(NewPeer{ID: p.ID, Token: p.Token}, err)
}

// authenticated lets through whoever shows a peer's token.
func (a *orchestratorAPI) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, known := a.o.peerByToken(token); !ok || !known {
			a.unauthenticated(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (o *Orchestrator) peerByToken(token string) (Peer, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	p, ok := o.state.peers[o.state.tokens[token]]
	return p, ok && subtle.ConstantTimeCompare([]byte(p.Token), []byte(token)) == 1
}

// decode reads one JSON document with known fields alone. Its errors never repeat
// a value, which may be a secret sent by mistake.
func (a *orchestratorAPI) decode(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one document")
		}
	}
	if err == nil {
		return true
	}
	reason := "the request body is not what this call takes"
	if strings.HasPrefix(err.Error(), "json: unknown field") {
		reason = strings.TrimPrefix(err.Error(), "json: ")
	}
	a.fail(w, fault.New(fault.Usage, "", "%s", reason))
	return false
}

func (a *orchestratorAPI) result(w http.ResponseWriter) func(any, error) {
	return func(v any, err error) {
		if err != nil {
			a.fail(w, err)
			return
		}
		reply(w, http.StatusOK, v)
	}
}

var httpStatus = map[fault.Kind]int{
	fault.Usage: http.StatusBadRequest, fault.Auth: http.StatusUnauthorized, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Quota: http.StatusForbidden, fault.Unreachable: http.StatusBadGateway,
}

func (a *orchestratorAPI) fail(w http.ResponseWriter, err error) {
	e := fault.As(err)
	status, ok := httpStatus[e.Kind]
	if !ok {
		status = http.StatusInternalServerError
		a.log.Error("request failed", "error", e.Error())
	}
	reply(w, status, map[string]*fault.Error{"error": e})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is no error of ours
}
