package cmd

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

func (c *cli) unmountCommand() *cobra.Command {
	var opt mounts.UnmountOptions
	all := false
	cmd := &cobra.Command{
		Use:     "unmount MOUNTPOINT",
		Aliases: []string{"umount"},
		Short:   "Unmount a workspace and wait until the store has every write",
		Long: "Detaches the mount, uploads what is still on this machine and proves that nothing is left. What cannot be\n" +
			"uploaded within --timeout is kept, named, and taken up by the next mount (exit code 8). A mount that\n" +
			"programs use is refused and they are named (exit code 5); --lazy detaches it all the same, and its process\n" +
			"goes on until their last file is closed and everything is in the bucket. --all unmounts every workspace at the\n" +
			"same time, says how each went, and ends with the exit code of the worst.",
		Example: c.examples("unmount /mnt/work", "", "unmount /mnt/work --timeout 30s", "", "unmount /mnt/work --lazy", "", "unmount --all", ""),
		Args:    rangeArgs(0, "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case opt.Lazy && cmd.Flags().Changed("timeout"):
				return fault.New(fault.Usage, "leave out one of them", "--lazy does not wait, so --timeout has no meaning with it")
			case all && len(args) > 0:
				return fault.New(fault.Usage, "leave out one of them", "--all and %q exclude each other", args[0])
			case !all && len(args) == 0:
				return fault.New(fault.Usage, "usage: "+cmd.UseLine(), "MOUNTPOINT is missing")
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			opt.Progress = c.drainProgress()
			if all {
				return c.unmountAll(cmd.Context(), app, opt)
			}
			return c.unmount(cmd.Context(), app, args[0], opt)
		},
	}
	cmd.Flags().DurationVar(&opt.Timeout, "timeout", 0, "how long to wait for uploads (default: until done)")
	cmd.Flags().BoolVar(&opt.Lazy, "lazy", false, "detach at once, also where programs use it, and drain in the background")
	cmd.Flags().BoolVar(&all, "all", false, "every mounted workspace")
	return cmd
}

func (c *cli) unmount(ctx context.Context, app *backend.App, where string, opt mounts.UnmountOptions) error {
	d, err := app.Unmount(ctx, where, opt)
	if opt.Progress != nil {
		c.endProgress()
	}
	if err != nil {
		return err
	}
	c.did(d, func(out io.Writer) { fmt.Fprintln(out, unmountedLine(d, opt.Lazy)) })
	return nil
}

func unmountedLine(d mounts.Drain, lazy bool) string {
	if lazy {
		return fmt.Sprintf("detached: %d queued, %d in progress, %d failed; open files: %d; it drains in the background",
			d.Queued, d.InProgress, d.Failed, d.OpenFiles)
	}
	return fmt.Sprintf("unmounted: %d queued, %d in progress, %d failed", d.Queued, d.InProgress, d.Failed)
}

// unmountAll prints a line, or an element, a mount.
func (c *cli) unmountAll(ctx context.Context, app *backend.App, opt mounts.UnmountOptions) error {
	results, err := app.UnmountAll(ctx, opt)
	if opt.Progress != nil {
		c.endProgress()
	}
	if results == nil {
		return err
	}
	c.print(results, func(out io.Writer) {
		if len(results) == 0 && !c.quiet {
			fmt.Fprintln(out, "Nothing is mounted")
		}
		for _, r := range results {
			switch {
			case r.Error != nil:
				fmt.Fprintf(out, "%s: %s: %v\n", r.Mountpoint, r.Error.Kind.Code(), r.Error)
			case !c.quiet:
				fmt.Fprintf(out, "%s: %s\n", r.Mountpoint, unmountedLine(r.Drain, opt.Lazy))
			}
		}
	})
	return err
}

// drainProgress draws what is left, a line that is drawn over.
func (c *cli) drainProgress() func(mounts.Drain) {
	if c.canvas() == nil {
		return nil
	}
	return func(d mounts.Drain) {
		if d.Pending() > 0 {
			fmt.Fprintf(c.err, "\r\x1b[Kdraining: %d queued, %d in progress, %d failed, %s left", d.Queued, d.InProgress, d.Failed, size(d.PendingBytes))
		}
	}
}

func (c *cli) endProgress() {
	if c.canvas() != nil {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
}

// canvas is standard error where progress may be drawn: on a terminal, and for somebody who looks.
func (c *cli) canvas() *os.File {
	f, ok := c.err.(*os.File)
	if !ok || c.quiet || c.batch || c.format != "text" || os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return f
}
