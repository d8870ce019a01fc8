package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Options tune an Index. The zero value is usable.
type Options struct {
	MaxSize int64        // bytes of all buckets; 0: unlimited. Processes that share the index should agree on it
	Log     *slog.Logger // nil: nothing is logged
	Conns   int          // connections at most; 0: 16. A pool_max_conns in the URL is taken instead

	lease time.Duration // how long this process is believed alive without a word; 0: defaultLease
	poll  bool          // LISTEN is not used
}

// Index is a store.Shared in a database. The database does what must be one for all processes;
// here are only the bound of all buckets, which each process is told, and what it has set aside.
type Index struct {
	pool     *pgxpool.Pool
	log      *slog.Logger
	maxSize  atomic.Int64
	instance instance
	feed     *feed

	keepChanges int64 // of feed, in the table

	stop  context.CancelFunc
	done  sync.WaitGroup
	close sync.Once
}

const (
	defaultConns = 16
	// A transaction ends within these, whatever becomes of who began it.
	transactionTime = time.Minute
	idleTime        = "30s"
)

// Open connects to the database at url (postgres://user@host/name, or a keyword string; a
// password may come from PGPASSWORD or a passfile), makes or migrates the tables, and registers
// this process as one that uses them. Close takes it back.
func Open(ctx context.Context, url string, o Options) (*Index, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// Its words may hold the URL, and that a password (SPEC A35).
		return nil, errors.New("the index's URL cannot be read: write postgres://USER@HOST:PORT/DATABASE")
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = defaultConns
		if o.Conns > 0 {
			config.MaxConns = int32(o.Conns)
		}
	}
	config.ConnConfig.RuntimeParams["application_name"] = "artifacts-tui"
	// A process that is gone without a word must not keep what it has locked.
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = idleTime
	// The statements are few and find what they want by key: to plan one takes longer than to run
	// it, and to compile one a thousand times as long.
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	config.ConnConfig.RuntimeParams["jit"] = "off"
	return open(ctx, config, o)
}

func open(ctx context.Context, config *pgxpool.Config, o Options) (*Index, error) {
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	x := &Index{pool: pool, log: o.Log, keepChanges: keepChanges, instance: instance{id: newID(), lease: o.lease}}
	if x.instance.lease == 0 {
		x.instance.lease = defaultLease
	}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	x.maxSize.Store(max(o.MaxSize, 0))
	err = migrate(ctx, pool)
	if err == nil {
		err = x.register(ctx)
	}
	if err == nil {
		x.feed, err = openFeed(ctx, x, !o.poll)
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("the index in database %q at %s: %w", config.ConnConfig.Database, config.ConnConfig.Host, err)
	}
	work, stop := context.WithCancel(context.Background())
	x.stop = stop
	x.done.Go(func() { x.live(work) })
	x.done.Go(func() { x.feed.follow(work) })
	return x, nil
}

// Close gives back what this process has set aside. Whatever is under way ends with an error or before.
func (x *Index) Close() error {
	x.close.Do(func() {
		x.stop()
		x.done.Wait()
		x.unregister()
		x.pool.Close()
	})
	return nil
}

// Ping asks whether the database answers.
func (x *Index) Ping(ctx context.Context) error { return x.pool.Ping(ctx) }

// Feed implements store.Index.
func (x *Index) Feed() store.Feed { return x.feed }

// SetMaxSize implements store.Index.
func (x *Index) SetMaxSize(bytes int64) { x.maxSize.Store(max(bytes, 0)) }

// MaxSize implements store.Index.
func (x *Index) MaxSize() int64 { return x.maxSize.Load() }

// newID is a random number above 0.
func newID() int64 { return rand.Int64N(1<<63-2) + 1 }
