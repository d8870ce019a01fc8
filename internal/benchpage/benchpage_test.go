//go:build linux

package benchpage

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Replace(page, "a", "new\n"); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(page); string(text) != "before\n<!-- a:begin -->\nnew\n<!-- a:end -->\nafter\n" {
		t.Errorf("%s", text)
	}
	if err := Replace(page, "b", "new\n"); err == nil {
		t.Error("a block that is not there was replaced")
	}
}
