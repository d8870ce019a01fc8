package bolt

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// SPEC B26: an index with a damaged page is an error of the check, which does not end the program.
func TestProbe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x, err := Open(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 { // several pages
		name := fmt.Sprintf("bucket-%03d", i)
		if err := x.CreateBucket(t.Context(), store.BucketInfo{Name: name, Owner: name, Created: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Probe(path); err != nil {
		t.Errorf("a whole index: %v", err)
	}
	// The number of a page is at its beginning, its kind is at 8, and the place of its first piece at 16 and 20.
	found := 0
	for page := 2 * os.Getpagesize(); page < len(whole); page += os.Getpagesize() {
		if whole[page] == 0 { // never written
			continue
		}
		for _, at := range []int{7, 9, 19, 23} {
			bad := append([]byte{}, whole...)
			bad[page+at] ^= 0x40
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if Probe(path) != nil {
				found++
			}
		}
	}
	if found < 8 {
		t.Errorf("of all damage %d were found", found)
	}
}
