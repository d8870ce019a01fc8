package ui

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// fake is a program in memory. Its errors and delays are set by the test; calls
// are counted by method.
type fake struct {
	mu         sync.Mutex
	workspaces []workspace.Workspace
	mounts     []mounts.Status
	remembered []workspace.Workspace
	events     chan backend.Event
	calls      map[string]int
	hold       string        // the method whose calls are held back
	holding    chan struct{} // says that one is
	gate       chan struct{} // closed to let them go
	created    []backend.CreateRequest

	delay              time.Duration // of every call
	slowMount          time.Duration
	hang               bool // no call ever returns
	coordinatorAnswers bool // but what it is asked
	drainSteps         int  // of an unmount with something pending
	drainPause         time.Duration
	coordinatorErr     error
	workspacesErr      error
	createErr          error
	mountErr           error
	unmountErr         error
	deleteErr          error
	panicIn            string // the method that panics
	notices            []string

	plane    fakeControl
	hasPlane bool
	live     bool // jobs tell what happens to them

	cr fakeCredentials
	ob fakeObjects
}

func newFake() *fake {
	f := &fake{calls: map[string]int{}, events: make(chan backend.Event, 8), holding: make(chan struct{}), drainSteps: 10}
	f.ob.pageSize, f.ob.jobs = 1000, jobs.New(2)
	close(f.events) // nothing changes elsewhere, but where a test says so
	return f
}

// enter counts a call and waits as long as the script wants.
func (f *fake) enter(ctx context.Context, method string) error {
	f.mu.Lock()
	f.calls[method]++
	if f.hang && (!f.coordinatorAnswers || method != "Coordinator" && method != "Workspaces") {
		f.mu.Unlock()
		<-ctx.Done()
		return ctx.Err()
	}
	boom, wait, gate := f.panicIn == method, f.delay, f.gate
	if f.hold != method {
		gate = nil
	}
	f.mu.Unlock()
	if gate != nil {
		f.holding <- struct{}{}
		if watched[method] {
			f.holding <- struct{}{}
		}
		<-gate
	}
	if boom {
		panic("scripted panic in " + method)
	}
	return pause(ctx, wait)
}

// watched are the methods beside whose call a command waits for what it tells meanwhile.
var watched = map[string]bool{"Unmount": true, "VerifyRotation": true}

// holdBack keeps the calls of a method from returning until letGo.
func (f *fake) holdBack(method string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold, f.gate = method, make(chan struct{})
}

func (f *fake) letGo() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gate != nil {
		close(f.gate)
	}
	f.hold, f.gate = "", nil
}

func (f *fake) held() <-chan struct{} { return f.holding }

func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fake) called(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

func (f *fake) Workspaces(ctx context.Context) ([]workspace.Workspace, error) {
	if err := f.enter(ctx, "Workspaces"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]workspace.Workspace(nil), f.workspaces...), f.workspacesErr
}

func (f *fake) CreateWorkspace(ctx context.Context, req backend.CreateRequest) (workspace.Workspace, []string, error) {
	if err := f.enter(ctx, "CreateWorkspace"); err != nil {
		return workspace.Workspace{}, nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.created = append(f.created, req)
	if f.createErr != nil {
		return workspace.Workspace{}, nil, f.createErr
	}
	w := workspace.Workspace{
		ID: "00000000000000" + req.Name[:1] + "0", Name: req.Name, Backend: req.Backend, State: workspace.Active,
		Bucket: req.Bucket, Endpoint: req.Endpoint, Region: req.Region, Prefix: req.Prefix, Created: start,
	}
	if req.Backend == workspace.Managed {
		w.Bucket, w.Prefix, w.Usage = "artifacts-managed", req.Name+"/", &workspace.Usage{}
	}
	f.workspaces = append(f.workspaces, w)
	return w, f.notices, nil
}

func (f *fake) DeleteWorkspace(ctx context.Context, name string) error {
	if err := f.enter(ctx, "DeleteWorkspace"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deleteErr != nil {
		return f.deleteErr
	}
	var kept []workspace.Workspace
	for _, w := range f.workspaces {
		if w.Name != name {
			kept = append(kept, w)
		}
	}
	f.workspaces = kept
	return nil
}

func (f *fake) Mounts(ctx context.Context) ([]mounts.Status, error) {
	if err := f.enter(ctx, "Mounts"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.mounts {
		if m := &f.mounts[i]; m.Health == mounts.Busy && f.calls["Mounts"] > 1 {
			n := int64(f.calls["Mounts"])
			m.BytesRead += (40 + n*7919%60) << 20
			m.BytesWritten += (2 + n*104729%9) << 20
		}
	}
	return append([]mounts.Status(nil), f.mounts...), nil
}

func (f *fake) Mount(ctx context.Context, req backend.MountRequest) (mounts.Status, error) {
	if err := f.enter(ctx, "Mount"); err != nil {
		return mounts.Status{}, err
	}
	if err := pause(ctx, f.slowMount); err != nil {
		return mounts.Status{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mountErr != nil {
		return mounts.Status{}, f.mountErr
	}
	if strings.Contains(req.Mountpoint, "taken") {
		return mounts.Status{}, fault.New(fault.Conflict, "run 'artifacts unmount "+req.Mountpoint+"' first",
			"path %s is already a mount point", req.Mountpoint)
	}
	m := mounts.Status{PID: 4711, Since: start, Health: mounts.OK, CacheLimit: 10 << 30}
	m.Workspace, m.Mountpoint = req.Workspace, req.Mountpoint
	for _, w := range f.workspaces {
		if w.Name == req.Workspace {
			m.ID, m.Bucket, m.Prefix, m.Backend = w.ID, w.Bucket, w.Prefix, string(w.Backend)
		}
	}
	f.mounts = append(f.mounts, m)
	return m, nil
}

func (f *fake) Unmount(ctx context.Context, mountpoint string, o mounts.UnmountOptions) (mounts.Drain, error) {
	if err := f.enter(ctx, "Unmount"); err != nil {
		return mounts.Drain{}, err
	}
	f.mu.Lock()
	var left mounts.Drain
	for _, m := range f.mounts {
		if m.Mountpoint == mountpoint {
			left = m.Drain
		}
	}
	steps, wait, failure := f.drainSteps, f.drainPause, f.unmountErr
	f.mu.Unlock()
	if left.Pending() > 0 {
		all, files := left.PendingBytes, left.Pending()
		for i := 1; i <= steps; i++ {
			left.PendingBytes = all * int64(steps-i) / int64(steps)
			left.Uploaded += all / int64(steps)
			n := files * (steps - i) / steps
			left.InProgress = min(n, 2)
			left.Queued = n - left.InProgress
			if failure == nil {
				left.Failed = 0
			}
			o.Progress(left)
			if err := pause(ctx, wait); err != nil {
				return left, err
			}
		}
	}
	if fault.Is(failure, fault.Pending) {
		f.forget(mountpoint)
		left.Failed, left.Failures = 1, []mounts.FailedFile{{Path: "runs/7/model.bin", Reason: "403 AccessDenied"}}
	}
	if failure != nil {
		return left, failure
	}
	f.forget(mountpoint)
	return mounts.Drain{Uploaded: left.Uploaded}, nil
}

func (f *fake) forget(mountpoint string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var kept []mounts.Status
	for _, m := range f.mounts {
		if m.Mountpoint != mountpoint {
			kept = append(kept, m)
		}
	}
	f.mounts = kept
}

func (f *fake) Coordinator(ctx context.Context) (backend.CoordinatorStatus, error) {
	if err := f.enter(ctx, "Coordinator"); err != nil {
		return backend.CoordinatorStatus{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.coordinatorErr != nil {
		return backend.CoordinatorStatus{}, f.coordinatorErr
	}
	return backend.CoordinatorStatus{Kind: "embedded", URL: "http://127.0.0.1:8080", Running: true, Since: start}, nil
}

func (f *fake) Watch(context.Context) <-chan backend.Event { return f.events }

func (f *fake) Remembered() []workspace.Workspace { return f.remembered }

func (f *fake) DefaultMountpoint(name string) string { return testHome + "/mnt/" + name }

// start is when everything in the tests happens.
var start = time.Date(2026, 11, 21, 9, 12, 0, 0, time.Local)

const testHome = "/home/ada"

// aFew is a program with a bit of everything.
func aFew() *fake {
	f := newFake()
	usage := func(bytes, objects int64) *workspace.Usage {
		return &workspace.Usage{Bytes: bytes, Objects: objects}
	}
	created := time.Date(2026, 11, 9, 17, 3, 0, 0, time.Local)
	f.workspaces = []workspace.Workspace{
		{ID: "a1", Name: "train-data", Backend: workspace.BYO, State: workspace.Active, Bucket: "acme-ml", Prefix: "train/", Endpoint: "https://s3.eu-west-2.amazonaws.com", Region: "eu-west-2", Created: created, Usage: usage(1319413953331, 418112)},
		{ID: "a2", Name: "notes", Backend: workspace.Managed, State: workspace.Active, Bucket: "artifacts-managed", Prefix: "notes/", Created: created, Usage: usage(3565158, 212)},
		{ID: "a3", Name: "build-cache", Backend: workspace.Mesh, State: workspace.Active, Bucket: "build-artifacts", Created: created, Usage: usage(851443712, 10498)},
		{ID: "a4", Name: "old-runs", Backend: workspace.BYO, State: workspace.Active, Bucket: "acme-archive", Prefix: "runs/", Endpoint: "https://fly.storage.tigris.dev", Region: "auto", Created: created},
		{ID: "a5", Name: "experiments-2026", Backend: workspace.Managed, State: workspace.Active, Bucket: "artifacts-managed", Prefix: "experiments-2026/", Created: created, Usage: usage(42949672960, 1840)},
	}
	at := func(id, name, path string, h mounts.Health) mounts.Status {
		m := mounts.Status{PID: 4711, Since: start, Health: h, Fingerprint: "3fa94c01b7de", CacheLimit: 10 << 30, Log: testHome + "/.cache/tonbo/artifacts/logs/" + id + ".log"}
		m.ID, m.Workspace, m.Mountpoint = id, name, path
		for _, w := range f.workspaces {
			if w.ID == id {
				m.Bucket, m.Prefix, m.Backend = w.Bucket, w.Prefix, string(w.Backend)
			}
		}
		return m
	}
	train := at("a1", "train-data", testHome+"/mnt/train", mounts.Busy)
	train.BytesRead, train.BytesWritten, train.CacheBytes = 4509715661, 325058560, 6549825126
	train.Drain = mounts.Drain{Queued: 1, InProgress: 2, PendingBytes: 18 << 20, Uploaded: 307 << 20}
	notes := at("a2", "notes", testHome+"/mnt/notes", mounts.OK)
	notes.BytesRead, notes.BytesWritten, notes.CacheBytes = 12582912, 3565158, 2<<20
	runs := at("a5", "experiments-2026", testHome+"/mnt/experiments", mounts.Degraded)
	runs.Reason = "quota exceeded"
	runs.BytesWritten, runs.CacheBytes = 41<<30, 900<<20
	runs.Drain = mounts.Drain{Failed: 2, PendingBytes: 5 << 20, Uploaded: 40 << 30, Failures: []mounts.FailedFile{
		{Path: "runs/2026-11-21/checkpoint-000412.pt", Reason: "403 QuotaExceeded"},
		{Path: "runs/2026-11-21/metrics.jsonl", Reason: "403 QuotaExceeded"},
	}}
	f.mounts = []mounts.Status{train, notes, runs}
	f.remembered = f.workspaces[:2:2]
	f.notices = []string{"Cached BYO credentials at " + testHome + "/.config/tonbo/artifacts/byo-credentials (mode 0600);", "future mounts will use them automatically."}
	return f
}
