package s3blobs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/semaphore"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Defaults of Options.
const (
	defaultMemory  = 512 << 20
	defaultTimeout = 10 * time.Second
	defaultYoung   = time.Hour
	defaultEvery   = 24 * time.Hour
)

// Options say where blobs are.
type Options struct {
	Bucket      string // there already
	Prefix      string // of every key, without a slash at either end; may be empty
	Endpoint    string // URL of the S3 service; empty: Amazon's in Region
	Region      string // for signing; empty: us-east-1
	Credentials aws.CredentialsProvider
	CABundle    string // PEM file of extra certificate authorities; empty: the system's alone
	Memory      int64  // bytes that all writers together hold of large blobs; 0: 512 MiB
	// Timeout is how long the store may say nothing, to one request. What it does not answer is
	// asked again for three times that long. 0: 10 s.
	Timeout time.Duration
	// Young is the age below which a sweep leaves a blob alone: its writer may not have recorded
	// it yet. 0: an hour; negative: none.
	Young time.Duration
	// SweepEvery is how often all processes together look for blobs that nothing refers to. 0: a day.
	SweepEvery time.Duration
	Log        *slog.Logger // nil: nothing is logged
}

// Blobs are the objects PREFIX/blobs/<first 2 digits of the id>/<id>. Beside them there are
// PREFIX/store, which has the id of the whole, and PREFIX/sweep, which tells of the last sweep.
type Blobs struct {
	Options
	s3      *s3.Client
	web     interface{ CloseIdleConnections() }
	private bool                // nobody is on the way to the store
	filling *semaphore.Weighted // three quarters of Memory: parts that wait for their clients
	sending *semaphore.Weighted // a quarter: parts on their way to the store
	learned learned
	// uploadMax is the age at which an upload in parts is nobody's any more.
	uploadMax time.Duration
	// Of a sweep, in blobs.
	inventory, partMost int

	life context.Context // of what nobody waits for
	end  context.CancelFunc

	mu      sync.Mutex
	open    map[token]int // readers
	doomed  map[token]bool
	look    time.Time // when the record of the last sweep is read again
	later   sync.WaitGroup
	closing bool // nothing is done later any more
}

var (
	_ store.Blobs  = (*Blobs)(nil)
	_ store.Pinger = (*Blobs)(nil)
)

// Open sends nothing.
func Open(opt Options) (*Blobs, error) {
	if opt.Bucket == "" {
		return nil, errors.New("s3blobs: there is no bucket")
	}
	opt.Prefix = strings.Trim(opt.Prefix, "/")
	opt.Memory = or(opt.Memory, defaultMemory)
	opt.Timeout = or(opt.Timeout, defaultTimeout)
	opt.Young = or(opt.Young, defaultYoung)
	opt.SweepEvery = or(opt.SweepEvery, defaultEvery)
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	b := &Blobs{
		Options: opt, filling: semaphore.NewWeighted(max(opt.Memory/4*3, partSize)), sending: semaphore.NewWeighted(max(opt.Memory/4, partSize)),
		open: map[token]int{}, doomed: map[token]bool{}, uploadMax: 2 * writeMax,
		inventory: inventory, partMost: partMost,
	}
	b.life, b.end = context.WithCancel(context.Background())
	return b, b.connect()
}

func or[T int64 | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}

// token is a blob's id: 16 random bytes, in hex.
type token [16]byte

func newToken() (t token) {
	rand.Read(t[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return t
}

func (t token) String() string { return hex.EncodeToString(t[:]) }

// parse refuses ids that this package did not make.
func parse(id string) (t token, err error) {
	if len(id) == hex.EncodedLen(len(t)) && strings.ToLower(id) == id {
		if _, err := hex.Decode(t[:], []byte(id)); err == nil {
			return t, nil
		}
	}
	return t, fmt.Errorf("s3blobs: %q is not the id of a blob: %w", id, store.ErrDamaged)
}

// at is a key below the prefix.
func (b *Blobs) at(name string) string {
	if b.Prefix == "" {
		return name
	}
	return b.Prefix + "/" + name
}

func (b *Blobs) key(t token) string {
	id := t.String()
	return b.at("blobs/" + id[:2] + "/" + id)
}

// Open implements store.Blobs. It asks for nothing yet: a blob that is not there is
// fs.ErrNotExist of the first Read.
func (b *Blobs) Open(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	t, err := parse(id)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[t]++
	return &reader{b: b, ctx: ctx, id: t, end: -1}, nil
}

// closed lets go of a blob, and deletes it where that was waited for.
func (b *Blobs) closed(t token) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[t]--; b.open[t] > 0 {
		return
	}
	delete(b.open, t)
	if b.doomed[t] {
		delete(b.doomed, t)
		b.postpone(func(ctx context.Context) { _ = b.remove(ctx, t) })
	}
}

// Delete implements store.Blobs. A blob that is being read in this process is deleted when
// its last reader closes.
func (b *Blobs) Delete(ctx context.Context, id string) error {
	t, err := parse(id)
	if err != nil {
		return err
	}
	b.mu.Lock()
	if b.open[t] > 0 {
		b.doomed[t] = true
		b.mu.Unlock()
		return nil
	}
	b.mu.Unlock()
	return b.remove(ctx, t)
}

func (b *Blobs) remove(ctx context.Context, t token) error {
	err := b.ask(ctx, 0, func(ctx context.Context) error {
		_, err := b.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.Bucket, Key: aws.String(b.key(t))})
		return err
	})
	if isMissing(err) {
		return nil
	}
	return b.failure("delete a blob", err)
}

// postpone has do run beside everything else. What it does not get done by the end of Close is
// for a sweep. It is called with mu held.
func (b *Blobs) postpone(do func(ctx context.Context)) {
	if !b.closing {
		b.later.Go(func() { do(b.life) })
	}
}

// closeGrace is how long Close waits for deletions.
const closeGrace = 5 * time.Second

// Close implements store.Blobs. Readers that are open go on.
func (b *Blobs) Close() error {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	defer time.AfterFunc(closeGrace, b.end).Stop()
	b.later.Wait()
	b.end()
	b.web.CloseIdleConnections()
	return nil
}

// Where is the bucket and prefix, for a person.
func (b *Blobs) Where() string { return "s3://" + strings.TrimSuffix(b.Bucket+"/"+b.Prefix, "/") }
