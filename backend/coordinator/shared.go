package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/documents"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Coordinators over one store agree by one register in the system bucket: it counts the changes
// of the control state, and says who makes one now. A coordinator believes what it has in
// memory for freshFor after it has looked at the register, and answers nobody after that until it
// has looked again. Who changes something answers freshFor after it is in the store: from
// then on every coordinator goes by it. No clock is compared with another one's.
const (
	freshFor = 100 * time.Millisecond
	// lookBound is how long the register may take to be read: who waits for it is then refused.
	lookBound = 5 * time.Second
	// readBound is how long documents that changed may take.
	readBound = 2 * time.Minute
	// followEvery is how often a coordinator that is asked for nothing looks.
	followEvery = 500 * time.Millisecond

	// changeLease is how long a register that does not change must be watched before its holder
	// is taken for dead; a change is given up a third of that earlier.
	changeLease = 9 * time.Second
	changeWait  = 30 * time.Second // for others that change something
	changeTries = 3                // where a document turns out to be another one

	recentMax = 64  // changes whose documents a register names
	keysMax   = 128 // documents of one change that it names
)

var registerKey = documents.State("control")

// register is what the register says.
type register struct {
	Revision int64    `json:"revision"`         // one more with each change
	Holder   string   `json:"holder,omitempty"` // who makes a change now; empty: nobody
	Whole    int64    `json:"whole"`            // who is at an earlier revision reads all documents again
	Recent   []recent `json:"recent,omitempty"` // the last changes, the oldest first
}

// recent is a change, and the documents that it wrote or removed.
type recent struct {
	Revision int64    `json:"revision"`
	Keys     []string `json:"keys"`
}

// since are the documents that changed after a revision; whole is set where the register does not know.
func (m register) since(revision int64) (keys []string, whole bool) {
	if revision < m.Whole || revision > m.Revision {
		return nil, true
	}
	if revision == m.Revision {
		return nil, false
	}
	if len(m.Recent) == 0 || m.Recent[0].Revision > revision+1 {
		return nil, true
	}
	for _, r := range m.Recent {
		if r.Revision > revision {
			keys = append(keys, r.Keys...)
		}
	}
	return keys, false
}

// add counts a change.
func (m *register) add(keys []string) {
	m.Revision++
	if len(keys) > keysMax {
		m.interrupted()
		return
	}
	m.Recent = append(m.Recent, recent{m.Revision, keys})
	if over := len(m.Recent) - recentMax; over > 0 {
		m.Recent = m.Recent[over:]
	}
}

// interrupted has everybody read everything.
func (m *register) interrupted() { m.Whole, m.Recent = m.Revision, nil }

// shared is what an Orchestrator keeps of the others.
type shared struct {
	store  *store.Store
	holder string // this process, among all
	lease  time.Duration

	maintenance *lease // for the goroutine that does it

	changing sync.Mutex // one change of this process at a time waits for the register
	last     atomic.Pointer[seenRegister]
	revision atomic.Int64 // that the state in memory is of; -1: not known. Written with Orchestrator.mu held.

	started   time.Time
	confirmed atomic.Int64 // when the last look that succeeded began, in nanoseconds after started; 0: never
	mu        sync.Mutex
	look      *look // that is under way
}

// look is one look at the register, for all who wait for it.
type look struct {
	done chan struct{}
	err  error // set before done is closed
}

func newShared(s *store.Store) *shared {
	h := &shared{store: s, holder: randomHex(8), lease: changeLease, started: time.Now()}
	h.maintenance = newLease(s, "maintenance", h.holder)
	h.revision.Store(-1)
	return h
}

// hostID is this coordinator's name among several, empty where it is alone.
func (o *Orchestrator) hostID() string {
	if o.shared == nil {
		return ""
	}
	return o.name
}

// read returns the register; etag is empty where there is none yet.
func (h *shared) read(ctx context.Context) (m register, etag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookBound)
	defer cancel()
	o, err := h.store.Head(ctx, SystemBucket, registerKey)
	if errors.Is(err, store.ErrNoSuchKey) {
		return m, "", nil
	}
	if err != nil {
		return m, "", err
	}
	err = json.Unmarshal([]byte(o.Meta["state"]), &m)
	h.last.Store(&seenRegister{o.ETag, m.Holder})
	return m, o.ETag, err
}

func (h *shared) write(ctx context.Context, m register, etag string) (string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	return h.store.PutState(ctx, registerKey, map[string]string{"state": string(text)}, store.Condition{IfMatch: etag, IfNoneMatch: etag == ""})
}

// turn is the right to change the control state.
type turn struct {
	register register
	etag     string
	until    time.Time // when to have given up
}

// take waits until nobody else changes the control state.
func (h *shared) take(ctx context.Context) (turn, error) {
	ctx, cancel := context.WithTimeout(ctx, changeWait)
	defer cancel()
	var seen string
	var since time.Time
	for {
		m, etag, err := h.read(ctx)
		if err != nil {
			return turn{}, err
		}
		if m.Holder != "" {
			if etag != seen {
				seen, since = etag, time.Now()
			}
			// What it left undone, or did and could not say, is read by everybody. One of this
			// very process is over: its turns are one after the other.
			if m.Holder != h.holder && time.Since(since) < h.lease {
				if err := sleep(ctx, time.Duration(5+rand.IntN(20))*time.Millisecond); err != nil {
					return turn{}, fault.New(fault.Unreachable, "try it again", "another coordinator is changing the control state")
				}
				continue
			}
			m.Revision++
			m.interrupted()
		}
		m.Holder = h.holder
		t := turn{register: m, until: time.Now().Add(h.lease / 3 * 2)}
		switch t.etag, err = h.write(ctx, m, etag); {
		case errors.Is(err, store.ErrPreconditionFailed), errors.Is(err, store.ErrNoSuchKey):
		case err != nil:
			return turn{}, err
		default:
			return t, nil
		}
	}
}

// end gives the turn back and tells which documents it has changed.
func (h *shared) end(ctx context.Context, t turn, keys []string) error {
	t.register.Holder = ""
	if len(keys) > 0 {
		t.register.add(keys)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.lease/3)
	defer cancel()
	_, err := h.write(ctx, t.register, t.etag)
	return err
}

// fresh returns once the state in memory is that of a moment after t, by looking where it must.
func (h *shared) fresh(ctx context.Context, t time.Time, do func(context.Context) error) error {
	after := max(int64(t.Sub(h.started)), 1)
	for h.confirmed.Load() < after {
		l := h.join(do)
		select {
		case <-l.done:
			if l.err != nil {
				return l.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// join waits for the look that is under way, or begins one.
func (h *shared) join(do func(context.Context) error) *look {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.look != nil {
		return h.look
	}
	l := &look{done: make(chan struct{})}
	h.look = l
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), readBound)
		defer cancel()
		began := int64(time.Since(h.started))
		l.err = do(ctx)
		if l.err == nil {
			h.confirmed.Store(began)
		}
		h.mu.Lock()
		h.look = nil
		h.mu.Unlock()
		close(l.done)
	}()
	return l
}

// Confirm makes sure that what this coordinator goes by is what all of them go by: every
// change that another one has answered is in it. Where the store cannot be asked it fails,
// and whoever asked must be refused.
func (o *Orchestrator) Confirm(ctx context.Context) error {
	if o.shared == nil {
		return nil
	}
	if err := o.shared.fresh(ctx, time.Now().Add(-freshFor), o.look); err != nil {
		return fault.Wrap(fault.Unreachable, err, "try it again, or ask another coordinator", "the control state cannot be confirmed")
	}
	return nil
}

// Follow looks by itself until ctx ends, for who waits for changes (Await).
func (o *Orchestrator) Follow(ctx context.Context) {
	if o.shared == nil {
		return
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	failing := false
	var held abandoned
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := o.shared.fresh(ctx, time.Now().Add(-freshFor), o.look)
		if err == nil && held.longer(o.shared.last.Load(), o.shared.lease) {
			// Whoever began a change ended in the midst of it: all are to read what it left.
			err = o.change(ctx, func(context.Context, *control) error { return nil })
		}
		if ctx.Err() != nil {
			return
		}
		if failing != (err != nil) {
			failing = !failing
			if failing {
				o.log.Error("the control state cannot be confirmed: requests are refused until it can", "error", err)
			} else {
				o.log.Info("the control state is confirmed again")
			}
		}
	}
}

// abandoned watches for a register whose holder is gone.
type abandoned struct {
	etag  string
	since time.Time
}

func (a *abandoned) longer(m *seenRegister, than time.Duration) bool {
	if m == nil || m.holder == "" {
		*a = abandoned{}
		return false
	}
	if a.etag != m.etag {
		*a = abandoned{m.etag, time.Now()}
	}
	return time.Since(a.since) > than
}

// seenRegister is the register as it was last read.
type seenRegister struct{ etag, holder string }

// look compares the state in memory with the register.
func (o *Orchestrator) look(ctx context.Context) error {
	m, _, err := o.shared.read(ctx)
	if err != nil {
		return err
	}
	// Whoever moved the store has seen nobody at it. A coordinator that was cut off then must not
	// take what the other store would never have.
	switch to, err := o.shared.store.Moved(ctx); {
	case err != nil:
		return err
	case to != "":
		return fault.New(fault.Conflict, "start it with the configuration that the store was moved to", "the store was moved to %s", to)
	}
	if o.shared.current(m) {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.catchUp(ctx, m)
}

// current reports whether the state in memory is that of the register. It is one ahead while a
// change of this process is in memory and not in the register yet.
func (h *shared) current(m register) bool {
	have := h.revision.Load()
	return have == m.Revision || have == m.Revision+1
}

// catchUp reads what others have changed. It is called with the lock held.
func (o *Orchestrator) catchUp(ctx context.Context, m register) error {
	if o.shared.current(m) {
		return nil
	}
	keys, whole := m.since(o.shared.revision.Load())
	if whole {
		fresh, err := loadControl(ctx, o.state.docs)
		if err != nil {
			return err
		}
		o.state = fresh
	}
	for _, key := range keys {
		if err := o.state.reload(ctx, key); err != nil {
			return err
		}
	}
	if whole || slices.Contains(keys, tlsKey) {
		o.followCertificate(ctx)
	}
	o.shared.revision.Store(m.Revision)
	if whole || len(keys) > 0 {
		o.publish()
	}
	return nil
}

// changeShared is change where there are other coordinators.
func (o *Orchestrator) changeShared(ctx context.Context, f func(context.Context, *control) error) error {
	wrote, err := o.inTurn(ctx, f)
	if wrote {
		// Others may go by the state before for as long as this.
		_ = sleep(ctx, freshFor)
	}
	return err
}

func (o *Orchestrator) inTurn(ctx context.Context, f func(context.Context, *control) error) (wrote bool, err error) {
	o.shared.changing.Lock()
	defer o.shared.changing.Unlock()
	for range changeTries {
		// Without the register first: all documents at once take longer than a turn may.
		if err := o.shared.fresh(ctx, time.Now().Add(-freshFor), o.look); err != nil {
			return wrote, err
		}
		t, err := o.shared.take(ctx)
		if err != nil {
			return wrote, err
		}
		keys, err := o.changeOnce(ctx, t, f)
		wrote = wrote || len(keys) > 0
		if endErr := o.shared.end(ctx, t, keys); endErr != nil {
			o.shared.revision.Store(-1)
			if len(keys) > 0 && err == nil {
				err = fault.Wrap(fault.Unreachable, endErr, "look whether it is in force, and do it again if not", "the change is written, but other coordinators could not be told")
			}
			return wrote, err
		}
		if !errors.Is(err, documents.ErrChanged) {
			return wrote, err
		}
		o.shared.revision.Store(-1) // read all again
	}
	return wrote, fault.New(fault.Conflict, "try it again", "other coordinators keep changing the same documents")
}

// changeOnce runs f on the state of now and returns the documents that it changed.
func (o *Orchestrator) changeOnce(ctx context.Context, t turn, f func(context.Context, *control) error) ([]string, error) {
	ctx, cancel := context.WithDeadline(ctx, t.until)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.catchUp(ctx, t.register); err != nil {
		return nil, err
	}
	if err := o.holds(ctx); err != nil {
		return nil, err
	}
	o.state.touched = nil
	err := f(ctx, o.state)
	keys := o.state.touched
	if len(keys) > 0 {
		o.shared.revision.Store(t.register.Revision + 1) // which end writes
		o.publish()
	}
	return keys, err
}

// sleep returns after d, or with ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
