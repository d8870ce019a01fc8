package profile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/profile"
)

// SPEC C8: every value of every profile is set and within its bounds, and no two profiles
// have one in common but the patience with the store.
func TestProfilesAreComplete(t *testing.T) {
	for _, o := range profile.All() {
		if o.WriteBack == 0 || o.DirCache == 0 || o.Streams == 0 || o.CacheSize == 0 || o.StoreTimeout == 0 {
			t.Errorf("%s leaves something out: %+v", o.Profile, o)
		}
		if err := profile.Check(o); err != nil {
			t.Errorf("%s: %v", o.Profile, err)
		}
		if got, err := profile.Resolve(o.Profile, "", mounts.Options{}); err != nil || got != o {
			t.Errorf("%s: %+v, %v", o.Profile, got, err)
		}
	}
	i, b := profile.All()[0], profile.All()[1]
	if i.WriteBack == b.WriteBack || i.DirCache == b.DirCache || i.Uploads == b.Uploads || i.CacheSize == b.CacheSize {
		t.Errorf("two profiles share a value:\n%+v\n%+v", i, b)
	}
	if got, err := profile.Resolve("", "", mounts.Options{}); err != nil || got != i {
		t.Errorf("the default: %+v, %v", got, err)
	}
}

// A flag wins over the profile.
func TestResolveFlags(t *testing.T) {
	got, err := profile.Resolve(profile.Benchmark, "", mounts.Options{Uploads: 3, WriteBack: time.Hour})
	want := profile.All()[1]
	want.Uploads, want.WriteBack = 3, time.Hour
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// SPEC C8: custom takes a file, which is validated.
func TestCustom(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "profile.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got, err := profile.Resolve(profile.Custom, file("write_back: 2s\nuploads: 8\nstreams: 4\ncache_size: 2GB\ndir_cache: 5m\n"), mounts.Options{Streams: 5})
	want := mounts.Options{
		Profile: "custom", WriteBack: 2 * time.Second, Uploads: 8, Streams: 5, CacheSize: 2 << 30, DirCache: 5 * time.Minute,
		StoreTimeout: 30 * time.Second, // not in the file: as in interactive
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	for text, said := range map[string]string{
		"uploads: 8\nupload_s: 9\n": "2:",
		"uploads: -1\n":             "uploads is out of bounds",
		"uploads: many\n":           "profile.yaml",
		"write_back: -1s\n":         "write_back is out of bounds",
		"dir_cache: 5 minutes\n":    "profile.yaml",
		"cache_size: 3 bananas\n":   "not a size",
		"streams: 1000\n":           "streams is out of bounds",
	} {
		if _, err := profile.Resolve(profile.Custom, file(text), mounts.Options{}); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), said) || fault.As(err).Hint == "" {
			t.Errorf("%q: %v, want %q and a hint", text, err, said)
		}
	}
	for _, bad := range []struct{ name, file string }{
		{"custom", ""}, {"custom", "/no/such/file"}, {"interactive", file("uploads: 8\n")}, {"", file("uploads: 8\n")}, {"turbo", ""},
	} {
		if _, err := profile.Resolve(bad.name, bad.file, mounts.Options{}); !fault.Is(err, fault.Usage) || fault.As(err).Hint == "" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := profile.Resolve("", "", mounts.Options{Uploads: 100_000}); !fault.Is(err, fault.Usage) {
		t.Errorf("a flag out of bounds: %v", err)
	}
}
