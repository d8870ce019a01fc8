package cmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// overview is what `status` prints as JSON.
type overview struct {
	Coordinator backend.CoordinatorStatus `json:"coordinator"`
	Mounts      []mounts.Status           `json:"mounts"`
}

func (c *cli) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the coordinator and every mount, with what is still to be uploaded",
		Long:  "Shows the coordinator and every mount. It starts nothing, and never waits for a dead mount.",
		Args:  exactArgs(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.status(cmd.Context()) },
	}
}

func (c *cli) status(ctx context.Context) error {
	app, err := c.app()
	if err != nil {
		return err
	}
	o := overview{Mounts: []mounts.Status{}}
	coordinatorErr := error(nil)
	if o.Coordinator, coordinatorErr = app.PeekCoordinator(ctx); coordinatorErr != nil {
		c.notify("coordinator: " + coordinatorErr.Error())
	}
	list, err := app.Mounts(ctx)
	if err != nil {
		return err
	}
	o.Mounts = append(o.Mounts, list...)
	c.print(o, func(out io.Writer) {
		fmt.Fprintln(out, "Coordinator: "+coordinatorLine(o.Coordinator))
		c.mountTable(out, o.Mounts)
		for _, m := range o.Mounts {
			for _, f := range m.Failures {
				fmt.Fprintf(out, "not uploaded: %s: %s\n", m.Mountpoint+"/"+f.Path, f.Reason)
			}
			if m.Quarantined > 0 {
				fmt.Fprintf(out, "set aside after a crash: %d files of %s\n", m.Quarantined, m.Workspace)
			}
		}
	})
	return nil
}

func coordinatorLine(s backend.CoordinatorStatus) string {
	if !s.Running {
		return "not running"
	}
	return fmt.Sprintf("%s %s (pid %d, since %s)", s.Kind, s.URL, s.PID, stamp(s.Since))
}
