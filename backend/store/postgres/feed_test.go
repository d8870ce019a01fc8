package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
)

// follower reads a feed and forgets nothing.
type follower struct {
	feed store.Feed
	at   store.Position
	seen map[string]int
	all  []store.Change
}

func follow(t *testing.T, x *Index) *follower {
	t.Helper()
	head, err := x.Feed().Head(t.Context())
	must(t, err)
	return &follower{feed: x.Feed(), at: head, seen: map[string]int{}}
}

// until reads until n different keys were told of.
func (f *follower) until(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(f.seen) < n {
		news := f.feed.News()
		list, err := f.feed.Read(ctx, f.at, 7)
		must(t, err)
		for _, c := range list {
			f.at = c.Position
			f.seen[c.Key]++
			f.all = append(f.all, c)
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-news:
		case <-ctx.Done():
			t.Fatalf("%d keys were told of, want %d", len(f.seen), n)
		}
	}
}

// Three processes write, and each tells of all that any of them has written, in one order and
// without a gap; the positions of one are good for another. SPEC D5, B31
func TestFeedOfManyProcesses(t *testing.T) {
	for name, poll := range map[string]bool{"listening": false, "polling": true} {
		t.Run(name, func(t *testing.T) {
			const writers, each = 9, 30
			url := pgtest.URL(t)
			var indexes []*Index
			for range 3 {
				indexes = append(indexes, openIndex(t, url, Options{poll: poll}))
			}
			must(t, indexes[0].CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
			var followers []*follower
			for _, x := range indexes {
				followers = append(followers, follow(t, x))
			}
			begin := followers[0].at
			var all sync.WaitGroup
			for w := range writers {
				all.Go(func() {
					for i := range each {
						if _, err := write(t.Context(), indexes[w%3], object(fmt.Sprintf("%d/%d", w, i), 1)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			for _, f := range followers {
				f.until(t, writers*each)
			}
			all.Wait()
			for i, f := range followers {
				if len(f.all) != writers*each {
					t.Errorf("process %d tells of %d changes, want %d", i, len(f.all), writers*each)
				}
				for j, c := range f.all {
					if c.Position != followers[0].all[j].Position || c.Key != followers[0].all[j].Key {
						t.Fatalf("process %d has %+v where process 0 has %+v", i, c, followers[0].all[j])
					}
				}
			}
			// One that comes late has all of it from the table.
			late := openIndex(t, url, Options{poll: poll})
			f := follow(t, late)
			f.at = begin
			f.until(t, writers*each)
			if len(f.all) != writers*each {
				t.Errorf("a process that comes late tells of %d changes, want %d", len(f.all), writers*each)
			}
		})
	}
}

// A transaction that commits long after later ones is told of all the same. SPEC D5
func TestFeedHasNoGap(t *testing.T) {
	url := pgtest.URL(t)
	x, y := openIndex(t, url, Options{}), openIndex(t, url, Options{})
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	f := follow(t, y)
	release, waiting, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- x.update(context.Background(), func(tx *txn) error {
			tx.tell(store.Change{Kind: store.ChangePut, Bucket: "bucket", Key: "late"})
			if err := tx.send(); err != nil {
				return err
			}
			close(waiting)
			<-release
			return nil
		})
	}()
	<-waiting
	for i := range 20 {
		put(t, x, fmt.Sprint(i), 1)
	}
	f.until(t, 20)
	if f.seen["late"] > 0 {
		t.Fatal("a change was told of before it was durable")
	}
	close(release)
	must(t, <-done)
	f.until(t, 21)
	if f.seen["late"] != 1 {
		t.Errorf("%v", f.seen)
	}
}

// What a process wrote before it died, and had no time to tell of, others tell of. SPEC D5
func TestFeedOfTheDead(t *testing.T) {
	url := pgtest.URL(t)
	x := openIndex(t, url, Options{})
	dead := openIndex(t, url, Options{})
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	f := follow(t, x)
	dead.stop()
	dead.done.Wait() // nobody numbers what it writes
	put(t, dead, "k", 1)
	f.until(t, 1)
}

// A position goes on, or is refused; never is it taken for another one. SPEC D5
func TestFeedPositions(t *testing.T) {
	url := pgtest.URL(t)
	x := openIndex(t, url, Options{})
	x.keepChanges = 10
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	f := follow(t, x)
	begin := f.at
	for i := range 30 {
		put(t, x, fmt.Sprint(i), 1)
	}
	f.until(t, 30)
	must(t, x.tidy(t.Context()))
	y := openIndex(t, url, Options{}) // has nothing in memory
	lost := func(what string, p store.Position) {
		t.Helper()
		if list, err := y.Feed().Read(t.Context(), p, 100); !errors.Is(err, store.ErrFeedLost) {
			t.Errorf("%s: %d changes, %v", what, len(list), err)
		}
	}
	lost("a position that was trimmed", begin)
	lost("a position just before what is kept", f.all[18].Position)
	if list, err := y.Feed().Read(t.Context(), f.all[19].Position, 100); err != nil || len(list) != 10 || list[0].Key != "20" {
		t.Errorf("%d changes are kept, %v", len(list), err)
	}
	lost("a position of the future", position(x.feed.life, 31))
	lost("of another life", position(x.feed.life+1, 30))

	// The database is one of before: its numbers begin another life, for every process.
	_, err := x.pool.Exec(t.Context(), `UPDATE feed SET head = 25`)
	must(t, err)
	_, err = x.pool.Exec(t.Context(), `DELETE FROM changes WHERE number > 25`)
	must(t, err)
	put(t, x, "new", 1)
	for _, z := range []*Index{x, y} {
		eventually(t, "another life", func() bool {
			p, err := z.Feed().Head(t.Context())
			must(t, err)
			_, err = z.Feed().Read(t.Context(), f.all[24].Position, 1)
			return p != "" && errors.Is(err, store.ErrFeedLost)
		})
	}
	lost("of before", f.all[29].Position)
}

// The stream goes on after the database was away, and after the connection that listens was cut. SPEC D5
func TestFeedAfterARestart(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database(t)
	x, y := openIndex(t, url, Options{}), openIndex(t, url, Options{})
	must(t, x.CreateBucket(t.Context(), store.BucketInfo{Name: "bucket"}))
	f := follow(t, y)
	put(t, x, "before", 1)
	f.until(t, 1)
	server.Kill()
	server.Restart(t)
	eventually(t, "a write", func() bool {
		_, err := write(t.Context(), x, object("after", 1))
		return err == nil
	})
	f.until(t, 2)
	cut(t, y.pool.Config().ConnConfig)
	put(t, x, "cut", 1)
	start := time.Now()
	f.until(t, 3)
	t.Log("after the cut it took", time.Since(start))
	sound(t, x)
}

// cut ends all other connections.
func cut(t *testing.T, config *pgx.ConnConfig) {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), config)
	must(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'LISTEN%'`)
	must(t, err)
}
