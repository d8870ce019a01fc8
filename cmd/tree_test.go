package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// every calls f with each command of the tree that people may use, and its path below the root.
func every(f func(path string, cmd *cobra.Command)) {
	root := (&cli{name: "artifacts-tui"}).root()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		f(strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "artifacts-tui"), " "), cmd)
		for _, child := range cmd.Commands() {
			if !child.Hidden && child.Name() != "help" && child.Name() != "completion" {
				walk(child)
			}
		}
	}
	walk(root)
}

// SPEC C9, C13, C14: every command tells what it is for, its exit codes and what its flags mean, gives examples of a
// form that parses, and says what completes each of its arguments.
func TestEveryCommand(t *testing.T) {
	takes, flagged := regexp.MustCompile(` \[?[A-Z]{2,}`), regexp.MustCompile(`\[?--[^\]]*\]?`)
	known := map[string]bool{}
	root := (&cli{name: "artifacts-tui"}).root() // for the examples
	every(func(path string, cmd *cobra.Command) {
		known[path] = true
		if cmd.Short == "" || !strings.HasSuffix(cmd.Long, exitCodes) {
			t.Errorf("%q has no help, or one without exit codes", path)
		}
		if takes.MatchString(flagged.ReplaceAllString(strings.TrimPrefix(cmd.Use, cmd.Name()), "")) && path != "" && completions[path] == nil {
			t.Errorf("nothing completes the arguments of %q: %s", path, cmd.Use)
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			command, ok := strings.CutPrefix(line, "artifacts-tui ")
			if !ok {
				continue
			}
			words, err := splitWords(command)
			if err != nil {
				t.Errorf("an example of %q: %v", path, err)
			}
			if i := slices.IndexFunc(words, func(w string) bool { return w == "|" || w == ">" || w == "<" }); i >= 0 {
				words = words[:i]
			}
			found, rest, err := root.Find(words)
			if err == nil {
				err = found.ParseFlags(rest)
			}
			if err == nil && found.HasParent() {
				err = found.ValidateArgs(found.Flags().Args())
			}
			if err != nil {
				t.Errorf("the example %q: %v", line, err)
			}
		}
	})
	for path := range completions {
		if !known[path] {
			t.Errorf("completions are for %q, which is no command", path)
		}
	}
}

// SPEC C9: every command prints documented JSON, but for those that print bytes, and those that only end when they are told to.
func TestEveryCommandHasASchema(t *testing.T) {
	without := []string{"object cat", "mount metrics", "coordinator serve", "completion bash", "completion fish", "completion powershell", "completion zsh"}
	documented := map[string]bool{}
	files, err := filepath.Glob("schema/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Defs map[string]json.RawMessage `json:"$defs"`
		}
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for def := range file.Defs {
			documented[def] = true
		}
	}
	every(func(path string, cmd *cobra.Command) {
		leaf := !cmd.HasAvailableSubCommands() || path == "mount"
		if leaf && documented[path] == slices.Contains(without, path) {
			t.Errorf("%q: documented %v", path, documented[path])
		}
	})
}

// Whatever destroys something wants --yes, or can be undone; nothing else has the flag.
func TestConfirmations(t *testing.T) {
	want := []string{
		"bucket accept-loss", "bucket delete", "bucket purge", "mount quarantine discard", "object delete", "peer remove", "storage profile remove",
		"workspace accept-loss", "workspace delete", "workspace purge",
	}
	var got []string
	every(func(path string, cmd *cobra.Command) {
		if cmd.Flags().Lookup("yes") != nil {
			got = append(got, path)
			if cmd.Flags().Lookup("dry-run") == nil && !strings.HasSuffix(path, "accept-loss") {
				t.Errorf("%q has no --dry-run", path)
			}
		}
	})
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("--yes is a flag of %q, want %q", got, want)
	}
}

// SPEC C15: a line splits as in a shell.
func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		``: nil, `   `: nil, `# all of it`: nil,
		`a  b	c`: {"a", "b", "c"}, `a '' ""`: {"a", "", ""}, `'a b'"c d"\ e`: {"a bc d e"},
		`a#b #c`: {"a#b"}, `"\"\\\$\x"`: {`"\$\x`}, `'\'`: {`\`}, `$HOME *`: {"$HOME", "*"}, "a\r": {"a"}, `ü "é"`: {"ü", "é"},
	} {
		if got, err := splitWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is %q, %v", line, got, err)
		}
	}
	for _, line := range []string{`'`, `"`, `a "b`, `\`, `"\"`} {
		if got, err := splitWords(line); err == nil {
			t.Errorf("%q is %q", line, got)
		}
	}
}

// SPEC C13: the manual has a page of each command, and nothing on one is taken for a request of troff by accident.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	pages, err := manPages(dir, (&cli{name: "artifacts"}).root())
	if err != nil {
		t.Fatal(err)
	}
	requests := regexp.MustCompile(`^\.(TH|SH|TP|PP|B|nf|fi)( |$)`)
	for _, name := range pages {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{".SH NAME\nartifacts", ".SH SYNOPSIS", ".SH EXIT STATUS\n.TP\n0\ndone\n", "130\ninterrupted\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s has no %q", name, want)
			}
		}
		for _, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !requests.MatchString(line) {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
	for _, want := range []string{"artifacts.1", "artifacts-mount.1", "artifacts-bucket-quota-set.1", "artifacts-completion-bash.1"} {
		if !slices.Contains(pages, want) {
			t.Errorf("there is no %s among %d pages", want, len(pages))
		}
	}
	if slices.Contains(pages, "artifacts-mountd-internal.1") {
		t.Error("what is not for people has a page")
	}
}
