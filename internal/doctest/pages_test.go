package doctest

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestLinks follows every link of the pages to a file and, where it has one, a heading.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, p := range pages(t) {
		for i, line := range p.prose() {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				target, heading, _ := strings.Cut(m[1], "#")
				if strings.Contains(target, "://") {
					continue
				}
				path := filepath.Join(root, p.path)
				if target != "" {
					path = filepath.Join(filepath.Dir(path), target)
				}
				text, err := os.ReadFile(path)
				if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
					err = nil
				}
				if err != nil {
					t.Errorf("%s:%d: %v", p.path, i+1, err)
				} else if heading != "" && !anchors(t, path, string(text))[heading] {
					t.Errorf("%s:%d: %s has no heading #%s", p.path, i+1, filepath.Base(path), heading)
				}
			}
		}
	}
}

// prose are the lines of a page, with those of its blocks empty.
func (p page) prose() []string {
	lines := append([]string(nil), p.lines...)
	for _, b := range p.blocks {
		for i := range b.body {
			lines[b.line+i] = ""
		}
	}
	return lines
}

// anchors are the names by which GitHub links to the headings of a page.
func anchors(t *testing.T, path, text string) map[string]bool {
	t.Helper()
	p, err := parse(path, text)
	if err != nil {
		t.Fatal(err)
	}
	dropped := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	all := map[string]bool{}
	for _, line := range p.prose() {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			name := strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
			for n, first := 1, name; all[name]; n++ {
				name = fmt.Sprintf("%s-%d", first, n)
			}
			all[name] = true
		}
	}
	return all
}

// TestEveryPageIsListed: a page that the index does not name is not found.
func TestEveryPageIsListed(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(root, "docs", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		name := filepath.Base(p.path)
		if name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/README.md does not name %s", name)
		}
	}
}

// TestMessagesExist: each message that the troubleshooting page explains is one that the program
// still says. They begin the rows of its tables, in backquotes, with "…" for what varies.
func TestMessagesExist(t *testing.T) {
	said := messages(t)
	quoted := regexp.MustCompile("^\\| `([^`]*[a-z][^`]*)`") // error numbers are the system's
	count := 0
	for _, p := range pages(t) {
		if filepath.Base(p.path) != "troubleshooting.md" {
			continue
		}
		for i, line := range p.prose() {
			m := quoted.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			count++
			for _, part := range strings.Split(m[1], rest) {
				if part = strings.Trim(part, " :()"); !strings.Contains(said, part) {
					t.Errorf("%s:%d: the program does not say %q", p.path, i+1, part)
				}
			}
		}
	}
	if count < 20 {
		t.Errorf("%d messages: the page's form has changed, or this test is blind", count)
	}
}

// messages are the string literals of the program's source, each on a line, with "…" for each
// verb of fmt.
func messages(t *testing.T) string {
	t.Helper()
	verb := regexp.MustCompile(`%[-+# 0]*[0-9]*(?:\.[0-9]+)?[a-zA-Z]`)
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "bin" || name == "testdata" || name == "doctest" || strings.HasPrefix(name, ".") && len(name) > 2) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var s scanner.Scanner
		s.Init(token.NewFileSet().AddFile(path, -1, len(text)), text, nil, 0)
		for before := token.ILLEGAL; ; {
			_, tok, literal := s.Scan()
			if tok == token.EOF {
				return nil
			}
			if tok != token.STRING {
				before = tok
				continue
			}
			if before != token.ADD { // "a" + "b" is one message
				all.WriteString("\n")
			}
			value, err := strconv.Unquote(literal)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", path, literal, err)
			}
			value = strings.ReplaceAll(verb.ReplaceAllStringFunc(value, func(v string) string {
				if strings.HasSuffix(v, "q") {
					return `"…"`
				}
				return "…"
			}), "%%", "%")
			all.WriteString(value)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
