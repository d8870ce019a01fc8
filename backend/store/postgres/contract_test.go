package postgres

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/dir"
	"github.com/artifacts-tui/artifacts-tui/backend/store/storetest"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
)

func TestMain(m *testing.M) {
	storetest.Child(openStore)
	os.Exit(pgtest.Main(m))
}

// newDatabase is set by the test that opens stores; a child only opens what is there.
var newDatabase func() (string, error)

// openStore has a store of this index and a folder, which one process has at a time. The folder
// says which database it belongs to.
func openStore(place string, maxSize int64) (*store.Store, error) {
	if err := os.MkdirAll(place, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(place, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	url, err := databaseOf(place)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := alone(url); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	x, err := Open(context.Background(), url, Options{MaxSize: maxSize})
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	blobs, err := dir.Open(place)
	if err != nil {
		return nil, errors.Join(err, x.Close(), lock.Close())
	}
	return store.New(x, locked{blobs, lock}, store.Options{}), nil
}

// alone waits until the database has done what a process that was killed had asked for: a sweep of a folder
// that is not shared takes it that nobody else writes, and what is committed after it has no bytes.
func alone(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for others := 1; others > 0; {
		err := c.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&others)
		if err != nil {
			return err
		}
		if others > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

func databaseOf(place string) (string, error) {
	name := filepath.Join(place, "database")
	b, err := os.ReadFile(name)
	if !errors.Is(err, os.ErrNotExist) {
		return string(b), err
	}
	url, err := newDatabase()
	if err != nil {
		return "", err
	}
	return url, os.WriteFile(name, []byte(url), 0o600)
}

// locked lets another process have the folder when the store is closed.
type locked struct {
	store.Blobs
	lock *os.File
}

func (l locked) Close() error { return errors.Join(l.Blobs.Close(), l.lock.Close()) }

// SPEC B13, B24, B25, B26, B31, E9
func TestContract(t *testing.T) {
	newDatabase = func() (string, error) { return pgtest.URL(t), nil }
	if os.Getenv("STORETEST_CRASH_ROUNDS") == "" {
		t.Setenv("STORETEST_CRASH_ROUNDS", "3") // make soak has more
	}
	storetest.Run(t, openStore)
}
