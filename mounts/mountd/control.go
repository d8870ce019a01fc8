package mountd

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// tick is how often a drain tells its state.
const tick = 100 * time.Millisecond

// serve answers on the control socket: GET /v1/status, GET /v1/stats, POST /v1/unmount, POST /v1/drain,
// POST /v1/refresh, POST /v1/bandwidth, GET and POST /v1/credentials.
func (d *daemon) serve() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(d.status())
	})
	mux.HandleFunc("GET /v1/stats", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(d.stats())
	})
	mux.HandleFunc("POST /v1/unmount", d.handleUnmount)
	mux.HandleFunc("POST /v1/drain", d.handleDrain)
	mux.HandleFunc("POST /v1/refresh", d.handleRefresh)
	mux.HandleFunc("POST /v1/bandwidth", d.handleBandwidth)
	mux.HandleFunc("POST /v1/credentials", d.handleCredentials)
	mux.HandleFunc("GET /v1/credentials", d.handleCredentialsState)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(d.socket) }()
	return server
}

// requestMax bounds a request's body in bytes: the longest path, and some.
const requestMax = 64 << 10

func readRequest[T any](r *http.Request) (q T, err error) {
	err = json.NewDecoder(http.MaxBytesReader(nil, r.Body, requestMax)).Decode(&q)
	return q, err
}

func limitOf(q mounts.DrainRequest) time.Duration {
	return time.Duration(q.TimeoutSeconds * float64(time.Second))
}

func (d *daemon) handleRefresh(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest[mounts.RefreshRequest](r)
	if err != nil {
		http.Error(w, "not a request", http.StatusBadRequest)
		return
	}
	d.upper.Forget(q.Path)
	w.WriteHeader(http.StatusNoContent)
}

func (d *daemon) handleBandwidth(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest[mounts.Bandwidth](r)
	if err != nil {
		http.Error(w, "not a request", http.StatusBadRequest)
		return
	}
	d.remote.SetBandwidth(q)
	d.log.Info("bandwidth", "up", q.Up, "down", q.Down)
	w.WriteHeader(http.StatusNoContent)
}

// handleUnmount detaches and tells the draining line by line. The process drains on
// where the asker goes away, and gives up waiting after the time asked for. A lazy one is
// answered as soon as the mount has left the tree.
func (d *daemon) handleUnmount(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest[mounts.DrainRequest](r)
	if err != nil {
		http.Error(w, "not a request", http.StatusBadRequest)
		return
	}
	if q.Lazy {
		err := d.detachLazily()
		writeLine(w, mounts.DrainLine{Drain: d.drainState(), Done: true, Error: mounts.NewWireError(err)})
		return
	}
	select {
	case d.asked <- limitOf(q):
	default: // an earlier unmount set the limit
	}
	if err := d.unmount(); err != nil {
		select {
		case <-d.asked:
		default:
		}
		writeLine(w, mounts.DrainLine{Drain: d.drainState(), Done: true, Error: mounts.NewWireError(err)})
		return
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-d.finished:
			writeLine(w, mounts.DrainLine{Drain: d.left, Done: true, Error: mounts.NewWireError(d.result)})
			return
		case <-r.Context().Done():
			return
		case <-ticker.C:
			writeLine(w, mounts.DrainLine{Drain: d.drainState()})
		}
	}
}

// handleDrain uploads everything at once and leaves the mount as it is.
func (d *daemon) handleDrain(w http.ResponseWriter, r *http.Request) {
	q, err := readRequest[mounts.DrainRequest](r)
	if err != nil {
		http.Error(w, "not a request", http.StatusBadRequest)
		return
	}
	ctx := r.Context()
	if limit := limitOf(q); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	result := make(chan error, 1)
	go func() { result <- d.upper.Drain(ctx) }()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case err := <-result:
			left := d.drainState()
			if left.Pending() > 0 {
				err = d.pending(left)
			}
			writeLine(w, mounts.DrainLine{Drain: left, Done: true, Error: mounts.NewWireError(err)})
			return
		case <-ticker.C:
			writeLine(w, mounts.DrainLine{Drain: d.drainState()})
		}
	}
}

func writeLine(w http.ResponseWriter, line mounts.DrainLine) {
	_ = json.NewEncoder(w).Encode(line)
	_ = http.NewResponseController(w).Flush()
}

// status is the mount as it is now.
func (d *daemon) status() mounts.Status {
	read, written := d.shown.Bytes()
	stats := d.upper.Stats()
	s := mounts.Status{
		Spec: d.spec(), PID: os.Getpid(), Since: d.began,
		Fingerprint: d.keys.Fingerprint(), Log: d.start.Log,
		BytesRead: read, BytesWritten: written,
		CacheBytes: d.lower.CacheBytes() + stats.CleanBytes, CacheLimit: d.start.Spec.Options.CacheSize,
		StagingBytes: stats.StagingBytes, StagingLimit: stats.StagingLimit,
		Drain: d.drainState(),
	}
	s.Options.Bandwidth = d.remote.Bandwidth()
	s.Changes = d.news.state()
	s.CredentialSource, s.CredentialProfile, s.Provider, _ = d.renewal.state()
	if end := d.keys.Expires(); !end.IsZero() {
		s.CredentialsEnd = &end
	}
	s.Health, s.Reason = d.health(s.Drain, stats.Unreachable)
	s.Process = mounts.Process{Goroutines: runtime.NumGoroutine(), Files: openFiles(), Nodes: d.shown.Nodes()}
	return s
}

// health is the state in one word, worst first (SPEC C6, D4).
func (d *daemon) health(left mounts.Drain, unreachable string) (mounts.Health, string) {
	store := d.remote.Health().String()
	if store == "" && unreachable != "" { // listings and reads get through, changes do not
		store = "the store does not answer: " + unreachable
	}
	switch {
	case d.draining.Load():
		return mounts.Draining, store
	case d.ending() != "":
		return mounts.Degraded, d.ending()
	case store != "":
		return mounts.Degraded, store
	case left.Failed > 0 && len(left.Failures) > 0:
		return mounts.Degraded, left.Failures[0].Path + ": " + left.Failures[0].Reason
	case left.Failed > 0:
		return mounts.Degraded, "the store refused a change"
	case left.Quarantined > 0:
		return mounts.Degraded, "files were set aside, in " +
			mounts.StagingDir(d.start.Roots, d.start.Spec.ID) + "/quarantine"
	case left.Pending() > 0:
		return mounts.Busy, ""
	}
	return mounts.OK, ""
}

func (d *daemon) drainState() mounts.Drain {
	s := d.upper.Stats()
	left := mounts.Drain{
		Queued: s.Queued, InProgress: s.InProgress, Failed: s.Failed, PendingBytes: s.PendingBytes,
		Uploaded: s.UploadedBytes, Quarantined: s.Quarantined, OpenFiles: s.OpenHandles,
	}
	for _, f := range s.Failures {
		left.Failures = append(left.Failures, mounts.FailedFile{Path: f.Path, Reason: f.Reason})
	}
	for _, k := range s.Conflicts {
		left.Conflicts = append(left.Conflicts, mounts.Conflict(k))
	}
	return left
}
