package coordinator

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
)

// numbered writes refusals from up to to.
func numbered(t *testing.T, a *auditLog, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		a.control(auditLine{Action: "GET /v1/peers", Subject: strconv.Itoa(i), Reason: "no"})
	}
}

// subjects are those of the lines of a file, which are whole.
func subjects(t *testing.T, path string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var l auditLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, l.Subject)
	}
	return list
}

// SPEC C21: who moves the audit log away, as logrotate does, or removes it, loses no line: the next one begins a new file.
func TestAuditFileIsMoved(t *testing.T) {
	path := AuditFile(t.TempDir())
	a, err := openAudit(path, "", config.Default().Audit, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	numbered(t, a, 0, 2)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	numbered(t, a, 2, 4)
	if got := subjects(t, path+".1"); len(got) != 2 {
		t.Errorf("the file that was moved away has %v", got)
	}
	if got := subjects(t, path); len(got) != 2 || got[0] != "2" {
		t.Errorf("the new file has %v", got)
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	numbered(t, a, 4, 5)
	a.close()
	if got := subjects(t, path); len(got) != 1 || got[0] != "4" {
		t.Errorf("after its folder was removed it has %v", got)
	}
}

// SPEC C21: lines that could not be written are written later, in order; how often it failed is counted.
func TestAuditCannotBeWritten(t *testing.T) {
	path := AuditFile(t.TempDir())
	a, err := openAudit(path, "", config.Default().Audit, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // no file can be made there
		t.Fatal(err)
	}
	numbered(t, a, 0, 3)
	if n := a.failed.Load(); n != 3 || !a.failing.Load() {
		t.Errorf("it failed %d times, want 3", n)
	}
	numbered(t, a, 3, 2000)
	if len(a.buf) > auditBuffer {
		t.Errorf("%d bytes are kept, more than %d", len(a.buf), auditBuffer)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	a.close()
	if a.failing.Load() {
		t.Error("it goes on warning")
	}
	got := subjects(t, path)
	for i, s := range got {
		if s != strconv.Itoa(i) {
			t.Fatalf("line %d is of refusal %s", i, s)
		}
	}
	if len(got) < 100 {
		t.Errorf("%d lines were kept", len(got))
	}
}
