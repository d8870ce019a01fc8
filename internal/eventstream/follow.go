package eventstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of a Follower.
const (
	// DefaultSilence is a few heartbeats: one that was late is no broken stream.
	DefaultSilence = 16 * time.Second
	retryFirst     = 200 * time.Millisecond
	retrySoon      = 600 * time.Millisecond // at most, for as long as soon
	retryMost      = 15 * time.Second
	soon           = time.Minute
	retryNever     = 5 * time.Minute        // there is no stream there: a newer coordinator may come
	steady         = 500 * time.Millisecond // a stream that lasted so long was one: what comes after it is a new failure
	batchMost      = 256
	refusalMost    = 4 << 10 // bytes of an answer that is no stream
)

// Follower reads a stream, and connects again where it ended, until it is told to end.
// Its functions are called one after the other.
type Follower struct {
	HTTP *http.Client // follows no redirect and has no timeout of its own
	// Request makes the request for what comes after a position; "": from now on.
	Request func(ctx context.Context, after string) (*http.Request, error)
	// Missed says that everything known before may be out of date: at the beginning of a stream,
	// and wherever changes were lost.
	Missed func(why string)
	Heard  func([]Change)
	// Live says that the stream tells of what happens from now on; Broken why it does not any more.
	Live    func()
	Broken  func(err error)
	Silence time.Duration // without a byte, after which the stream counts as broken; 0: DefaultSilence

	mu      sync.Mutex
	restart context.CancelFunc // of the connection
	wake    chan struct{}      // ends a pause
}

// Refusal is an answer that is no stream.
type Refusal struct {
	Status  int
	Message string
	After   time.Duration // when to ask again; 0: not said
}

// Error is what the coordinator said.
func (r *Refusal) Error() string { return r.Message }

// Restart connects again at once, with a request made anew.
func (f *Follower) Restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.restart != nil {
		f.restart()
	}
	f.wakeLocked()
}

// Wake ends the pause before the next try, where there is one: somebody heard that the
// coordinator answers.
func (f *Follower) Wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wakeLocked()
}

func (f *Follower) wakeLocked() {
	if f.wake == nil {
		f.wake = make(chan struct{}, 1)
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	f.mu.Lock()
	if f.wake == nil {
		f.wake = make(chan struct{}, 1)
	}
	wake := f.wake
	f.mu.Unlock()
	if f.Silence <= 0 {
		f.Silence = DefaultSilence
	}
	position, tries, broke := "", 0, time.Time{}
	for ctx.Err() == nil {
		began := time.Now()
		live, err := f.connect(ctx, &position)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errRestart):
			continue
		}
		f.Broken(err)
		if live && time.Since(began) > steady {
			tries = 0
		}
		if tries++; tries == 1 {
			broke = time.Now()
		}
		timer := time.NewTimer(pause(tries, time.Since(broke), err))
		select {
		case <-timer.C:
		case <-wake:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// pause is jittered over its whole length: a coordinator that comes back is not to meet all of
// its readers at once. One that was only started again is met within a second (SPEC D5).
func pause(tries int, broken time.Duration, err error) time.Duration {
	most := min(retryFirst<<min(tries-1, 16), retryMost)
	if broken < soon {
		most = min(most, retrySoon)
	}
	wait := rand.N(most) + 1
	var refused *Refusal
	if errors.As(err, &refused) && refused.After > 0 {
		wait = max(wait, refused.After+rand.N(refused.After))
	}
	return wait
}

// connect follows one connection to its end; live tells whether something came.
func (f *Follower) connect(ctx context.Context, position *string) (live bool, _ error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.mu.Lock()
	f.restart = func() { cancel(errRestart) }
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.restart = nil
		f.mu.Unlock()
	}()
	silent := fmt.Errorf("nothing came for %s: the coordinator is gone, or a proxy holds the stream back", f.Silence)
	silence := time.AfterFunc(f.Silence, func() { cancel(silent) })
	defer silence.Stop()
	why := func(err error) error {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	req, err := f.Request(ctx, *position)
	if err != nil {
		return false, why(err)
	}
	req.Header.Set("Accept", Type)
	req.Header.Set("Cache-Control", "no-store")
	res, err := f.HTTP.Do(req)
	if err != nil {
		return false, why(err)
	}
	defer res.Body.Close()
	if err := refusal(res); err != nil {
		return false, err
	}
	events := NewReader(&noisy{res.Body, func() { silence.Reset(f.Silence) }})
	var batch []Change
	at := *position // after what was read
	tell := func() {
		if len(batch) > 0 {
			f.Heard(batch)
			batch = nil
		}
		*position = at
	}
	for {
		e, err := events.Next()
		if err != nil {
			tell()
			if errors.Is(err, io.EOF) {
				err = errEnded
			}
			return live, why(err)
		}
		switch e.Name {
		case Begin, Lost:
			tell()
			var c Change
			_ = json.Unmarshal(e.Data, &c)
			f.Missed(c.Reason)
		case Put, Delete, BucketDeleted:
			c := Change{}
			if err := json.Unmarshal(e.Data, &c); err != nil {
				return live, errors.New("the stream has an event that cannot be read")
			}
			c.Kind = e.Name
			batch = append(batch, c)
		}
		if !live {
			live = true
			f.Live()
		}
		at = e.ID
		if len(batch) >= batchMost || !events.More() {
			tell()
		}
	}
}

var (
	errRestart = errors.New("connecting again")
	errEnded   = errors.New("the coordinator ended the stream")
)

// refusal is nil where res is a stream.
func refusal(res *http.Response) error {
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	if res.StatusCode == http.StatusOK && kind == Type {
		return nil
	}
	r := &Refusal{Status: res.StatusCode}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.After = min(time.Duration(seconds)*time.Second, retryNever)
	}
	var said struct{ Error struct{ Message string } }
	if err := json.NewDecoder(io.LimitReader(res.Body, refusalMost)).Decode(&said); err == nil && said.Error.Message != "" {
		r.Message = said.Error.Message
		return r
	}
	switch res.StatusCode {
	case http.StatusOK:
		r.Message = "what answers there is not a coordinator"
	case http.StatusNotFound:
		r.Message, r.After = "the coordinator has no change stream; it is an older version", retryNever
	default:
		r.Message = "the coordinator answered " + res.Status
	}
	return r
}

// noisy tells of each read that brought something.
type noisy struct {
	io.Reader
	heard func()
}

// Read implements io.Reader.
func (n *noisy) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if k > 0 {
		n.heard()
	}
	return k, err
}
