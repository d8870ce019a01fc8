package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables to the version that this program knows, one file a version. Who
// holds the row of schema_version does it; the others wait for it, and find it done.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return err
	}
	err = again(ctx, func() error {
		_, err := pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_version (id int PRIMARY KEY, version int NOT NULL)`)
		switch code(err) {
		case uniqueViolation, duplicateObject, duplicateTable: // another process makes the same table at this moment
			return errAgain
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `INSERT INTO schema_version (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	return again(ctx, func() error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			var version int
			if err := tx.QueryRow(ctx, `SELECT version FROM schema_version WHERE id = 1 FOR UPDATE`).Scan(&version); err != nil {
				return err
			}
			if version > len(files) {
				return fmt.Errorf("its tables have version %d, this program knows up to %d", version, len(files))
			}
			for i, f := range files[version:] {
				sql, err := fs.ReadFile(migrations, "migrations/"+f.Name())
				if err != nil {
					return err
				}
				// Without arguments, so that the file may hold many statements.
				if _, err := tx.Exec(ctx, string(sql)); err != nil {
					return fmt.Errorf("%s: %w", f.Name(), err)
				}
				if _, err := tx.Exec(ctx, `UPDATE schema_version SET version = $1 WHERE id = 1`, version+i+1); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
