package doctest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the commands print into the pages")

// page is a file and what the test finds in it.
type page struct {
	path   string // from the root of the repository
	lines  []string
	blocks []block
}

// block is a fence, or a comment that is for the test.
type block struct {
	language string            // of a fence; "run" or "s3" of a comment
	says     map[string]string // what stands behind the language; of s3 its words, as "args"
	line     int               // of the fence, from 1
	body     []string
}

// step is a command of a console block and what the page has it print.
type step struct {
	prompt  string // the name before "$ "; mostly none
	command string
	line    int // of the command, from 1
	first   int // index in page.lines of the first line of want
	want    []string
}

func (b block) runs() bool {
	if _, no := b.says["norun"]; no {
		return false
	}
	switch b.language {
	case "sh", "console", "run", "s3":
		return true
	}
	_, file := b.says["file"]
	return file
}

func (b block) has(what string) bool { _, ok := b.says[what]; return ok }

var (
	fence   = regexp.MustCompile("^(```+)(.*)$")
	saying  = regexp.MustCompile(`^\s*([a-z]+)(?:="([^"]*)")?`)
	comment = regexp.MustCompile(`^<!-- (run|s3)\b(.*?)(-->)?$`)
	prompt  = regexp.MustCompile(`^([a-z]*)\$ (.*)$`)
	known   = map[string]bool{"norun": true, "varies": true, "wait": true, "fails": true, "file": true}
)

// parse finds the blocks of a page.
func parse(path, text string) (page, error) {
	p := page{path: path, lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	for i := 0; i < len(p.lines); i++ {
		line, start := p.lines[i], i
		b := block{line: i + 1, says: map[string]string{}}
		var end func(string) bool
		if m := fence.FindStringSubmatch(line); m != nil {
			info := strings.TrimSpace(m[2])
			b.language, info, _ = strings.Cut(info, " ")
			for info = strings.TrimSpace(info); info != ""; info = strings.TrimSpace(info) {
				s := saying.FindStringSubmatch(info)
				if s == nil || !known[s[1]] {
					return p, fmt.Errorf("%s:%d: %q behind the fence is nothing that is known", path, i+1, info)
				}
				b.says[s[1]] = s[2]
				info = info[len(s[0]):]
			}
			if reason, ok := b.says["norun"]; ok && reason == "" {
				return p, fmt.Errorf("%s:%d: norun needs a reason", path, i+1)
			}
			end = func(line string) bool { return line == m[1] }
		} else if m := comment.FindStringSubmatch(line); m != nil {
			b.language, b.says["args"] = m[1], strings.TrimSpace(m[2])
			if m[3] != "" {
				p.blocks = append(p.blocks, b)
				continue
			}
			end = func(line string) bool { return line == "-->" }
		} else {
			if strings.HasPrefix(strings.TrimLeft(line, " \t"), "$ ") {
				return p, fmt.Errorf("%s:%d: a command outside of a console block", path, i+1)
			}
			continue
		}
		for i++; i < len(p.lines) && !end(p.lines[i]); i++ {
			b.body = append(b.body, p.lines[i])
		}
		if i == len(p.lines) {
			return p, fmt.Errorf("%s:%d: a block without an end", path, start+1)
		}
		if b.language != "console" && !b.has("norun") && !b.has("file") {
			for n, line := range b.body {
				if prompt.MatchString(line) {
					return p, fmt.Errorf("%s:%d: a command outside of a console block", path, start+n+2)
				}
			}
		}
		p.blocks = append(p.blocks, b)
	}
	return p, nil
}

// steps are the commands of a console block.
func (b block) steps() ([]step, error) {
	var steps []step
	for i, line := range b.body {
		m := prompt.FindStringSubmatch(line)
		last := len(steps) - 1
		switch {
		case m != nil:
			steps = append(steps, step{prompt: m[1], command: m[2], line: b.line + 1 + i, first: b.line + 1 + i})
		case last < 0:
			return nil, fmt.Errorf("line %d: a console block begins with a command", b.line+1+i)
		case strings.HasPrefix(line, "> ") && len(steps[last].want) == 0:
			steps[last].command += "\n" + line[2:]
			steps[last].first++
		default:
			steps[last].want = append(steps[last].want, line)
		}
	}
	return steps, nil
}

// prompts are the names of a page's users.
func (p page) prompts() []string {
	names := []string{""}
	for _, b := range p.blocks {
		if b.language != "console" || !b.runs() {
			continue
		}
		for _, line := range b.body {
			if m := prompt.FindStringSubmatch(line); m != nil && !slices.Contains(names, m[1]) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

// root is the repository's folder, from this package's.
const root = "../.."

// pages are README.md and docs/*.md.
func pages(t *testing.T) []page {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, path := range append([]string{filepath.Join(root, "README.md")}, paths...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(name, string(text))
		if err != nil {
			t.Error(err)
			continue
		}
		all = append(all, p)
	}
	return all
}
