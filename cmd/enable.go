package cmd

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/artifacts-tui/artifacts-tui/backend"
)

func (c *cli) enableCommand() *cobra.Command {
	req := backend.EnableRequest{}
	mount := pflag.NewFlagSet("mount", pflag.ContinueOnError)
	mountFlags(mount, &req.MountRequest)
	cmd := &cobra.Command{
		Use:   "enable WORKSPACE [MOUNTPOINT]",
		Short: "Mount a workspace whenever you log in",
		Long: "Writes a systemd user unit that mounts a workspace when your session starts, again where that fails or the\n" +
			"mount dies, and drains it when the session ends. It takes the flags of `mount`. The unit holds no key: those\n" +
			"of a bucket of your own come from the credential cache. `loginctl enable-linger` has it mounted when the\n" +
			"machine starts, before you log in. Without MOUNTPOINT it is ~/mnt/WORKSPACE.",
		Example: c.examples("mount enable notes", "", "mount enable train /mnt/train --cache-profile benchmark --now", "", "mount disable notes", ""),
		Args:    rangeArgs(1, "WORKSPACE", "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if req.Workspace = args[0]; len(args) == 2 {
				req.Mountpoint = args[1]
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			if req.Flags, err = given(mount); err != nil {
				return err
			}
			e, err := app.EnableMount(cmd.Context(), req)
			if err != nil {
				return err
			}
			c.print(e, func(out io.Writer) {
				if !c.quiet {
					fmt.Fprintf(out, "Enabled %s: %s is mounted at %s when your session starts\n", e.Unit, e.Workspace, e.Mountpoint)
					if e.Active {
						fmt.Fprintf(out, "Mounted %s at %s\n", e.Workspace, e.Mountpoint)
					}
				}
				nextSteps(out, e.Unreachable, e.Next)
			})
			return nil
		},
	}
	cmd.Flags().AddFlagSet(mount)
	_ = cmd.Flags().MarkHidden("create") // a unit always makes its mountpoint
	cmd.Flags().BoolVar(&req.Now, "now", false, "mount it now, too")
	return cmd
}

func (c *cli) disableCommand() *cobra.Command {
	var now bool
	cmd := &cobra.Command{
		Use:   "disable WORKSPACE",
		Short: "Undo enable",
		Long: "Removes the unit that `mount enable` wrote. A mount that it started stays until it is unmounted or the session\n" +
			"ends; with --now it is drained and unmounted at once.",
		Example: c.examples("mount disable notes", "", "mount disable notes --now", ""),
		Args:    exactArgs("WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			e, err := app.DisableMount(cmd.Context(), args[0], now)
			if err != nil {
				return err
			}
			c.print(e, func(out io.Writer) {
				if !c.quiet {
					fmt.Fprintf(out, "Disabled %s\n", e.Unit)
				}
				nextSteps(out, e.Unreachable, e.Next)
			})
			return nil
		},
	}
	cmd.Flags().BoolVar(&now, "now", false, "unmount it now, too")
	return cmd
}

// nextSteps says what the service manager has to be told, where that could not be done here.
func nextSteps(out io.Writer, why string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(out, "systemd could not be told of it (%s). In a session of your own, run:\n", why)
	for _, line := range lines {
		fmt.Fprintln(out, "  "+line)
	}
}

// given are the flags that were set, as a command line has them, with absolute paths.
func given(flags *pflag.FlagSet) (words []string, err error) {
	flags.VisitAll(func(f *pflag.Flag) { // Visit knows what it parsed itself, and cobra parsed these
		if !f.Changed || f.Name == "create" {
			return
		}
		value := f.Value.String()
		if f.Name == "cache-profile-file" && err == nil {
			value, err = filepath.Abs(value)
		}
		words = append(words, "--"+f.Name+"="+value)
	})
	return words, err
}
