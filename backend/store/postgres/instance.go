package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// A process that was not seen for this long is dead: what it has set aside is given back.
	defaultLease = 20 * time.Second
	beats        = 6 // in a lease
	tidyEvery    = time.Minute
	// How long a condemned blob is remembered: past any write that could still name it.
	condemnedFor = 7 * 24 * time.Hour
)

// instance is this process, as the others see it.
type instance struct {
	id    int64
	lease time.Duration

	mu     sync.Mutex
	unsure []int64 // reservations that could not be given back
}

func (x *Index) register(ctx context.Context) error {
	_, err := x.pool.Exec(ctx, `INSERT INTO instances (id, seen) VALUES ($1, now())`, x.instance.id)
	return err
}

// unregister gives back what is set aside. Where that fails the others do it in a while.
func (x *Index) unregister() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM reservations WHERE instance = $1`, x.instance.id)
	b.Queue(`DELETE FROM instances WHERE id = $1`, x.instance.id)
	if err := x.pool.SendBatch(ctx, b).Close(); err != nil {
		x.log.Warn("the index could not be told that this process ends", "err", err)
	}
}

// live tells the others that this process is there, until ctx ends, and does what any of them may do.
func (x *Index) live(ctx context.Context) {
	lease := x.instance.lease
	beat, tidy := time.NewTicker(lease/beats), time.NewTicker(tidyEvery)
	defer beat.Stop()
	defer tidy.Stop()
	since := time.Now() // the first of the beats that went through without one that did not
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if err = x.beat(ctx); err != nil {
				since = time.Now()
				break
			}
			// After the database was away all others look dead for a moment.
			if time.Since(since) > lease {
				err = x.bury(ctx)
			}
		case <-tidy.C:
			err = x.tidy(ctx)
		}
		if err != nil && ctx.Err() == nil {
			x.log.Warn("the index does not answer", "err", err)
		}
	}
}

// beat renews the lease, and gives back what could not be given back before.
func (x *Index) beat(ctx context.Context) error {
	i := &x.instance
	ctx, cancel := context.WithTimeout(ctx, i.lease/2)
	defer cancel()
	i.mu.Lock()
	unsure := i.unsure
	i.unsure = nil
	i.mu.Unlock()
	b := &pgx.Batch{}
	// One that was taken for dead begins anew; what it had set aside is gone, and its writers notice.
	b.Queue(`INSERT INTO instances (id, seen) VALUES ($1, now()) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen`, i.id)
	if len(unsure) > 0 {
		b.Queue(`DELETE FROM reservations WHERE id = ANY($1)`, unsure)
	}
	err := x.pool.SendBatch(ctx, b).Close()
	if err != nil {
		x.forgetLater(unsure...)
	}
	return err
}

// forgetLater has the next beat give reservations back.
func (x *Index) forgetLater(ids ...int64) {
	x.instance.mu.Lock()
	defer x.instance.mu.Unlock()
	x.instance.unsure = append(x.instance.unsure, ids...)
}

// bury gives back what dead processes have set aside.
func (x *Index) bury(ctx context.Context) error {
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM instances WHERE seen < now() - $1::interval`, x.instance.lease)
	b.Queue(`DELETE FROM reservations r WHERE NOT EXISTS (SELECT 1 FROM instances i WHERE i.id = r.instance)`)
	return x.pool.SendBatch(ctx, b).Close()
}

// tidy lets go of what nobody needs any more.
func (x *Index) tidy(ctx context.Context) error {
	if _, err := x.pool.Exec(ctx, `DELETE FROM blobs WHERE condemned < now() - $1::interval`, condemnedFor); err != nil {
		return err
	}
	return x.feed.trim(ctx)
}
