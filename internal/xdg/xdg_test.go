package xdg_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// SPEC A6, A7: the roots, moved by their variables; a relative value is ignored.
func TestFind(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want xdg.Roots
		err  bool
	}{
		{"defaults", map[string]string{"HOME": "/h"}, xdg.Roots{
			Config: "/h/.config/tonbo/artifacts", Cache: "/h/.cache/tonbo/artifacts",
			State: "/h/.local/state/tonbo/artifacts", Data: "/h/.local/share/tonbo/artifacts",
		}, false},
		{"moved", map[string]string{"XDG_CONFIG_HOME": "/c", "XDG_CACHE_HOME": "/k", "XDG_STATE_HOME": "/s", "XDG_DATA_HOME": "/d"}, xdg.Roots{
			Config: "/c/tonbo/artifacts", Cache: "/k/tonbo/artifacts", State: "/s/tonbo/artifacts", Data: "/d/tonbo/artifacts",
		}, false},
		{"relative", map[string]string{"HOME": "/h", "XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": "./s"}, xdg.Roots{
			Config: "/h/.config/tonbo/artifacts", Cache: "/h/.cache/tonbo/artifacts",
			State: "/h/.local/state/tonbo/artifacts", Data: "/h/.local/share/tonbo/artifacts",
		}, false},
		{"nowhere", nil, xdg.Roots{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := xdg.Find(func(k string) string { return tt.env[k] })
			if (err != nil) != tt.err || (err == nil && got != tt.want) {
				t.Errorf("Find = %+v, %v", got, err)
			}
		})
	}
}

// SPEC A6, A8: made once, 0700 under any umask, and said once.
func TestEnsure(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	var said strings.Builder
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		if err := xdg.Ensure(dir, "state", &said); err != nil {
			t.Fatal(err)
		}
	}
	if said.String() != "state: "+dir+"\n" {
		t.Errorf("said %q", said.String())
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(d); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", d, info.Mode(), err)
		}
	}
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := xdg.Ensure(file, "", nil); err == nil {
		t.Error("a file was taken for a folder")
	}
}
