package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

const (
	channel = "artifacts_changes"
	// Writers that commit within gather of one another are numbered in one transaction.
	gather = 10 * time.Millisecond
	// How often the table is looked at where nobody says that there is something.
	pollListening = 500 * time.Millisecond
	pollOnly      = 200 * time.Millisecond

	moveAtOnce  = 10_000
	readAtOnce  = 5_000
	keepChanges = 1 << 20 // in the table
	keepTime    = 24 * time.Hour
	recentMax   = 16 << 10 // changes in memory
)

// feed is the store.Feed of an index: the table changes, whose newest rows each process has in
// memory, read once for all of its readers.
//
// Transactions that run side by side become visible in any order, so that a number that a writer
// takes would be of no use: a reader who has seen 8 may have missed 7. Writers therefore leave
// their changes in news, and whoever holds the row of feed numbers what can be seen there by then.
// Numbers become visible in their order, as the row is held until they are. A writer's own
// process does this at once; where it dies before, another one does within pollListening.
type feed struct {
	x         *Index
	wake      chan struct{} // a writer of this process has committed
	heard     chan struct{} // another process has numbered changes
	listens   bool          // it is tried to LISTEN
	listening bool          // and it is done; follow's alone
	notifies  bool          // it could be done: others may; follow's alone

	mu     sync.Mutex
	life   int64
	head   int64          // number of the last of recent, or that of the table where there is none
	recent []store.Change // without a gap
	news   chan struct{}  // closed and replaced when head goes on
}

var _ store.Feed = (*feed)(nil)

func openFeed(ctx context.Context, x *Index, listens bool) (*feed, error) {
	f := &feed{x: x, listens: listens, wake: make(chan struct{}, 1), heard: make(chan struct{}, 1), news: make(chan struct{})}
	// What a writer that died has left comes first, so that the head is behind nothing that can be seen.
	if err := f.number(ctx); err != nil {
		return nil, err
	}
	return f, x.pool.QueryRow(ctx, `SELECT life, head FROM feed WHERE id = 1`).Scan(&f.life, &f.head)
}

// hurry has the changes that were just committed told of now.
func (f *feed) hurry() { poke(f.wake) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// follow numbers and reads changes until ctx ends.
func (f *feed) follow(ctx context.Context) {
	var listener sync.WaitGroup
	defer listener.Wait()
	hears := make(chan bool)
	if f.listens {
		listener.Go(func() { f.listen(ctx, hears) })
	}
	poll := time.NewTicker(pollOnly)
	defer poll.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case f.listening = <-hears:
			poll.Reset(pollOnly)
			if f.listening {
				poll.Reset(pollListening)
				f.notifies = true
			}
		case <-f.wake:
			if wait(ctx, gather) {
				err = f.number(ctx)
			}
		case <-poll.C:
			var left bool
			if err = f.x.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM news)`).Scan(&left); left {
				err = f.number(ctx)
			}
		case <-f.heard:
		}
		if err == nil {
			err = f.read(ctx)
		}
		if err != nil && ctx.Err() == nil {
			f.x.log.Warn("changes could not be told of; it is tried again", "err", err)
			poke(f.wake)
			wait(ctx, pollOnly)
		}
	}
}

// wait reports whether the time has passed and ctx not ended.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// listen pokes heard whenever another process has numbered changes, where the database can say
// so, and tells hears whether it does.
func (f *feed) listen(ctx context.Context, hears chan<- bool) {
	for ctx.Err() == nil {
		err := f.listenOnce(ctx, hears)
		if c := code(err); c == "0A000" || c == "42601" { // not supported, or not even parsed
			f.x.log.Info("the database does not offer LISTEN: changes are looked for", "every", pollOnly)
			return
		}
		tell(ctx, hears, false)
		wait(ctx, pollOnly)
	}
}

func tell(ctx context.Context, to chan<- bool, what bool) {
	select {
	case to <- what:
	case <-ctx.Done():
	}
}

func (f *feed) listenOnce(ctx context.Context, hears chan<- bool) error {
	conn, err := pgx.ConnectConfig(ctx, f.x.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	tell(ctx, hears, true)
	poke(f.heard) // what came meanwhile
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		poke(f.heard)
	}
}

// number moves what can be seen of news to changes.
func (f *feed) number(ctx context.Context) error {
	for {
		var moved int64
		err := again(ctx, func() error {
			b := &pgx.Batch{}
			b.Queue(`SELECT head FROM feed WHERE id = 1 FOR UPDATE`)
			b.Queue(`WITH taken AS (
					DELETE FROM news WHERE id IN (SELECT id FROM news ORDER BY id LIMIT $1)
					RETURNING id, kind, bucket, key, etag, size, modified
				), numbered AS (
					INSERT INTO changes (number, kind, bucket, key, etag, size, modified, told)
					SELECT (SELECT head FROM feed WHERE id = 1) + row_number() OVER (ORDER BY id), kind, bucket, key, etag, size, modified, now() FROM taken
				)
				UPDATE feed SET head = head + (SELECT count(*) FROM taken) WHERE id = 1 AND EXISTS (SELECT 1 FROM taken) RETURNING (SELECT count(*) FROM taken)`, moveAtOnce).
				QueryRow(func(row pgx.Row) error {
					err := row.Scan(&moved)
					if errors.Is(err, pgx.ErrNoRows) {
						return nil
					}
					return err
				})
			if f.notifies {
				b.Queue(`NOTIFY ` + channel)
			}
			return f.x.pool.SendBatch(ctx, b).Close()
		})
		if err != nil || moved < moveAtOnce {
			return err
		}
	}
}

// tell queues a change for the feed.
func (t *txn) tell(c store.Change) {
	modified := int64(0)
	if !c.Modified.IsZero() {
		modified = c.Modified.UnixNano()
	}
	t.queue(`INSERT INTO news (kind, bucket, key, etag, size, modified) VALUES ($1, $2, $3, $4, $5, $6)`,
		string(c.Kind), []byte(c.Bucket), []byte(c.Key), []byte(c.ETag), c.Size, modified)
}

// table is where the feed's table stands.
type table struct{ life, head, lost int64 }

// after reads changes above a number, and where the table stands.
func (f *feed) after(ctx context.Context, number int64, limit int) (list []store.Change, at table, err error) {
	err = f.x.reading(ctx, func() error {
		list = nil
		b := &pgx.Batch{}
		b.Queue(`SELECT life, head, lost FROM feed WHERE id = 1`).QueryRow(func(row pgx.Row) error {
			return row.Scan(&at.life, &at.head, &at.lost)
		})
		b.Queue(`SELECT number, kind, bucket, key, etag, size, modified FROM changes WHERE number > $1 ORDER BY number LIMIT $2`, number, limit).
			Query(func(rows pgx.Rows) error {
				return eachRow(rows, func(row pgx.Rows) error {
					var n, modified int64
					var kind string
					var bucket, key, etag []byte
					var c store.Change
					if err := row.Scan(&n, &kind, &bucket, &key, &etag, &c.Size, &modified); err != nil {
						return err
					}
					c.Position, c.Kind, c.Bucket, c.Key, c.ETag = position(at.life, n), store.ChangeKind(kind), string(bucket), string(key), string(etag)
					if modified != 0 {
						c.Modified = time.Unix(0, modified).UTC()
					}
					list = append(list, c)
					return nil
				})
			})
		return f.x.pool.SendBatch(ctx, b).Close()
	})
	return list, at, err
}

// read takes over what was numbered since.
func (f *feed) read(ctx context.Context) error {
	for {
		f.mu.Lock()
		life, head := f.life, f.head
		f.mu.Unlock()
		list, at, err := f.after(ctx, head, readAtOnce)
		if err != nil {
			return err
		}
		if at.life == life && at.head < head {
			// The database is an older one than it was: its numbers would be given again.
			if _, err := f.x.pool.Exec(ctx, `UPDATE feed SET life = $1 WHERE id = 1 AND life = $2 AND head < $3`, newID(), life, head); err != nil {
				return err
			}
			continue
		}
		f.mu.Lock()
		switch {
		case at.life != life || at.lost > head: // another life, or this process was cut off for too long
			f.life, f.head, f.recent = at.life, at.head, nil
			list = nil
		case len(list) > 0:
			f.head += int64(len(list))
			f.recent = append(f.recent, list...)
			if len(f.recent) > 2*recentMax {
				f.recent = slices.Clone(f.recent[len(f.recent)-recentMax:])
			}
		default:
			f.mu.Unlock()
			return nil
		}
		close(f.news)
		f.news = make(chan struct{})
		f.mu.Unlock()
		if len(list) < readAtOnce {
			return nil
		}
	}
}

// Head implements store.Feed.
func (f *feed) Head(context.Context) (store.Position, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return position(f.life, f.head), nil
}

// News implements store.Feed.
func (f *feed) News() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.news
}

// Read implements store.Feed: from memory, where the position is not an old one or one that
// another process gave and this one has not come to.
func (f *feed) Read(ctx context.Context, after store.Position, limit int) ([]store.Change, error) {
	limit = max(limit, 1)
	life, number, ok := parse(after)
	if !ok {
		return nil, store.ErrFeedLost
	}
	f.mu.Lock()
	first := f.head - int64(len(f.recent)) // the number before recent[0]
	if life == f.life && number >= first && number <= f.head {
		list := f.recent[number-first:]
		f.mu.Unlock()
		end := min(limit, len(list))
		return list[:end:end], nil
	}
	f.mu.Unlock()
	list, at, err := f.after(ctx, number, min(limit, readAtOnce))
	switch {
	case err != nil:
		return nil, err
	case life != at.life || number > at.head || number < at.lost:
		return nil, store.ErrFeedLost
	}
	return list, nil
}

// trim lets go of old changes.
func (f *feed) trim(ctx context.Context) error {
	b := &pgx.Batch{}
	b.Queue(`SELECT head FROM feed WHERE id = 1 FOR UPDATE`)
	b.Queue(`UPDATE feed SET lost = greatest(lost, head - $1::bigint,
		coalesce((SELECT number - 1 FROM changes WHERE told >= now() - $2::interval ORDER BY number LIMIT 1), head)) WHERE id = 1`,
		f.x.keepChanges, keepTime)
	b.Queue(`DELETE FROM changes WHERE number <= (SELECT lost FROM feed WHERE id = 1)`)
	return f.x.pool.SendBatch(ctx, b).Close()
}

func position(life, number int64) store.Position {
	return store.Position(strconv.FormatInt(life, 36) + "-" + strconv.FormatInt(number, 10))
}

func parse(p store.Position) (life, number int64, ok bool) {
	a, b, ok := strings.Cut(string(p), "-")
	if !ok {
		return 0, 0, false
	}
	life, err := strconv.ParseInt(a, 36, 64)
	number, err2 := strconv.ParseInt(b, 10, 64)
	return life, number, err == nil && err2 == nil && number >= 0
}
