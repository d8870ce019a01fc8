package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/reqlog"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
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
	caBundle    string
	verbose     bool
	quiet       bool
	noColor     bool
	trace       bool
	batch       bool
	accessible  bool
	readOnly    bool

	name    string     // what the program was started as
	arg0    string     // the same as it was typed, with the path to it
	failed  error      // what the command returned
	line    bool       // a line of --batch
	deaf    bool       // in has nothing for a command: nobody types there, or it holds the commands of a batch
	traceTo reqlog.Log // of the batch that a line is of
}

// Main runs one command line and returns the exit code (SPEC C14). args[0] is
// the program's name: it may be a link named artifacts or tunnelmesh.
func Main(args []string, in *os.File, out, stderr *os.File) int {
	printed := &stdout{file: out}
	c := &cli{in: in, out: printed, err: stderr, name: "artifacts-tui"}
	if len(args) > 0 {
		c.arg0 = args[0]
		if base := filepath.Base(args[0]); base == "artifacts" || base == "tunnelmesh" {
			c.name = base
		}
		args = args[1:]
	}
	c.foresee(args)
	root := c.root()
	c.keepErrors(root)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	err := fang.Execute(context.Background(), root,
		fang.WithVersion(Version),
		fang.WithoutManpage(), // manCommand writes one a command
		fang.WithNotifySignal(os.Interrupt, syscall.SIGTERM),
		fang.WithErrorHandler(func(io.Writer, fang.Styles, error) {}),
	)
	if err == nil {
		err = c.failed
	}
	if err == nil {
		err = printed.failure()
	}
	return c.report(err)
}

// foresee sees to the flags that have to hold before flags are parsed: an error of that is JSON
// too, and so may help be without colours.
func (c *cli) foresee(args []string) {
	for i, arg := range args {
		switch {
		case arg == "--":
			return
		case arg == "--format=json", arg == "json" && i > 0 && args[i-1] == "--format":
			c.format = "json"
		case arg == "--no-color", arg == "--batch":
			c.noColor = true
		}
	}
	if c.noColor || os.Getenv("NO_COLOR") != "" {
		_ = os.Setenv("NO_COLOR", "1") // the one value that every library takes
	}
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
			"Without a command, in a terminal, it opens the terminal app. With --batch it reads commands, one a line, from FILE or\n" +
			"standard input, prints a line of JSON for each, and ends with the first that fails; a leading - lets one fail.",
		Example: c.examples(
			"workspace create notes ~/mnt/notes", "",
			"status", "",
			"unmount ~/mnt/notes", "",
			"--batch nightly.txt", "commands of a file",
		),
		Args: c.rootArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case c.line:
				return fault.New(fault.Usage, "`"+c.name+" --help` lists them", "a line of a batch is a command")
			case c.batch:
				return c.batchCommands(cmd.Context(), strings.Join(args, ""))
			}
			return c.openUI(cmd.Context())
		},
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		PersistentPreRunE:          func(cmd *cobra.Command, _ []string) error { return c.prepare(cmd) },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.format, "format", cmp.Or(c.format, "text"), "output format: text or json")
	flags.StringVar(&c.coordinator, "coordinator", c.coordinator, "coordinator to use, by context, URL or socket (default: the active context, else the local one, started where none runs)")
	flags.StringVar(&c.caBundle, "ca-bundle", "", "certificate authorities to trust besides the system's, a PEM file (default: AWS_CA_BUNDLE)")
	flags.BoolVarP(&c.verbose, "verbose", "v", c.verbose, "say more on standard error")
	flags.BoolVarP(&c.quiet, "quiet", "q", c.quiet, "print errors, and what was asked for, alone")
	flags.BoolVar(&c.trace, "trace", c.trace, "show each HTTP request on standard error, without what is secret; a mount tells its log")
	flags.BoolVar(&c.noColor, "no-color", c.noColor, "no colours")
	flags.BoolVar(&c.batch, "batch", c.batch, "never ask and never draw; without a command, read commands from a file or standard input")
	root.Flags().BoolVar(&c.accessible, "accessible", false, "the terminal app in lines: a question at a time, plain lists")
	root.Flags().BoolVar(&c.readOnly, "read-only", false, "in the terminal app, disable what changes something")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		c.workspaceCommand(), c.storageCommand(), c.mountCommand(), c.unmountCommand(), c.statusCommand(),
		c.bucketCommand(), c.objectCommand(), c.peerCommand(), c.roleCommand(), c.shareCommand(), c.coordinatorCommand(),
		c.loginCommand(), c.logoutCommand(), c.whoamiCommand(), c.contextCommand(), c.keysCommand(),
		c.doctorCommand(), c.supportBundleCommand(), c.versionCommand(), c.manCommand(), c.mountProcessCommand(),
	)
	root.InitDefaultCompletionCmd()
	c.complete(root)
	c.finish(root)
	return root
}

// exitCodes are in the help of every command (SPEC C14).
const exitCodes = "Exit codes: 0 done, 1 failure, 2 usage or missing configuration, 3 authentication or permission, 4 not found,\n" +
	"5 conflict or already mounted, 6 quota exceeded, 7 unreachable, 8 data not yet uploaded, 130 interrupted."

// finish gives every command what all have: exit codes in the help, and of a command of commands
// an error for one that it does not have.
func (c *cli) finish(cmd *cobra.Command) {
	cmd.Long = cmp.Or(cmd.Long, cmd.Short) + "\n\n" + exitCodes
	if !cmd.Runnable() {
		cmd.Args = subcommandArgs
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			if c.batch {
				return fault.New(fault.Usage, "`"+cmd.CommandPath()+" --help` lists them", "give a command of %s", cmd.CommandPath())
			}
			return cmd.Help()
		}
	}
	for _, child := range cmd.Commands() {
		c.finish(child)
	}
}

// subcommandArgs refuses a word that is no command, and proposes those that look like it.
func subcommandArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "`" + cmd.CommandPath() + " --help` lists the commands"
	cmd.SuggestionsMinimumDistance = 2
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		hint = "did you mean " + strings.Join(like, " or ") + "? " + hint
	}
	return fault.New(fault.Usage, hint, "unknown command %q for %q", args[0], cmd.CommandPath())
}

// prepare sees to what the flags of all commands say, before one runs.
func (c *cli) prepare(cmd *cobra.Command) error {
	if err := c.checkFormat(); err != nil {
		return err
	}
	if c.batch && cmd.HasParent() && !c.line && term.IsTerminal(int(c.in.Fd())) { // nobody types there
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		c.in, c.deaf = null, true
	}
	return c.useBundle()
}

// useBundle has every client, library and process of this program take the authorities that are given.
func (c *cli) useBundle() error {
	bundle := cmp.Or(c.caBundle, os.Getenv(tlstrust.EnvBundle))
	if bundle == "" {
		return nil
	}
	path, err := filepath.Abs(bundle) // a mount process has another working directory
	if err == nil && c.caBundle != "" {
		_, err = tlstrust.Config(path, "")
	}
	if err != nil {
		return err
	}
	return os.Setenv(tlstrust.EnvBundle, path)
}

// tracer tells of requests where that is asked for.
func (c *cli) tracer() reqlog.Log {
	if !c.trace || c.traceTo != nil {
		return c.traceTo
	}
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(c.err, "trace: "+line)
	}
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
	return backend.New(backend.Options{Roots: roots, Coordinator: c.coordinator, ReadOnly: c.readOnly, Notify: c.notify, Trace: c.tracer()}), nil
}

func (c *cli) notify(line string) {
	if !c.quiet {
		fmt.Fprintln(c.err, line)
	}
}

// openUI opens the terminal app. Without a terminal it refuses at once (SPEC C16).
func (c *cli) openUI(ctx context.Context) error {
	out, isFile := terminalOf(c.out)
	if !isFile || !term.IsTerminal(int(c.in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return fault.New(fault.Usage, "give a command, such as `"+c.name+" workspace list`, or `"+c.name+" --batch` with commands on standard input; `"+c.name+" --help` lists them",
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
		App:    desk, Control: openControl, Program: c.typed(), In: c.in, Out: out, Env: os.Environ(), Notices: notices,
		NoColor: c.noColor || os.Getenv("NO_COLOR") != "", ReadOnly: c.readOnly,
		Disk: &disk.Disk{Roots: roots, Version: Version}, CoordinatorLog: embedded.LogFile(roots),
	})
}

// typed is what the user's shell finds this program by, for lines that are copied: its short name
// where that is installed, else its own, else what was typed to start it (SPEC D8).
func (c *cli) typed() string {
	own, err := os.Executable()
	if err != nil {
		return c.arg0
	}
	this, err := os.Stat(own)
	if err != nil {
		return c.arg0
	}
	for _, name := range []string{"artifacts", "artifacts-tui"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if found, err := os.Stat(path); err == nil && os.SameFile(found, this) {
			return name
		}
	}
	return c.arg0
}

// report prints err as a line and a hint, or as JSON, and returns the exit code.
func (c *cli) report(err error) int {
	if err == nil {
		return 0
	}
	e := c.named(fault.As(c.explained(err)))
	if c.format == "json" {
		c.json(c.err, e)
	} else {
		fmt.Fprintf(c.err, "Error: %s\n", clean(e.Error()))
		if e.Hint != "" {
			fmt.Fprintf(c.err, "hint: %s\n", clean(e.Hint))
		}
	}
	return int(e.Kind)
}

// otherNames are commands in hints, whose writers do not know what the program was started as.
var otherNames = regexp.MustCompile("(['`])artifacts(-tui)? ([a-z])")

// named is e with the commands of its hint as somebody who started the program as c.name types them.
func (c *cli) named(e *fault.Error) *fault.Error {
	own := *e
	own.Hint = c.ownName(e.Hint)
	return &own
}

func (c *cli) ownName(hint string) string {
	return otherNames.ReplaceAllString(hint, "${1}"+c.name+" ${3}")
}

// explained gives an error of cobra's own its kind and hint.
func (c *cli) explained(err error) error {
	var e *fault.Error
	if !errors.As(err, &e) && strings.HasPrefix(err.Error(), "unknown command") {
		return fault.New(fault.Usage, "`"+c.name+" --help` lists the commands", "%s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	return err
}

// flagError is an error of pflag's in the words of who typed the flag.
func flagError(cmd *cobra.Command, err error) error {
	text, hint := err.Error(), "`"+cmd.CommandPath()+" --help` lists the flags"
	if before, value, ok := strings.Cut(text, "strconv.Parse"); ok { // Int: parsing "x": invalid syntax
		text = before + "it takes a number"
		if strings.HasPrefix(value, "Bool") {
			text = before + "it takes true or false"
		}
	}
	if before, _, ok := strings.Cut(text, "time: "); ok { // missing unit in duration "5"
		text = before + "it takes a duration, as 90s, 10m or 1h"
	}
	if strings.HasPrefix(text, "unknown shorthand flag") {
		hint += "; what begins with - and is none goes after --"
	}
	return fault.New(fault.Usage, hint, "%s", text)
}

// missing is an error of arguments that were not given.
func missing(names []string, hint string) error {
	verb := "is"
	if len(names) > 1 {
		verb = "are"
	}
	return fault.New(fault.Usage, hint, "%s %s missing", strings.Join(names, " and "), verb)
}

// exactArgs is cobra.ExactArgs with an error that names what is missing.
func exactArgs(names ...string) cobra.PositionalArgs { return rangeArgs(len(names), names...) }

// rangeArgs wants at least min of the named arguments and no more than all.
func rangeArgs(atLeast int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "usage: " + cmd.UseLine()
		switch {
		case len(args) < atLeast:
			return missing(names[len(args):atLeast], hint)
		case len(args) > len(names):
			return fault.New(fault.Usage, hint, "too many arguments: %d, and there may be %d", len(args), len(names)) // not which: a secret may be among them
		}
		for i, arg := range args { // of a variable that was not set: of paths it would be this folder
			if arg == "" {
				return fault.New(fault.Usage, hint, "%s is empty", names[i])
			}
		}
		return nil
	}
}
