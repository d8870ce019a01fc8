package postgres

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

//go:embed sql/hold.sql
var holdSQL string

const (
	// takeTurn is a change, not only a lock: a database that gives a transaction one point in time
	// then makes the next one in turn begin again.
	takeTurn          = `UPDATE turns SET taken = taken + 1 WHERE bucket = (SELECT id FROM buckets WHERE name = $1)`
	takeTurnIfLimited = `UPDATE turns SET taken = taken + 1 WHERE bucket = (
		SELECT b.id FROM buckets b WHERE b.name = $1 AND EXISTS (
			SELECT 1 FROM quotas q WHERE q.bucket = b.id AND q.prefix = ANY($2::bytea[]) AND q.bytes > 0))`
	takeTurnOfAll = `UPDATE turns SET taken = taken + 1 WHERE bucket = 0`
	// notDurable is for a reservation: it need not survive a crash of the database, as writers
	// notice where it did not, and so nobody waits for a disk in the turn.
	notDurable = ` RETURNING set_config('synchronous_commit', 'off', true)`
)

// A body that does not say its length asks often: past growsFrom bytes a reservation doubles
// where there is plenty of room, by growsBy at most.
const (
	growsFrom = 1 << 20
	growsBy   = 64 << 20
)

const releaseTime = 10 * time.Second

// reservation is a store.Reservation, and what was seen when it was made.
type reservation struct {
	x           *Index
	bucket, key string
	id          int64
	row         bool  // the database has it
	held        int64 // bytes, where it does
	wanted      int64 // bytes asked for

	view *view // nil: nobody has looked
	seen bool  // old is what was at the key
	old  *store.Object
	part *partPlace // that it is for; nil: it is for an object
}

// partPlace is where a part goes, as it was found.
type partPlace struct {
	upload string
	number int
	taken  bool // there was one of that number
}

// view is what a reservation was held against.
type view struct {
	bucketID, version int64
	maxSize           int64
	limited           bool // something limits the key
}

// mine is the writer's reservation, or an empty one.
func (x *Index) mine(space store.Reservation, bucket, key string) *reservation {
	if r, ok := space.(*reservation); ok && r != nil && r.x == x && r.bucket == bucket && r.key == key {
		return r
	}
	return &reservation{x: x, bucket: bucket, key: key, id: newID()}
}

// Begin implements store.Index, in one round trip.
func (x *Index) Begin(ctx context.Context, bucket, key string, size int64, c store.Condition) (store.Reservation, error) {
	r := x.mine(nil, bucket, key)
	a, err := r.hold(ctx, max(size, 0), 0, true)
	if err != nil && !errors.Is(err, store.ErrQuotaExceeded) {
		return nil, err
	}
	old, broken := a.row.object(bucket, key)
	if broken != nil {
		r.Release()
		return nil, broken
	}
	if err := check(c, old); err != nil {
		r.Release()
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	r.seen, r.old = true, old
	return r, nil
}

// BeginPart implements store.Index, in one round trip.
func (x *Index) BeginPart(ctx context.Context, bucket, key, upload string, number int, size int64) (u store.UploadInfo, space store.Reservation, err error) {
	r := x.mine(nil, bucket, key)
	r.part = &partPlace{upload: upload, number: number}
	a, err := r.hold(ctx, max(size, 0), 0, true)
	if err != nil && !errors.Is(err, store.ErrQuotaExceeded) {
		return u, nil, err
	}
	if a.upload == nil {
		r.Release()
		return u, nil, noUpload(upload)
	}
	if err != nil {
		return u, nil, err
	}
	if err := json.Unmarshal(a.upload, &u); err != nil {
		r.Release()
		return u, nil, err
	}
	r.part.taken = a.part != nil
	return u, r, nil
}

// answer is what hold.sql says.
type answer struct {
	view
	turns       int64 // of quotas that were taken
	found       bool
	quoted      bool // a quota limits the key
	need        int64
	held        *int64
	limit, used *int64 // of the narrowest that has no room
	prefix      []byte
	upload      []byte // JSON of the part's, nil where there is none
	part        *int64 // seq of the one that is there
	row         row    // at the key
}

// ask queues what sets bytes aside for r. after is put behind the statements that take turns.
func (r *reservation) ask(b *pgx.Batch, bytes, more int64, replaces, write bool, after string) *answer {
	a := &answer{}
	a.maxSize = r.x.MaxSize()
	bound, cover := a.maxSize, covering(r.key)
	if r.bucket == store.SystemBucket {
		bound, cover = 0, [][]byte{} // it is never refused
	}
	b.Queue(takeTurnIfLimited+after, []byte(r.bucket), cover).Exec(func(tag pgconn.CommandTag) error {
		a.turns = tag.RowsAffected()
		return nil
	})
	if bound > 0 {
		b.Queue(takeTurnOfAll + after)
	}
	columns := []any{&a.bucketID, &a.version, &a.limited, &a.quoted, &a.need, &a.held, &a.limit, &a.used, &a.prefix, &a.upload, &a.part}
	var upload []byte
	number := 0
	if r.part != nil {
		upload, number = []byte(r.part.upload), r.part.number
	}
	b.Queue(holdSQL, []byte(r.bucket), []byte(r.key), bytes, replaces, more, cover, bound, r.id, r.x.instance.id, write, upload, number).
		QueryRow(func(one pgx.Row) error {
			err := one.Scan(append(columns, a.row.columns()...)...)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			a.found = err == nil
			return err
		})
	return a
}

// refusal is nil where all that was asked for fits.
func (a *answer) refusal(bucket string) error {
	if !a.found {
		return noBucket(bucket)
	}
	if a.limit == nil {
		return nil
	}
	what := "the store's limit"
	switch {
	case len(a.prefix) > 0:
		what = "the quota of " + string(a.prefix) + " in bucket " + bucket
	case a.prefix != nil:
		what = "the quota of bucket " + bucket
	}
	return store.Refuse(store.QuotaExceeded, "%s is %d bytes: %d are in use and %d more are needed", what, *a.limit, *a.used, a.need)
}

// untaken reports whether a quota came between the asking for its turn and the looking: what was
// set aside without the turn may be too much.
func (a *answer) untaken() bool { return a.quoted && a.turns == 0 }

// hold sets bytes aside in a transaction of its own: all of what r is to hold, or, where it
// replaces, the size of the new object or part. more is taken where there is plenty.
func (r *reservation) hold(ctx context.Context, bytes, more int64, replaces bool) (*answer, error) {
	var a *answer
	err := again(ctx, func() error {
		b := &pgx.Batch{}
		a = r.ask(b, bytes, more, replaces, true, notDurable)
		err := r.x.pool.SendBatch(ctx, b).Close()
		switch {
		case lost(err):
			return err
		case err != nil:
			r.x.forgetLater(r.id) // it may be there all the same
			return err
		case a.held != nil:
			r.row, r.held = true, *a.held
		}
		if a.untaken() {
			r.Release()
			return errAgain
		}
		return a.refusal(r.bucket)
	})
	if err == nil {
		r.view, r.wanted = &a.view, a.need
	}
	return a, err
}

// Grow implements store.Reservation.
func (r *reservation) Grow(n int64) error {
	if n <= 0 {
		return nil
	}
	wanted := r.wanted + n
	if !r.limits() || r.row && wanted <= r.held {
		r.wanted = wanted
		return nil
	}
	more := int64(0)
	if wanted > growsFrom {
		more = wanted + min(wanted, growsBy)
	}
	ctx, cancel := context.WithTimeout(context.Background(), transactionTime)
	defer cancel()
	seen, old := r.seen, r.old
	_, err := r.hold(ctx, wanted, more, false)
	r.seen, r.old = seen, old
	return err
}

// limits reports whether something limited the key at the last look, as far as is known here.
func (r *reservation) limits() bool {
	return r.view == nil || r.view.limited || r.view.maxSize != r.x.MaxSize()
}

// Release implements store.Reservation.
func (r *reservation) Release() {
	if !r.row {
		return
	}
	r.row = false
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	err := again(ctx, func() error {
		_, err := r.x.pool.Exec(ctx, `DELETE FROM reservations WHERE id = $1`, r.id)
		return err
	})
	if err != nil {
		r.x.forgetLater(r.id)
	}
}

// covers reports whether r was held against what is so now and has room for bytes more.
func (r *reservation) covers(bytes int64) bool {
	switch {
	case r.view == nil:
		return false
	case bytes <= 0 || r.bucket == store.SystemBucket || !r.limits():
		return true
	}
	return r.row && bytes <= r.held && r.view.maxSize == r.x.MaxSize()
}

// spend is what put.sql deletes.
func (r *reservation) spend(there bool) int64 {
	if !there {
		return 0
	}
	return r.id
}

// lockReservation queues what makes sure that r is there until the transaction ends.
func (t *txn) lockReservation(r *reservation) *bool {
	there := new(bool)
	if r.row {
		t.get(there, []any{nil}, `SELECT id FROM reservations WHERE id = $1 FOR UPDATE`, r.id)
	}
	return there
}

// charge makes sure that bytes more fit all that limits the key of r in b, which r covers where it is
// still there and nothing has changed. It is the last step that may refuse. Another reservation is
// not made: the turn is the transaction's until it ends.
func (t *txn) charge(b *bucket, r *reservation, there bool, bytes int64) error {
	if bytes <= 0 || r.bucket == store.SystemBucket {
		return nil
	}
	if v := r.view; v != nil && v.bucketID == b.id && v.version == b.version && r.row == there && r.covers(bytes) {
		return nil
	}
	a := r.ask(t.batch, bytes, 0, false, false, "")
	if err := t.send(); err != nil {
		return err
	}
	if a.untaken() {
		return errAgain
	}
	return a.refusal(r.bucket)
}

// spent is called when a write has used r up.
func (r *reservation) spent() { r.row, r.view, r.seen, r.old, r.part = false, nil, false, nil, nil }
