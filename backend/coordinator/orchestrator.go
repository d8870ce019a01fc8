package coordinator

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Options are what an Orchestrator is told beside its store. The zero value is usable.
type Options struct {
	Log     *slog.Logger     // nil: nothing is logged
	Now     func() time.Time // nil: time.Now
	Version string           // of the program; for backups
	// Shared says that other coordinators have the same store, on engines that let them.
	Shared bool
}

// Orchestrator owns the control state: peers and what they may do, buckets, workspaces,
// scoped pairs and shares.
type Orchestrator struct {
	store      *store.Store
	log        *slog.Logger
	now        func() time.Time
	version    string
	config     atomic.Pointer[config.Config] // see Config
	identities atomic.Pointer[identities]    // never nil
	lastSeen   sync.Map                      // access key id → unix seconds, int64
	// certificate is the coordinator's own; nil: it serves plain HTTP, or a certificate of files.
	certificate atomic.Pointer[tls.Certificate]

	mu       sync.RWMutex
	state    *control
	revision int64
	changed  chan struct{} // closed and replaced at each change

	purging sync.Mutex
	name    string  // where it listens; set before anything is served
	shared  *shared // nil: no other coordinator has this store
}

// NewOrchestrator loads the control state from the system bucket, which it
// creates where it is missing.
func NewOrchestrator(ctx context.Context, s *store.Store, opt Options) (*Orchestrator, error) {
	o := &Orchestrator{store: s, log: opt.Log, now: opt.Now, version: opt.Version, revision: 1, changed: make(chan struct{})}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	docs, err := documents.Open(ctx, s, o.log)
	if err != nil {
		return nil, err
	}
	if opt.Shared {
		// The first change, and before it the first look, read everything.
		o.shared, o.state = newShared(s), emptyControl(docs)
	} else if o.state, err = loadControl(ctx, docs); err != nil {
		return nil, err
	}
	o.identities.Store(draw(o.state))
	err = o.reconcile(ctx)
	if noSpace(err) && o.Mesh().ID != "" {
		// Who deletes something to make room needs a coordinator that serves.
		o.log.Error("the disk is full: what the last run left undone waits for the next start", "error", err)
		err = nil
	}
	return o, err
}

// Mesh returns the coordinator's own record.
func (o *Orchestrator) Mesh() Mesh {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.state.mesh
}

// SetAddress records where this start listens, so that the next one can listen
// there again. Where there are several coordinators each is told where by its own configuration.
func (o *Orchestrator) SetAddress(ctx context.Context, address string) error {
	o.name = address
	if o.shared != nil {
		o.log = o.log.With("coordinator", address)
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.state.mesh
	if m.Address == address {
		return nil
	}
	m.Address = address
	return o.state.putMesh(ctx, m)
}

// change runs f under the lock, and in its turn among all coordinators, and makes what it did
// to the control state known, also where it failed on its way. f may be run again where
// another coordinator came in between.
func (o *Orchestrator) change(ctx context.Context, f func(ctx context.Context, c *control) error) error {
	if o.shared != nil {
		return o.changeShared(ctx, f)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.holds(ctx); err != nil {
		return err
	}
	defer o.publish()
	o.state.touched = nil
	return f(ctx, o.state)
}

// publish makes the control state known. It is called with the lock held.
func (o *Orchestrator) publish() {
	o.identities.Store(draw(o.state))
	if o.shared != nil {
		o.revision = o.shared.revision.Load() // the same on all coordinators
	} else {
		o.revision++
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// Revision counts the changes, since this start where there is one coordinator.
func (o *Orchestrator) Revision() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.revision
}

// Await returns the revision once it is past after, or what it is when ctx ends.
func (o *Orchestrator) Await(ctx context.Context, after int64) int64 {
	for {
		o.mu.RLock()
		revision, changed := o.revision, o.changed
		o.mu.RUnlock()
		if revision != after {
			return revision
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return revision
		}
	}
}

func (o *Orchestrator) stamp() time.Time { return o.now().UTC().Truncate(time.Millisecond) }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}

func randomToken(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// randomKeyID is 18 letters and digits, so that an access key id has S3's 20.
func randomKeyID() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:18]
}
