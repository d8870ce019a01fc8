package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
)

// lines is the app in lines (--accessible, TERM=dumb): it asks a question at a time, for screen
// readers, braille displays and terminals that cannot move their cursor. What it does it does by
// the program's own commands, and says which.
type lines struct {
	*cli
	app  *backend.App
	home string
	in   *bufio.Reader
}

// errBack takes a question back: an empty answer, or the end of the input.
var errBack = errors.New("back")

// doing is one thing that can be chosen.
type doing struct {
	word, help string
	changes    bool
	do         func(l *lines, ctx context.Context) error
}

func doings() []doing {
	return []doing{
		{"list", "list the workspaces", false, func(l *lines, ctx context.Context) error { return l.run(ctx, "workspace", "list") }},
		{"mount", "mount a workspace", true, (*lines).mountOne},
		{"unmount", "drain and unmount", true, (*lines).unmountOne},
		{"create", "make a workspace", true, (*lines).create},
		{"status", "the coordinator, the mounts and what is not uploaded yet", false, func(l *lines, ctx context.Context) error { return l.run(ctx, "status") }},
		{"credentials", "show the credentials that are kept, masked", false, func(l *lines, ctx context.Context) error { return l.run(ctx, "storage", "show") }},
		{"quit", "leave; mounts go on", false, nil},
	}
}

// inLines asks what to do until the user leaves.
func (c *cli) inLines(ctx context.Context, app *backend.App, home string) error {
	l := &lines{cli: c, app: app, home: home, in: bufio.NewReader(c.in)}
	all := doings()
	fmt.Fprintln(c.out, "artifacts, in lines. Answer with a number or a word. An empty answer goes back, and here lists this again.")
	again := true // what can be done is to be listed
	for {
		if again {
			for i, d := range all {
				fmt.Fprintf(c.out, "%d %s: %s\n", i+1, d.word, d.help)
			}
		}
		again = false
		at, err := l.choose(ctx, "What to do", words(all))
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errBack):
			again = true
			continue
		case err != nil:
			return err
		}
		d := all[at]
		switch {
		case d.do == nil:
			return nil
		case d.changes && c.readOnly:
			fmt.Fprintf(c.out, "%s is disabled: the app was opened with --read-only.\n", d.word)
			continue
		}
		switch err := d.do(l, ctx); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, errBack):
			c.report(err)
		}
	}
}

func words(all []doing) []string {
	list := make([]string, len(all))
	for i, d := range all {
		list[i] = d.word
	}
	return list
}

// run runs a command of this program, and says which.
func (l *lines) run(ctx context.Context, args ...string) error {
	fmt.Fprintln(l.out, "$ "+commandline.Line(l.home, args...))
	// What is no file is no terminal: nothing is drawn over.
	out, stderr := struct{ io.Writer }{l.out}, struct{ io.Writer }{l.err}
	child := &cli{in: l.cli.in, out: out, err: stderr, coordinator: l.coordinator, verbose: l.verbose, noColor: true, name: l.name}
	root := child.root()
	child.readOnly = l.readOnly // after its flags have set it
	root.SetArgs(append(args, "--format", "text"))
	root.SetIn(l.cli.in)
	root.SetOut(out)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

// ask reads an answer; proposed is that to an empty line. It ends with errBack where there is none,
// and with io.EOF at the end of the input.
func (l *lines) ask(ctx context.Context, question, proposed string) (string, error) {
	if proposed != "" {
		question += " [" + proposed + "]"
	}
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	fmt.Fprint(l.out, question+": ")
	go func() {
		text, err := l.in.ReadString('\n')
		read <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(l.out)
		return "", ctx.Err()
	case got := <-read:
		text := strings.TrimSpace(got.text)
		switch {
		case got.err != nil && text == "":
			fmt.Fprintln(l.out)
			return "", io.EOF
		case text == "" && proposed != "":
			return proposed, nil
		case text == "":
			return "", errBack
		}
		return text, nil
	}
}

// choose asks for one of the words, by itself, its beginning or its number, until it gets one.
func (l *lines) choose(ctx context.Context, question string, words []string) (int, error) {
	for {
		answer, err := l.ask(ctx, question, "")
		if err != nil {
			return 0, err
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(words) {
			return n - 1, nil
		}
		found := -1
		for i, w := range words {
			if w == answer {
				return i, nil
			}
			if strings.HasPrefix(w, strings.ToLower(answer)) && found < 0 {
				found = i
			}
		}
		if found >= 0 {
			return found, nil
		}
		fmt.Fprintf(l.out, "%q is none of 1 to %d.\n", answer, len(words))
	}
}

// pick lists names with numbers and asks for one.
func (l *lines) pick(ctx context.Context, question, none string, names []string) (string, error) {
	if len(names) == 0 {
		fmt.Fprintln(l.out, none)
		return "", errBack
	}
	for i, name := range names {
		fmt.Fprintf(l.out, "%d %s\n", i+1, name)
	}
	at, err := l.choose(ctx, question, names)
	if err != nil {
		return "", err
	}
	return names[at], nil
}

func (l *lines) mountOne(ctx context.Context) error {
	list, err := l.app.Workspaces(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(list))
	for i, w := range list {
		names[i] = w.Name
	}
	name, err := l.pick(ctx, "Which workspace", "There are no workspaces; create makes one.", names)
	if err != nil {
		return err
	}
	path, err := l.ask(ctx, "Where", l.app.DefaultMountpoint(name))
	if err != nil {
		return err
	}
	return l.run(ctx, "mount", name, l.absolute(path), "--create")
}

func (l *lines) unmountOne(ctx context.Context) error {
	list, err := l.app.Mounts(ctx)
	if err != nil {
		return err
	}
	paths := make([]string, len(list))
	for i, m := range list {
		paths[i] = m.Mountpoint
	}
	path, err := l.pick(ctx, "Which mount", "Nothing is mounted.", paths)
	if err != nil {
		return err
	}
	return l.run(ctx, "unmount", path)
}

func (l *lines) create(ctx context.Context) error {
	name, err := l.ask(ctx, "Its name", "")
	if err != nil {
		return err
	}
	kind, err := l.choose(ctx, "1 managed, in the coordinator's store; 2 byo, in a bucket of yours; 3 mesh, a bucket of the coordinator's store", []string{"managed", "byo", "mesh"})
	if err != nil {
		return err
	}
	args := []string{"workspace", "create", name}
	if kind == 2 {
		bucket, err := l.ask(ctx, "Bucket", "")
		if err != nil {
			return err
		}
		args = append(args, "--backend", "mesh", "--bucket", bucket)
	}
	if kind == 1 {
		key, err := l.ask(ctx, "Access key id, - for the credentials that are kept", "-")
		if err != nil {
			return err
		}
		if key != "-" { // the secret is asked for by the command, without echo
			if err := l.run(ctx, "storage", "set", "--access-key-id", key, "--secret-access-key", "-"); err != nil {
				return err
			}
		}
		args = append(args, "--backend", "byo")
		for _, q := range []struct{ flag, question, proposed string }{
			{"--bucket", "Bucket", ""},
			{"--endpoint", "Endpoint, such as https://s3.eu-west-2.amazonaws.com", ""},
			{"--region", "Region, - for none", "-"},
			{"--prefix", "Prefix, - for none", "-"},
		} {
			answer, err := l.ask(ctx, q.question, q.proposed)
			if err != nil {
				return err
			}
			if answer != "-" {
				args = append(args, q.flag, answer)
			}
		}
	}
	return l.run(ctx, args...)
}

// absolute reads "~" as a shell does.
func (l *lines) absolute(path string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		return l.home + path[1:]
	}
	return path
}
