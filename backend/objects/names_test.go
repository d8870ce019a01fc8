package objects

import (
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// SPEC C10: a place says by itself what it is.
func TestParse(t *testing.T) {
	for text, want := range map[string]Name{
		"bkt":                {Kind: Bucket, In: "bkt"},
		"bkt/":               {Kind: Bucket, In: "bkt"},
		"bkt/a/b":            {Kind: Bucket, In: "bkt", Path: "a/b"},
		"bkt//x":             {Kind: Bucket, In: "bkt", Path: "/x"},
		"s3://bkt/a b+c":     {Kind: Bucket, In: "bkt", Path: "a b+c"},
		"workspace:w":        {Kind: Workspace, In: "w"},
		"workspace:w/a/":     {Kind: Workspace, In: "w", Path: "a/"},
		"workspace:w/./a":    {Kind: Workspace, In: "w", Path: "./a"},
		"./bkt/a":            {Kind: Local, Path: "./bkt/a"},
		"../a":               {Kind: Local, Path: "../a"},
		"/a":                 {Kind: Local, Path: "/a"},
		".":                  {Kind: Local, Path: "."},
		"-":                  {Kind: Std},
		"./-":                {Kind: Local, Path: "./-"},
		"./workspace:w/file": {Kind: Local, Path: "./workspace:w/file"},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q, which is %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "C:/x", "workspace:", "workspace:../x", "b*/x", "s3://", "a b/c"} {
		if got, err := Parse(text); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	// What is no place may be a URL with keys, or a signed one. SPEC A35
	for _, text := range []string{"s3://AKIA:hush@b/k", "AKIA:hush@b/k", "https://joe:hush@h/b/k", "https://h/b/k?X-Amz-Signature=hush", "b:1/k?Signature=hush"} {
		if got, err := Parse(text); !fault.Is(err, fault.Usage) || strings.Contains(err.Error()+fault.As(err).Hint, "hush") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, prefix string
		flat            bool
		yes, no         []string
	}{
		{"logs/*.txt", "logs/", true, []string{"logs/a.txt", "logs/.txt"}, []string{"logs/a/b.txt", "logs/a.txt2", "logs/aXtxt"}},
		{"logs/**", "logs/", false, []string{"logs/a", "logs/a/b"}, []string{"log/a"}},
		{"**/x", "", false, []string{"x", "a/x", "a/b/x"}, []string{"ax", "a/xy"}},
		{"a?c", "a", true, []string{"abc", "aéc"}, []string{"a/c", "ac"}},
		{`a\*b*`, "a*b", true, []string{"a*b", "a*bc"}, []string{"axb"}},
		{"*/y", "", false, []string{"x/y"}, []string{"y", "a/b/y"}},
		{"ü*", "ü", true, []string{"ü", "über"}, []string{"u"}},
	} {
		g := newGlob(c.pattern)
		if g.prefix != c.prefix || g.flat != c.flat {
			t.Errorf("%q: prefix %q, flat %v", c.pattern, g.prefix, g.flat)
		}
		for _, key := range c.yes {
			if !g.match.MatchString(key) {
				t.Errorf("%q does not match %q", c.pattern, key)
			}
		}
		for _, key := range c.no {
			if g.match.MatchString(key) {
				t.Errorf("%q matches %q", c.pattern, key)
			}
		}
	}
	for _, key := range []string{`a*b`, `a\b`, `a\*b`, "plain", "?"} {
		if plain, pattern := hasGlob(Escape(key)); pattern || plain != key {
			t.Errorf("%q escaped is %q", key, plain)
		}
	}
	if plain, pattern := hasGlob(`a\b`); pattern || plain != `a\b` {
		t.Errorf("a backslash before a letter: %q", plain)
	}
}

func TestCombine(t *testing.T) {
	b := make([]byte, 100_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	whole := crc32.Checksum(b, castagnoli)
	for _, at := range []int{0, 1, 7, 4096, 65_537, len(b)} {
		if got := combine(crc32.Checksum(b[:at], castagnoli), crc32.Checksum(b[at:], castagnoli), int64(len(b)-at)); got != whole {
			t.Errorf("at %d: %08x, want %08x", at, got, whole)
		}
	}
}
