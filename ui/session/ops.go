package session

import (
	"time"

	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// OpKind is what is being done to a workspace.
type OpKind int

// The kinds.
const (
	Creating OpKind = iota
	Mounting
	Unmounting
	Deleting
)

// Op is something the user asked for that has not ended.
type Op struct {
	Kind       OpKind
	Since      time.Time
	Mountpoint string

	// Of an unmount:
	Drain   mounts.Drain
	Total   int64   // bytes that were pending at most
	Rate    float64 // bytes a second towards the store
	started int64   // Uploaded when it began
	known   bool    // Drain is from the unmount itself
}

// Fraction is how much of an unmount's bytes are done, 0 to 1.
func (o *Op) Fraction() float64 {
	if o.Total <= 0 {
		return 0
	}
	return 1 - float64(o.Drain.PendingBytes)/float64(o.Total)
}

// Left is how long the rest takes at the present rate; 0: not known.
func (o *Op) Left() time.Duration {
	if o.Rate <= 0 {
		return 0
	}
	return time.Duration(float64(o.Drain.PendingBytes) / o.Rate * float64(time.Second))
}

// Op returns what is being done to the workspace, or nil.
func (s *Session) Op(workspace string) *Op { return s.ops[workspace] }

// Running returns what is under way, by workspace. The caller changes nothing in it.
func (s *Session) Running() map[string]*Op { return s.ops }

// Unmounting returns the unmount under way at path, or nil.
func (s *Session) Unmounting(path string) *Op {
	for _, op := range s.ops {
		if op.Kind == Unmounting && op.Mountpoint == path {
			return op
		}
	}
	return nil
}

func (s *Session) begin(workspace string, kind OpKind, path string) {
	op := &Op{Kind: kind, Since: s.Now, Mountpoint: path}
	if m := s.MountAt(path); m != nil && kind == Unmounting {
		op.Drain, op.Total, op.started = m.Drain, m.PendingBytes, m.Uploaded
	}
	s.ops[workspace] = op
}

func (s *Session) finish(workspace string, kind OpKind) {
	if op := s.ops[workspace]; op != nil && op.Kind == kind {
		delete(s.ops, workspace)
	}
}

func (s *Session) applyDraining(msg Draining) {
	op := s.Unmounting(msg.Mountpoint)
	if op == nil {
		return
	}
	if !op.known {
		op.known, op.started = true, msg.Drain.Uploaded
	}
	op.Drain = msg.Drain
	op.Total = max(op.Total, msg.Drain.PendingBytes)
	if spent := msg.At.Sub(op.Since).Seconds(); spent > 0.2 {
		op.Rate = float64(msg.Drain.Uploaded-op.started) / spent
	}
}

// Rate is how fast a mount is being used, in bytes a second.
type Rate struct {
	Read, Written, Uploaded float64
	History                 []float64 // read + written, one value a poll, oldest first

	at   time.Time
	last mounts.Status
}

const rateHistory = 60

// RateOf returns the rates of the mount at path; zero until two readings are there.
func (s *Session) RateOf(path string) Rate {
	if r := s.rates[path]; r != nil {
		return *r
	}
	return Rate{}
}

// uploads is what all mounts have uploaded so far, in bytes.
func (s *Session) uploads() int64 {
	var sum int64
	for _, m := range s.Mounts {
		sum += m.Uploaded
	}
	return sum
}

// measure updates the rates from a fresh reading of the mounts.
func (s *Session) measure(at time.Time) {
	seen := map[string]bool{}
	for _, m := range s.Mounts {
		seen[m.Mountpoint] = true
		r := s.rates[m.Mountpoint]
		if r == nil || r.last.PID != m.PID {
			s.rates[m.Mountpoint] = &Rate{at: at, last: m}
			continue
		}
		spent := at.Sub(r.at).Seconds()
		if spent < 0.5 {
			continue // two readings at once say nothing
		}
		r.Read = max(float64(m.BytesRead-r.last.BytesRead)/spent, 0)
		r.Written = max(float64(m.BytesWritten-r.last.BytesWritten)/spent, 0)
		r.Uploaded = max(float64(m.Uploaded-r.last.Uploaded)/spent, 0)
		r.History = append(r.History, r.Read+r.Written)
		if len(r.History) > rateHistory {
			r.History = r.History[1:]
		}
		r.at, r.last = at, m
	}
	for path := range s.rates {
		if !seen[path] {
			delete(s.rates, path)
		}
	}
}
