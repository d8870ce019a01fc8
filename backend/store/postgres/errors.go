package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html.
const (
	uniqueViolation      = "23505"
	duplicateObject      = "42710"
	duplicateTable       = "42P07"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// attempts bounds how often a transaction is run that lost to another one: the last wait is
// about a quarter of a second.
const (
	attempts  = 20
	firstWait = time.Millisecond
	lastWait  = 250 * time.Millisecond
)

// errAgain says that nothing was changed, and that another attempt may succeed.
var errAgain = errors.New("the transaction lost to others too often")

// code is the SQLSTATE of an error of the database, empty where it is none.
func code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// constraint is the name of what an error of the database says was violated.
func constraint(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.ConstraintName
	}
	return ""
}

// lost reports whether a transaction was taken back for the sake of others, or was never there.
func lost(err error) bool {
	c := code(err)
	return c == serializationFailure || c == deadlockDetected || errors.Is(err, errAgain) ||
		err != nil && pgconn.SafeToRetry(err) // nothing was sent: a connection of a server that is gone
}

// again runs a transaction until it no longer loses.
func again(ctx context.Context, run func() error) error {
	wait := firstWait
	for n := 1; ; n++ {
		err := run()
		if !lost(err) || n == attempts {
			return err
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return err
		}
		wait = min(2*wait, lastWait)
	}
}

// reading runs what changes nothing, and so once more where the connection broke, as all do when
// the database is started again.
func (x *Index) reading(ctx context.Context, run func() error) error {
	return again(ctx, func() error {
		err := run()
		if broken(ctx, err) {
			err = run()
		}
		return err
	})
}

// broken reports whether an error is of the connection, and not an answer of the database.
func broken(ctx context.Context, err error) bool {
	var refusal *store.Error
	if err == nil || ctx.Err() != nil || errors.Is(err, pgx.ErrNoRows) || errors.As(err, &refusal) {
		return false
	}
	var e *pgconn.PgError
	return !errors.As(err, &e) || e.Severity == "FATAL"
}
