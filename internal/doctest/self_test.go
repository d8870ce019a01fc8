//go:build linux

package doctest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestParse takes pages apart and refuses what would be passed over.
func TestParse(t *testing.T) {
	const text = "words\n\n```console varies=\"[0-9]+ MiB\" wait\n$ one\nout\n$ two <<EOF\n> in\n> EOF\nada$ three\n```\n\n" +
		"```yaml file=\"a.yaml\"\nkey: 1\n```\n<!-- run\ntrue\n-->\n<!-- s3 http://x eu A B bucket -->\n<!-- words -->\n```sh norun=\"no account\"\n$ x\n```\n"
	p, err := parse("page.md", text)
	if err != nil {
		t.Fatal(err)
	}
	var languages []string
	for _, b := range p.blocks {
		languages = append(languages, b.language)
	}
	if want := []string{"console", "yaml", "run", "s3", "sh"}; !slices.Equal(languages, want) {
		t.Errorf("blocks %q, want %q", languages, want)
	}
	steps, err := p.blocks[0].steps()
	if err != nil || len(steps) != 3 {
		t.Fatalf("steps %+v, %v", steps, err)
	}
	if steps[0].command != "one" || !slices.Equal(steps[0].want, []string{"out"}) || steps[0].line != 4 ||
		steps[1].command != "two <<EOF\nin\nEOF" || steps[1].want != nil || steps[2].prompt != "ada" {
		t.Errorf("steps %+v", steps)
	}
	if b := p.blocks[3]; b.says["args"] != "http://x eu A B bucket" || !b.runs() {
		t.Errorf("s3 %+v", b)
	}
	if p.blocks[4].runs() || !p.blocks[1].runs() {
		t.Error("what runs is mistaken")
	}
	for _, wrong := range []string{
		"    $ indented\n", "$ bare\n", "```\n$ in text\n```\n", "```bash\n$ another language\n```\n", "```console\n$ no end\n",
		"```console norun\n$ x\n```\n", "```console nourn=\"typo\"\n$ x\n```\n",
	} {
		if _, err := parse("page.md", wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

// TestMatches compares what a page says with what was printed.
func TestMatches(t *testing.T) {
	mib := regexp.MustCompile(`[0-9]+ MiB`)
	for _, test := range []struct {
		want, got string
		varies    *regexp.Regexp
		match     bool
	}{
		{"a\nb", "a\nb", nil, true},
		{"a\nb", "a", nil, false},
		{"a", "a\nb", nil, false},
		{"", "a", nil, false},
		{"NAME  SIZE", "NAME     SIZE", nil, true},
		{"NAME SIZE", "NAME  SIZE", nil, false},
		{"at 2026-11-30 14:01:41", "at 2031-01-02 03:04:05", nil, true},
		{"at 14:01:41", "at 14:01", nil, false},
		{"(pid 12)", "(pid 34567)", nil, true},
		{"notes-9b83a009 is", "notes-00000000 is", nil, true},
		{"1024 bytes", "1025 bytes", nil, false},
		{"Token: mesh_abc…", "Token: mesh_xyz-0123456789", nil, true},
		{"a … z", "a b c z", nil, true},
		{"a … z", "a b c", nil, false},
		{"a\n…\nz", "a\nb\nc\nz", nil, true},
		{"a\n…\nz", "a\nz", nil, true},
		{"a\n…\nz", "a\nb", nil, false},
		{"35 MiB of memory", "41 MiB of memory", nil, false},
		{"35 MiB of memory", "41 MiB of memory", mib, true},
		{"a+b", "aab", nil, false},
	} {
		lines := func(s string) []string {
			if s == "" {
				return nil
			}
			return strings.Split(s, "\n")
		}
		if got := matches(lines(test.want), lines(test.got), test.varies); got != test.match {
			t.Errorf("matches(%q, %q) = %v", test.want, test.got, got)
		}
	}
}

// TestUpdate runs a page that is wrong in places and has it mended: what varies stays as it was,
// what it shows of a token is its beginning.
func TestUpdate(t *testing.T) {
	page, err := parse("page.md", strings.Join([]string{
		"```console",
		"$ echo right; date +%F\\ %T", "right", "2001-02-03 04:05:06",
		"$ echo one; echo two", "wrong",
		"$ false", "Error: gone",
		"$ echo $?",
		"$ mkdir sub; cd sub; echo ~",
		"$ pwd; cat note", "/home/dev/sub",
		"$ echo mesh_0123456789abcdef at 127.0.0.1:7070",
		"ada$ pwd",
		"```",
		"```text file=\"note\"", "kept", "```",
		"```console", "$ cat note", "lost", "```",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"```console",
		"$ echo right; date +%F\\ %T", "right", "2001-02-03 04:05:06",
		"$ echo one; echo two", "one", "two",
		"$ false",
		"$ echo $?", "1",
		"$ mkdir sub; cd sub; echo ~", "/home/dev",
		"$ pwd; cat note", "/home/dev/sub", "cat: note: No such file or directory",
		"$ echo mesh_0123456789abcdef at 127.0.0.1:7070", "mesh_012345… at 127.0.0.1:7070",
		"ada$ pwd", "/home/ada",
		"```",
		"```text file=\"note\"", "kept", "```",
		"```console", "$ cat note", "kept", "```",
	}
	if got := start(t, t.TempDir(), page).play(page, true); !slices.Equal(got, want) {
		t.Errorf("mended\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
