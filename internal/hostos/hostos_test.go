package hostos

import (
	"os"
	"path/filepath"
	"testing"
)

func TestBootIDIsOneAndStays(t *testing.T) {
	first, err := BootID()
	if err != nil || len(first) != 36 {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := BootID(); err != nil || again != first {
		t.Fatalf("%q then %q, %v", first, again, err)
	}
}

// Durability itself shows only when the power goes; that a missing file or folder is an
// error, and that what is reserved costs no byte of the content, shows here.
func TestSyncAndReserve(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("bytes"); err != nil {
		t.Fatal(err)
	}
	if err := Reserve(f, 5, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(5); err != nil {
		t.Fatal(err)
	}
	if err := SyncData(f); err != nil {
		t.Fatal(err)
	}
	if err := SyncBelow(dir); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(f.Name()); err != nil || string(b) != "bytes" {
		t.Fatalf("%q, %v", b, err)
	}
	f.Close()
	if SyncData(f) == nil {
		t.Error("a closed file was synced")
	}
	if SyncBelow(filepath.Join(dir, "missing")) == nil {
		t.Error("a missing folder was synced")
	}
}
