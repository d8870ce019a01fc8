package postgres

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// Options tune an Index. The zero value is usable.
type Options struct {
	MaxSize int64        // bytes of all buckets; 0: unlimited. Coordinators that share the index should agree on it
	Log     *slog.Logger // nil: nothing is logged
	Conns   int          // connections at most; 0: 16. A pool_max_conns in the URL is taken instead
	// Exclusive says that no other process may use the index: those that the database still
	// takes for alive cannot change anything any more. It is for blobs that one process has alone.
	Exclusive bool
}

// Index is a store.Index in a database.
type Index struct {
	store.Index
	pool *pgxpool.Pool
}

// Open connects to the database at url (postgres://user@host/name, or a keyword string; a
// password may come from PGPASSWORD or a passfile), makes or migrates the tables, and registers
// this process as one that uses them. Close takes it back.
func Open(ctx context.Context, url string, o Options) (*Index, error) {
	return nil, errors.New("the PostgreSQL index is not built yet")
}
