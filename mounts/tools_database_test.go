//go:build linux

package mounts_test

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var databaseTools = []tool{
	{
		"sqlite-rollback",
		func(t *testing.T, dir string) {
			db := filepath.Join(dir, "db")
			wantOutput(t, sql(t, db, "PRAGMA journal_mode=DELETE;"), "delete\n")
			fillDatabase(t, db)
			writer := openSQL(t, db)
			writer.ask("BEGIN IMMEDIATE; UPDATE t SET text = 'changed' WHERE id <= 10;")
			if _, err := os.Stat(db + "-journal"); err != nil {
				t.Errorf("a transaction without its journal: %v", err)
			}
			wantOutput(t, sql(t, db, changedRows), "0\n") // a reader beside the writer
			if out := refuses(t, dir, "sqlite3", "-batch", db, "BEGIN IMMEDIATE;"); !strings.Contains(out, "locked") {
				t.Errorf("a second writer: %s", out)
			}
			writer.ask("COMMIT;")
			wantOutput(t, sql(t, db, changedRows), "10\n")
			writer.ask("BEGIN; DELETE FROM t; ROLLBACK;")
			writer.close()
			wantOutput(t, sql(t, db, "VACUUM; PRAGMA integrity_check; SELECT count(*) FROM t;"), "ok\n2000\n")
		},
		checkDatabase,
	},
	{
		"sqlite-wal",
		func(t *testing.T, dir string) {
			db := filepath.Join(dir, "db")
			wantOutput(t, sql(t, db, "PRAGMA journal_mode=WAL;"), "wal\n")
			fillDatabase(t, db)
			writer, reader := openSQL(t, db), openSQL(t, db)
			wantOutput(t, reader.ask("BEGIN; "+changedRows), "0\n")
			writer.ask("BEGIN IMMEDIATE; UPDATE t SET text = 'changed' WHERE id <= 10;")
			wantOutput(t, sql(t, db, changedRows), "0\n")
			writer.ask("COMMIT;")
			wantOutput(t, reader.ask(changedRows), "0\n") // its transaction sees what it saw
			wantOutput(t, sql(t, db, changedRows), "10\n")
			wantOutput(t, reader.ask("COMMIT; "+changedRows), "10\n")
			wantOutput(t, writer.ask("PRAGMA wal_checkpoint(TRUNCATE);"), "0|0|0\n")
			reader.close()
			writer.close()
		},
		checkDatabase,
	},
}

const changedRows = "SELECT count(*) FROM t WHERE text = 'changed';"

func fillDatabase(t *testing.T, db string) {
	t.Helper()
	sql(t, db, `CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT);
		CREATE INDEX by_text ON t (text);
		INSERT INTO t (text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) SELECT hex(zeroblob(20)) || i FROM n;`)
}

func checkDatabase(t *testing.T, dir string) {
	db := filepath.Join(dir, "db")
	wantOutput(t, sql(t, db, "PRAGMA integrity_check; SELECT count(*) FROM t; "+changedRows), "ok\n2000\n10\n")
	wantOutput(t, sql(t, db, "DELETE FROM t WHERE id > 10; VACUUM; PRAGMA integrity_check; SELECT count(*) FROM t;"), "ok\n10\n")
}

func sql(t *testing.T, db, statements string) string {
	t.Helper()
	return does(t, filepath.Dir(db), "sqlite3", "-batch", "-bail", db, statements)
}

// sqlShell is a connection that stays open.
type sqlShell struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
	end func() error
}

func openSQL(t *testing.T, db string) *sqlShell {
	t.Helper()
	cmd := command(t, filepath.Dir(db), "sqlite3", "-batch", "-bail", db)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = cmd.Stdout
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &sqlShell{t, in, bufio.NewReader(out), cmd.Wait}
}

// ask runs statements and returns what they print.
func (s *sqlShell) ask(statements string) string {
	s.t.Helper()
	const end = "answered"
	_, err := io.WriteString(s.in, statements+"\n.print "+end+"\n")
	must(s.t, err)
	var text strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("sqlite3 ended: %s%s%v", text.String(), line, err)
		}
		if line == end+"\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

func (s *sqlShell) close() {
	s.t.Helper()
	must(s.t, s.in.Close())
	must(s.t, s.end())
}
