package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

func (c *cli) repairCommand() *cobra.Command {
	var all bool
	var opt mounts.UnmountOptions
	cmd := &cobra.Command{
		Use:   "repair [MOUNTPOINT|WORKSPACE]",
		Short: "Mount again what a crash left stale, and upload what it had not",
		Long: "After a kill -9 or a crash: the stale mountpoint is mounted again, what was written and closed is uploaded, and\n" +
			"what is in doubt is set aside and named. A workspace that is not mounted only has its uploads finished.",
		Example: c.examples("mount repair /mnt/work", "", "mount repair --all", ""),
		Args:    rangeArgs(0, "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			switch {
			case all && len(args) == 0:
				if args, err = app.Stale(cmd.Context()); err != nil {
					return err
				}
			case all || len(args) == 0:
				return fault.New(fault.Usage, "usage: "+cmd.UseLine(), "give a mountpoint, a workspace or --all")
			}
			opt.Progress = c.drainProgress()
			return c.repair(cmd.Context(), app, args, opt)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every stale mount")
	cmd.Flags().DurationVar(&opt.Timeout, "timeout", 0, "how long to wait for uploads (default: until done)")
	return cmd
}

func (c *cli) repair(ctx context.Context, app *backend.App, places []string, opt mounts.UnmountOptions) error {
	results, errs := []backend.Repaired{}, []error(nil)
	for _, place := range places {
		r, err := app.Repair(ctx, place, opt)
		c.endProgress()
		if r.Workspace != "" {
			results = append(results, r)
		}
		if err != nil && len(places) > 1 {
			c.notify(place + ": " + err.Error())
		}
		errs = append(errs, err)
	}
	c.print(results, func(out io.Writer) {
		if len(places) == 0 {
			fmt.Fprintln(out, "Nothing is stale")
		}
		for _, r := range results {
			where := "its uploads are finished; it is not mounted"
			if r.Mountpoint != "" {
				where = "mounted at " + r.Mountpoint
			}
			fmt.Fprintf(out, "%s: %s: %d queued, %d in progress, %d failed\n", r.Workspace, where, r.Queued, r.InProgress, r.Failed)
			for _, q := range r.Files {
				fmt.Fprintf(out, "set aside: %s: %s (%s)\n", q.File, q.Path, q.Reason)
			}
			if len(r.Files) > 0 {
				fmt.Fprintf(out, "`%s mount quarantine restore %s FILE` brings one back\n", c.name, r.Workspace)
			}
		}
	})
	return errors.Join(errs...)
}
