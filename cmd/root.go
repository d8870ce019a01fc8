package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/ui"
	"github.com/artifacts-tui/artifacts-tui/ui/config"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/disk"
)

// Version is set by the linker.
var Version = "dev"

// cli is one run of the program: its streams and the flags of every command.
type cli struct {
	in       *os.File
	out, err io.Writer

	format      string
	coordinator string
	verbose     bool
	quiet       bool
	noColor     bool
	accessible  bool
	readOnly    bool

	name   string // what the program was started as
	failed error  // what the command returned
}

// Main runs one command line and returns the exit code (SPEC C14). args[0] is
// the program's name: it may be a link named artifacts or tunnelmesh.
func Main(args []string, in *os.File, out, stderr *os.File) int {
	c := &cli{in: in, out: out, err: stderr, name: "artifacts-tui"}
	if len(args) > 0 {
		if base := filepath.Base(args[0]); base == "artifacts" || base == "tunnelmesh" {
			c.name = base
		}
		args = args[1:]
	}
	root := c.root()
	c.keepErrors(root)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	err := fang.Execute(context.Background(), root,
		fang.WithVersion(Version),
		fang.WithNotifySignal(os.Interrupt, syscall.SIGTERM),
		fang.WithErrorHandler(func(io.Writer, fang.Styles, error) {}),
	)
	if err == nil {
		err = c.failed
	}
	return c.report(err)
}

// keepErrors has what commands return go past fang, which would ask the terminal for its colours
// before it hands an error on: a prompt that was interrupted may be reading from it still.
func (c *cli) keepErrors(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			c.failed = run(cmd, args)
			return nil
		}
	}
	for _, child := range cmd.Commands() {
		c.keepErrors(child)
	}
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   c.name,
		Short: "S3 storage as workspaces you can mount",
		Long: "Turns S3 storage into workspaces: named directories that you mount, work in and unmount.\n" +
			"Without a command, in a terminal, it opens the terminal app.",
		Example: c.examples(
			"workspace create notes ~/mnt/notes", "",
			"status", "",
			"unmount ~/mnt/notes", "",
		),
		Args:              cobra.NoArgs,
		RunE:              func(cmd *cobra.Command, _ []string) error { return c.openUI(cmd.Context()) },
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.checkFormat() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.format, "format", "text", "output format: text or json")
	flags.StringVar(&c.coordinator, "coordinator", "", "coordinator to use, by context, URL or socket (default: the active context, else the local one, started where none runs)")
	flags.BoolVarP(&c.verbose, "verbose", "v", false, "say more on standard error")
	flags.BoolVarP(&c.quiet, "quiet", "q", false, "print errors alone")
	flags.BoolVar(&c.noColor, "no-color", false, "no colours")
	root.Flags().BoolVar(&c.accessible, "accessible", false, "the terminal app in lines: a question at a time, plain lists")
	root.Flags().BoolVar(&c.readOnly, "read-only", false, "in the terminal app, disable what changes something")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.New(fault.Usage, "`"+cmd.CommandPath()+" --help` lists the flags", "%s", err)
	})
	root.AddCommand(
		c.workspaceCommand(), c.storageCommand(), c.mountCommand(), c.unmountCommand(), c.statusCommand(),
		c.bucketCommand(), c.objectCommand(), c.peerCommand(), c.roleCommand(), c.shareCommand(), c.coordinatorCommand(),
		c.loginCommand(), c.logoutCommand(), c.whoamiCommand(), c.contextCommand(), c.keysCommand(), c.versionCommand(), c.mountProcessCommand(),
	)
	return root
}

// examples joins pairs of a command line and a comment, which may be empty.
func (c *cli) examples(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "# %s\n", pairs[i+1])
		}
		fmt.Fprintf(&b, "%s %s\n", c.name, pairs[i])
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (c *cli) checkFormat() error {
	if c.format == "text" || c.format == "json" {
		return nil
	}
	bad := c.format
	c.format = "text"
	return fault.New(fault.Usage, "the formats are text and json", "unknown format %q", bad)
}

// app makes the App behind a command.
func (c *cli) app() (*backend.App, error) {
	roots, err := xdg.Find(os.Getenv)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, err, "set HOME, or XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME and XDG_DATA_HOME", "no home for the program's files")
	}
	return backend.New(backend.Options{Roots: roots, Coordinator: c.coordinator, ReadOnly: c.readOnly, Notify: c.notify}), nil
}

func (c *cli) notify(line string) {
	if !c.quiet {
		fmt.Fprintln(c.err, line)
	}
}

// openUI opens the terminal app. Without a terminal it refuses at once (SPEC C16).
func (c *cli) openUI(ctx context.Context) error {
	out, isFile := c.out.(*os.File)
	if !isFile || !term.IsTerminal(int(c.in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return fault.New(fault.Usage, "run a command, such as `"+c.name+" workspace list`, or `"+c.name+" --help` for all of them",
			"no terminal to open the app in")
	}
	roots, err := xdg.Find(os.Getenv)
	if err != nil {
		return fault.Wrap(fault.Usage, err, "set HOME", "no home for the program's files")
	}
	notices := make(chan string, 16)
	app := backend.New(backend.Options{Roots: roots, Coordinator: c.coordinator, ReadOnly: c.readOnly, Notify: func(line string) {
		select {
		case notices <- line:
		default: // the app has ended, or a flood: neither may hold up the work
		}
	}})
	if c.accessible || os.Getenv("TERM") == "dumb" {
		return c.inLines(ctx, app, os.Getenv("HOME"))
	}
	openControl := func(ctx context.Context) (control.Client, error) {
		c, err := app.Control(ctx)
		if err != nil {
			return nil, err // a nil *client.Client would be no nil control.Client
		}
		return c, nil
	}
	desk := app.Desk()
	defer desk.Close()
	keys := config.Read(roots.Config, ui.DefaultKeys(), ui.KeysTogether())
	return ui.Run(ctx, ui.Options{
		Config: keys,
		App:    desk, Control: openControl, In: c.in, Out: out, Env: os.Environ(), Notices: notices,
		NoColor: c.noColor || os.Getenv("NO_COLOR") != "", ReadOnly: c.readOnly,
		Disk: &disk.Disk{Roots: roots, Version: Version}, CoordinatorLog: embedded.LogFile(roots),
	})
}

// report prints err as a line and a hint, or as JSON, and returns the exit code.
func (c *cli) report(err error) int {
	if err == nil {
		return 0
	}
	var e *fault.Error
	if !errors.As(err, &e) && strings.HasPrefix(err.Error(), "unknown command") {
		err = fault.New(fault.Usage, "`"+c.name+" --help` lists the commands", "%s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	e = fault.As(err)
	if c.format == "json" {
		c.json(c.err, e)
	} else {
		fmt.Fprintf(c.err, "Error: %s\n", e)
		if e.Hint != "" {
			fmt.Fprintf(c.err, "hint: %s\n", e.Hint)
		}
	}
	return int(e.Kind)
}

// exactArgs is cobra.ExactArgs with an error that names what is missing.
func exactArgs(names ...string) cobra.PositionalArgs { return rangeArgs(len(names), names...) }

// rangeArgs wants at least min of the named arguments and no more than all.
func rangeArgs(atLeast int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < atLeast:
			return fault.New(fault.Usage, hint, "%s is missing", strings.Join(names[len(args):atLeast], " and "))
		case len(args) > len(names):
			return fault.New(fault.Usage, hint, "too many arguments: %q", args[len(names):])
		}
		return nil
	}
}
