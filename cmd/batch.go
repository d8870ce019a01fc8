package cmd

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
)

// Bounds of a batch, in bytes.
const (
	batchLineMax   = 1 << 20  // of a command line
	batchOutputMax = 64 << 20 // of what a command prints
)

// batchLine is what --batch prints of one command, as a line of JSON (SPEC C15).
type batchLine struct {
	Line     int             `json:"line"`    // in the file, from 1
	Command  string          `json:"command"` // without arguments, which may hold what nobody should see
	OK       bool            `json:"ok"`
	ExitCode int             `json:"exit_code"`
	Ignored  bool            `json:"ignored,omitempty"`       // it failed, and a leading - lets it
	Result   json.RawMessage `json:"result,omitempty"`        // what --format json prints
	Output   string          `json:"output,omitempty"`        // of a command that prints something else
	Base64   string          `json:"output_base64,omitempty"` // the same where it is no text
	Notices  []string        `json:"notices,omitempty"`       // lines of standard error
	Error    *fault.Error    `json:"error,omitempty"`
}

// batchCommands reads commands, one a line, from a file or standard input, and runs each
// before it reads the next. It ends with the first that fails.
func (c *cli) batchCommands(ctx context.Context, from string) error {
	in, stdin := io.Reader(c.in), c.in
	c.deaf = from == "" || from == "-"
	if from != "" && from != "-" {
		f, err := os.Open(from)
		if err != nil {
			return fault.Wrap(fault.Usage, cause(err), "give a file of commands, one a line, or pipe them in", "cannot read %s", from)
		}
		defer f.Close()
		in = f
	} else { // it holds commands, and is not for them to read
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer null.Close()
		stdin = null
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, batchLineMax)
	const mark = "\ufeff" // which some editors begin a file with
	for n := 1; next(ctx, lines); n++ {
		line, done := c.batchCommand(ctx, n, strings.TrimPrefix(lines.Text(), mark), stdin)
		if !done {
			continue
		}
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if _, err := c.out.Write(append(text, '\n')); err != nil {
			return err
		}
		if !line.OK && !line.Ignored {
			e := line.Error
			return &fault.Error{Kind: fault.Kind(line.ExitCode), Message: fmt.Sprintf("line %d: %s", n, e.Error()), Hint: e.Hint, Err: e}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fault.New(fault.Usage, fmt.Sprintf("a line is at most %d bytes", batchLineMax), "cannot read the commands: a line is too long")
	case err != nil:
		return fault.Wrap(fault.Usage, cause(err), "give a file of commands, one a line, or pipe them in", "cannot read the commands of %s", cmp.Or(from, "standard input"))
	}
	return nil
}

// cause is what a system call says, without the file's name.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// next reads a line until ctx ends: a pipe may never say anything.
func next(ctx context.Context, lines *bufio.Scanner) bool {
	read := make(chan bool, 1)
	go func() { read <- lines.Scan() }()
	select {
	case ok := <-read:
		return ok && ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// batchCommand runs one line; done is false for one without a command.
func (c *cli) batchCommand(ctx context.Context, n int, text string, in *os.File) (line batchLine, done bool) {
	line.Line = n
	text = strings.TrimSpace(text)
	lenient := strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "--")
	if lenient {
		text = text[1:]
	}
	args, err := splitWords(text)
	switch {
	case err == nil && len(args) == 0 && lenient:
		err = fault.New(fault.Usage, "write the command after it", "there is no command after -")
	case err == nil && len(args) == 0:
		return line, false
	case err == nil:
		if args[0] == "artifacts-tui" || args[0] == "artifacts" || args[0] == "tunnelmesh" {
			args = args[1:]
		}
		err = c.runLine(ctx, &line, args, in)
	}
	line.OK = err == nil
	if err != nil {
		line.Error = c.named(fault.As(c.explained(err)))
		line.ExitCode = int(line.Error.Kind)
		line.Ignored = lenient && line.Error.Kind != fault.Interrupted
	}
	return line, true
}

// runLine runs a command of this program as --format json, with what it prints kept.
func (c *cli) runLine(ctx context.Context, line *batchLine, args []string, in *os.File) error {
	defer keepBundle()()
	var out capture
	var notices lineWriter
	child := &cli{
		in: in, out: &out, err: &notices, format: "json", coordinator: c.coordinator, verbose: c.verbose, quiet: c.quiet, noColor: true,
		trace: c.trace, traceTo: c.tracer(), batch: true, line: true, deaf: c.deaf, name: c.name,
	}
	root := child.root()
	if found, _, err := root.Find(args); err == nil && found.HasParent() {
		line.Command = strings.TrimPrefix(found.CommandPath(), c.name+" ")
	}
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(&out)
	root.SetErr(&notices)
	err := root.ExecuteContext(ctx)
	line.Notices = notices.lines()
	if out.full {
		return errors.Join(err, fault.New(fault.Usage, "have it write to a file", "the command printed more than %d bytes", batchOutputMax))
	}
	printed := out.Bytes()
	switch {
	case len(printed) == 0:
	case json.Valid(printed):
		line.Result = printed
	case utf8.Valid(printed):
		line.Output = string(printed)
	default:
		line.Base64 = base64.StdEncoding.EncodeToString(printed)
	}
	return err
}

// keepBundle returns what brings the CA bundle of before a command back.
func keepBundle() func() {
	before, had := os.LookupEnv(tlstrust.EnvBundle)
	return func() {
		if had {
			_ = os.Setenv(tlstrust.EnvBundle, before)
		} else {
			_ = os.Unsetenv(tlstrust.EnvBundle)
		}
	}
}

// endless refuses, as a line of a batch, what only ends when it is interrupted.
func (c *cli) endless(what string) error {
	if !c.line {
		return nil
	}
	return fault.New(fault.Usage, "run it by itself: `"+c.name+" --batch COMMAND`", "%s does not end by itself, and a batch waits for each command", what)
}

// capture keeps what a command prints, up to batchOutputMax.
type capture struct {
	bytes.Buffer
	full bool
}

// Write implements io.Writer.
func (b *capture) Write(p []byte) (int, error) {
	if b.Len()+len(p) > batchOutputMax {
		b.full = true
		return 0, io.ErrShortWrite
	}
	return b.Buffer.Write(p)
}

// lineWriter keeps lines, which several goroutines may write.
type lineWriter struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *lineWriter) lines() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range strings.Lines(w.text.String()) {
		if l = strings.TrimRight(l, "\r\n"); l != "" {
			all = append(all, l)
		}
	}
	return all
}

// splitWords splits a line as a POSIX shell does: quotes, backslashes and comments. Nothing is expanded.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	in := false // a word, that may be empty
	end := func() {
		if in {
			words = append(words, word.String())
		}
		word.Reset()
		in = false
	}
	for i := 0; i < len(line); i++ {
		switch ch := line[i]; {
		case ch == ' ' || ch == '\t' || ch == '\r':
			end()
		case ch == '#' && !in:
			return words, nil
		case ch == '\'':
			n := strings.IndexByte(line[i+1:], '\'')
			if n < 0 {
				return nil, openQuote("'")
			}
			word.WriteString(line[i+1 : i+1+n])
			i, in = i+1+n, true
		case ch == '"':
			for i++; i < len(line) && line[i] != '"'; i++ {
				if line[i] == '\\' && i+1 < len(line) && strings.IndexByte("\"\\$`", line[i+1]) >= 0 {
					i++
				}
				word.WriteByte(line[i])
			}
			if i >= len(line) {
				return nil, openQuote(`"`)
			}
			in = true
		case ch == '\\':
			if i++; i >= len(line) {
				return nil, fault.New(fault.Usage, "a command is one line", "the line ends in a backslash")
			}
			word.WriteByte(line[i])
			in = true
		default:
			word.WriteByte(ch)
			in = true
		}
	}
	end()
	return words, nil
}

func openQuote(quote string) error {
	return fault.New(fault.Usage, "close it, or write \\"+quote+" for the character", "a quote %s is not closed", quote)
}

// rootArgs takes a file of commands with --batch, and nothing else.
func (c *cli) rootArgs(cmd *cobra.Command, args []string) error {
	switch {
	case c.batch && !c.line && len(args) <= 1:
		return nil
	case c.batch && !c.line && isFile(args[0]):
		return fault.New(fault.Usage, "give one file, or run `"+c.name+" --batch` once for each", "too many arguments: %q", args[1:])
	}
	return subcommandArgs(cmd, args)
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
