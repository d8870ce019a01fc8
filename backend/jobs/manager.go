package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Manager runs jobs. Its methods may be called side by side.
type Manager struct {
	atOnce int
	now    func() time.Time

	mu          sync.Mutex
	running     int
	waiting     []*job // in the order they were queued
	jobs        map[string]*job
	last        int // number of the last job
	subscribers map[*subscriber]struct{}
}

// job is one with what runs it. The manager's mu guards it.
type job struct {
	m      *Manager
	state  Job
	run    Func
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{} // closed when run has returned
	rate   rate
	told   time.Time   // of the last event
	timer  *time.Timer // of the next; nil: none is due
	still  *time.Timer // tells that nothing moves; nil: that is told
}

// subscriber gets the latest state of each job that changed, however slowly it reads.
type subscriber struct {
	changed map[string]Job
	order   []string
	wake    chan struct{}
}

// New makes a Manager that runs up to atOnce jobs at once.
func New(atOnce int) *Manager {
	return &Manager{
		atOnce: max(atOnce, 1), now: time.Now,
		jobs: map[string]*job{}, subscribers: map[*subscriber]struct{}{},
	}
}

// Start queues a job and returns its id.
func (m *Manager) Start(kind, title string, run Func) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	j := &job{m: m, run: run, state: Job{ID: strconv.Itoa(m.last), Kind: kind, Title: title}}
	m.jobs[j.state.ID] = j
	m.queue(j)
	return j.state.ID
}

// queue begins a life of j. m.mu is held.
func (m *Manager) queue(j *job) {
	j.ctx, j.cancel = context.WithCancel(context.Background())
	j.ended = make(chan struct{})
	j.state = Job{ID: j.state.ID, Kind: j.state.Kind, Title: j.state.Title, State: Queued, Queued: m.now(), Errors: []*fault.Error{}}
	m.waiting = append(m.waiting, j)
	j.tell()
	m.dispatch()
}

// dispatch begins what there is room for. m.mu is held.
func (m *Manager) dispatch() {
	for m.running < m.atOnce && len(m.waiting) > 0 {
		j := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.running++
		j.state.State, j.state.Started = Running, m.now()
		j.rate.start(m.now())
		j.tell()
		go m.life(j)
	}
}

func (m *Manager) life(j *job) {
	err := call(j.ctx, j.run, &Progress{j})
	m.mu.Lock()
	defer m.mu.Unlock()
	cancelled := j.ctx.Err() != nil
	j.cancel()
	j.state.Cleaning = false
	if !j.state.State.Final() {
		j.state.Ended, j.state.Counting = m.now(), false
		switch {
		case err == nil:
			j.state.State = Done
		case cancelled && errors.Is(err, context.Canceled):
			j.state.State = Cancelled
		default:
			j.state.State, j.state.Err = Failed, fault.As(err)
		}
	}
	close(j.ended)
	j.tellNow()
	m.running--
	m.dispatch()
}

// call runs a job; a panic in it is its failure and not the program's end.
func call(ctx context.Context, run Func, p *Progress) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.New(fault.Failure, "", "the job broke: %v\n%s", r, debug.Stack())
		}
	}()
	return run(ctx, p)
}

// Cancel ends a job. It is cancelled at once; what it had begun is taken away after that, and
// Wait waits for it. A job that has ended stays as it is.
func (m *Manager) Cancel(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(id)
	if err != nil || j.state.State.Final() {
		return err
	}
	if j.state.State == Running {
		j.state.Cleaning = true
	} else {
		m.waiting = slices.DeleteFunc(m.waiting, func(w *job) bool { return w == j })
		close(j.ended)
	}
	j.state.State, j.state.Ended, j.state.Counting = Cancelled, m.now(), false
	j.cancel()
	j.tellNow()
	return nil
}

// Retry queues a job anew that failed or was cancelled.
func (m *Manager) Retry(id string) error {
	m.mu.Lock()
	j, err := m.find(id)
	if err == nil && (!j.state.State.Final() || j.state.State == Done) {
		err = fault.New(fault.Conflict, "only what failed or was cancelled can be tried again", "job %s is %s", id, j.state.State)
	}
	if err != nil {
		m.mu.Unlock()
		return err
	}
	ended := j.ended
	m.mu.Unlock()
	<-ended // the former life takes its leavings away first
	m.mu.Lock()
	defer m.mu.Unlock()
	if j.ended != ended {
		return nil // somebody else was quicker
	}
	m.queue(j)
	return nil
}

// Wait returns how a job ended, once it has taken away what it had begun.
func (m *Manager) Wait(ctx context.Context, id string) (Job, error) {
	m.mu.Lock()
	j, err := m.find(id)
	if err != nil {
		m.mu.Unlock()
		return Job{}, err
	}
	ended := j.ended
	m.mu.Unlock()
	select {
	case <-ended:
		return m.Get(id)
	case <-ctx.Done():
		return Job{}, ctx.Err()
	}
}

// Get is how a job is now.
func (m *Manager) Get(id string) (Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(id)
	if err != nil {
		return Job{}, err
	}
	return j.look(), nil
}

// List is all jobs in the order they were started.
func (m *Manager) List() []Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Job, 0, len(m.jobs))
	for _, j := range m.jobs {
		list = append(list, j.look())
	}
	slices.SortFunc(list, func(a, b Job) int { return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Forget drops a job that has ended.
func (m *Manager) Forget(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(id)
	if err != nil {
		return err
	}
	if !j.state.State.Final() || j.state.Cleaning {
		return fault.New(fault.Conflict, "cancel it first", "job %s is %s", id, j.state.State)
	}
	delete(m.jobs, id)
	return nil
}

func (m *Manager) find(id string) (*job, error) {
	if j := m.jobs[id]; j != nil {
		return j, nil
	}
	return nil, fault.New(fault.NotFound, "", "there is no job %s", id)
}

// Subscribe sends the state of each job that changes, at most 20 times a second a job, until
// ctx ends and the channel closes. A slow reader gets the latest state alone.
func (m *Manager) Subscribe(ctx context.Context) <-chan Job {
	s := &subscriber{changed: map[string]Job{}, wake: make(chan struct{}, 1)}
	m.mu.Lock()
	m.subscribers[s] = struct{}{}
	m.mu.Unlock()
	out := make(chan Job)
	go func() {
		defer close(out)
		defer func() {
			m.mu.Lock()
			delete(m.subscribers, s)
			m.mu.Unlock()
		}()
		for {
			next, ok := m.take(s)
			if !ok {
				select {
				case <-s.wake:
					continue
				case <-ctx.Done():
					return
				}
			}
			select {
			case out <- next:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func (m *Manager) take(s *subscriber) (Job, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(s.order) == 0 {
		return Job{}, false
	}
	id := s.order[0]
	s.order = s.order[1:]
	next := s.changed[id]
	delete(s.changed, id)
	return next, true
}

// look is the state as a reader gets it. m.mu is held.
func (j *job) look() Job {
	s := j.state
	s.Errors = slices.Clone(s.Errors)
	if s.State == Running {
		s.Rate = j.rate.value(j.m.now())
		if left := s.BytesTotal - s.Bytes; s.Rate > 0 && left > 0 && !s.Counting {
			s.ETA = time.Duration(float64(left) / float64(s.Rate) * float64(time.Second)).Round(time.Second)
		}
	}
	return s
}

// tell sends an event now, or as soon as one is due. m.mu is held.
func (j *job) tell() {
	switch wait := eventEvery - j.m.now().Sub(j.told); {
	case j.timer != nil: // it tells this too
	case wait <= 0:
		j.tellNow()
	default:
		j.timer = time.AfterFunc(wait, func() {
			j.m.mu.Lock()
			defer j.m.mu.Unlock()
			if j.timer != nil {
				j.tellNow()
			}
		})
	}
}

// tellNow sends an event. m.mu is held.
func (j *job) tellNow() {
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
	j.told = j.m.now()
	s := j.look()
	for sub := range j.m.subscribers {
		if _, waits := sub.changed[s.ID]; !waits {
			sub.order = append(sub.order, s.ID)
		}
		sub.changed[s.ID] = s
		select {
		case sub.wake <- struct{}{}:
		default:
		}
	}
	if s.State.Final() && j.still != nil {
		j.still.Stop()
		j.still = nil
	}
}

// moved has one more event sent when nothing has moved for a while. m.mu is held.
func (j *job) moved() {
	if j.still != nil {
		j.still.Reset(stillAfter)
		return
	}
	j.still = time.AfterFunc(stillAfter, func() {
		j.m.mu.Lock()
		defer j.m.mu.Unlock()
		if j.still != nil && j.state.State == Running {
			j.still = nil
			j.tell()
		}
	})
}

// Progress is what a job tells of itself. Its methods may be called side by side.
type Progress struct{ j *job }

func (p *Progress) change(f func(s *Job)) {
	m := p.j.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.j.state.State != Running {
		return // it was cancelled: what it still says is of its cleaning
	}
	f(&p.j.state)
	p.j.tell()
}

// Expect adds to what there is to do. counting: more may come.
func (p *Progress) Expect(objects, bytes int64, counting bool) {
	p.change(func(s *Job) {
		s.ObjectsTotal, s.BytesTotal, s.Counting = s.ObjectsTotal+objects, s.BytesTotal+bytes, counting
	})
}

// Advance adds bytes that were moved; negative where they have to be moved again.
func (p *Progress) Advance(bytes int64) {
	p.change(func(s *Job) {
		s.Bytes += bytes
		p.j.rate.add(bytes, p.j.m.now())
		p.j.moved()
	})
}

// Finish counts an object that is done.
func (p *Progress) Finish() { p.change(func(s *Job) { s.Objects++ }) }

// Fail keeps an error of one object; the job goes on.
func (p *Progress) Fail(err error) {
	p.change(func(s *Job) {
		s.ErrorCount++
		if len(s.Errors) < ErrorsKept {
			s.Errors = append(s.Errors, fault.As(err))
		}
	})
}

// String is for debugging.
func (j Job) String() string {
	return fmt.Sprintf("job %s %s %s: %d/%d bytes, %d/%d objects", j.ID, j.Kind, j.State, j.Bytes, j.BytesTotal, j.Objects, j.ObjectsTotal)
}
