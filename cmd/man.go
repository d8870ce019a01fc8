package cmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// manCommand is what packages make the manual of (SPEC C13).
func (c *cli) manCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [--dir DIR]",
		Short: "Write the manual: the page of the program, or with --dir one of each command",
		Long: "Writes the manual in the form that man(1) reads. With --dir it makes a page of each command there, as\n" +
			"artifacts-tui-mount.1, under the name that the program was started by.",
		Example: c.examples("man | man -l -", "", "man --dir /usr/share/man/man1", ""),
		Args:    exactArgs(),
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return manPage(c.out, cmd.Root())
			}
			pages, err := manPages(dir, cmd.Root())
			if err != nil {
				return fault.Wrap(fault.Failure, err, "choose a folder that you may write", "cannot write the manual")
			}
			c.did(map[string]any{"dir": dir, "pages": pages}, func(out io.Writer) { fmt.Fprintf(out, "Wrote %d pages to %s\n", len(pages), dir) })
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write a page of each command to this folder")
	return cmd
}

// manPages writes a page of cmd and of all below it, and returns their file names.
func manPages(dir string, cmd *cobra.Command) (names []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	name := manName(cmd) + ".1"
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, err
	}
	if err := manPage(f, cmd); err != nil {
		_ = f.Close()
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	names = append(names, name)
	for _, child := range cmd.Commands() {
		if child.Hidden || child.Name() == "help" {
			continue
		}
		more, err := manPages(dir, child)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage is the page of one command, in the macros of man(7).
func manPage(to io.Writer, cmd *cobra.Command) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	section := func(name string) { line(".SH %s", name) }
	// Without a date: two builds of a version are the same.
	line(`.TH "%s" "1" "" "artifacts-tui %s" "artifacts-tui"`, strings.ToUpper(manName(cmd)), roff(Version))
	section("NAME")
	line(`%s \- %s`, roff(manName(cmd)), roff(cmd.Short))
	section("SYNOPSIS")
	line(".B %s", roff(cmd.CommandPath()))
	if _, more, found := strings.Cut(cmd.Use, " "); found {
		line("%s", roff(more))
	}
	if cmd.HasAvailableSubCommands() {
		line("[\\fIcommand\\fR]")
	}
	line("[\\fIflags\\fR]")
	section("DESCRIPTION")
	description, _, _ := strings.Cut(cmd.Long, "\n\nExit codes: ")
	manText(&b, description)
	if len(cmd.Aliases) > 0 {
		section("ALIASES")
		line("%s", roff(strings.Join(cmd.Aliases, ", ")))
	}
	if cmd.HasAvailableSubCommands() {
		section("COMMANDS")
		for _, child := range cmd.Commands() {
			if !child.Hidden && child.Name() != "help" {
				line(".TP\n\\fB%s\\fR\n%s", roff(child.Name()), roff(child.Short))
			}
		}
	}
	manFlags(&b, "OPTIONS", cmd.NonInheritedFlags())
	manFlags(&b, "OPTIONS OF EVERY COMMAND", cmd.InheritedFlags())
	if cmd.Example != "" {
		section("EXAMPLES")
		line(".nf\n%s\n.fi", roff(cmd.Example))
	}
	section("EXIT STATUS")
	for _, code := range strings.Split(strings.NewReplacer("Exit codes: ", "", "\n", " ", "interrupted.", "interrupted").Replace(exitCodes), ", ") {
		number, what, _ := strings.Cut(code, " ")
		line(".TP\n%s\n%s", number, roff(what))
	}
	if !cmd.HasParent() {
		manRoot(&b)
	}
	var also []string
	if cmd.HasParent() {
		also = append(also, fmt.Sprintf("\\fB%s\\fR(1)", roff(manName(cmd.Parent()))))
	}
	for _, child := range cmd.Commands() {
		if !child.Hidden && child.Name() != "help" {
			also = append(also, fmt.Sprintf("\\fB%s\\fR(1)", roff(manName(child))))
		}
	}
	section("SEE ALSO")
	line("%s", strings.Join(also, ",\n"))
	_, err := io.WriteString(to, b.String())
	return err
}

// manRoot is what is said once, on the page of the program.
func manRoot(b *strings.Builder) {
	table := func(name string, rows ...string) {
		fmt.Fprintf(b, ".SH %s\n", name)
		for i := 0; i+1 < len(rows); i += 2 {
			fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(rows[i]), roff(rows[i+1]))
		}
	}
	table("ENVIRONMENT",
		"ARTIFACTS_S3_ACCESS_KEY_ID, ARTIFACTS_S3_SECRET_ACCESS_KEY, ARTIFACTS_S3_SESSION_TOKEN", "the pair for buckets of your own, before any that is kept",
		"ARTIFACTS_S3_REGION, ARTIFACTS_S3_BUCKET, ARTIFACTS_S3_ENDPOINT, ARTIFACTS_S3_PREFIX", "what `workspace create --backend byo` takes where its flags are not given",
		"ARTIFACTS_PROFILE", "the credential profile to use",
		"ARTIFACTS_COORDINATOR", "the coordinator to use: a context, a URL or a socket",
		"ARTIFACTS_TOKEN", "a peer's token, for `login`",
		"HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "proxies, and hosts to reach without one",
		"AWS_CA_BUNDLE", "certificate authorities to trust besides the system's, as --ca-bundle",
		"NO_COLOR", "no colours",
		"XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME, XDG_DATA_HOME", "where the folders below are")
	table("FILES",
		"~/.config/tonbo/artifacts", "configuration and credentials, mode 0600",
		"~/.cache/tonbo/artifacts", "what was read, and logs; it may be deleted at any time",
		"~/.local/state/tonbo/artifacts", "what was written and is not uploaded yet, and sockets",
		"~/.local/share/tonbo/artifacts", "the store of the local coordinator")
}

// manText is paragraphs; indented lines stay as they are.
func manText(b *strings.Builder, text string) {
	fixed := false
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		if indented := strings.HasPrefix(l, " "); indented != fixed && l != "" {
			fixed = indented
			fmt.Fprintln(b, map[bool]string{true: ".nf", false: ".fi"}[fixed])
		}
		if l == "" {
			l = ".PP"
		} else {
			l = roff(l)
		}
		fmt.Fprintln(b, l)
	}
	if fixed {
		fmt.Fprintln(b, ".fi")
	}
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		fmt.Fprint(b, ".TP\n\\fB")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "%s, ", roff("-"+f.Shorthand))
		}
		fmt.Fprintf(b, "%s\\fR", roff("--"+f.Name))
		if name != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(name))
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "[]" {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	})
}

// roff writes text so that troff(1) takes none of it for a request or an escape.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
