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
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the coordinator and every mount, with what is still to be uploaded",
		Long: "Shows the coordinator and every mount. It starts nothing, and never waits for a dead mount. With --watch it\n" +
			"shows them again whenever something changed, until it is interrupted; as JSON that is a document a line.",
		Example: c.examples("status", "", "status --watch", "", "status --watch --format json", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			if watch {
				return c.watchStatus(cmd.Context(), app)
			}
			o, notice, err := c.overview(cmd.Context(), app)
			if err != nil {
				return err
			}
			if notice != "" {
				c.notify(notice)
			}
			c.print(o, func(out io.Writer) { c.showStatus(out, o) })
			return nil
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it again whenever something changed, until ctrl+c")
	return cmd
}

// overview asks for the status; notice says why the coordinator's is not known.
func (c *cli) overview(ctx context.Context, app *backend.App) (o overview, notice string, err error) {
	o.Mounts = []mounts.Status{}
	var unknown error
	if o.Coordinator, unknown = app.PeekCoordinator(ctx); unknown != nil {
		notice = "coordinator: " + unknown.Error()
	}
	list, err := app.Mounts(ctx)
	o.Mounts = append(o.Mounts, list...)
	return o, notice, err
}

func (c *cli) showStatus(out io.Writer, o overview) {
	fmt.Fprintln(out, "Coordinator: "+coordinatorLine(o.Coordinator))
	printWarnings(out, o.Coordinator.Warnings)
	c.mountTable(out, o.Mounts)
	for _, m := range o.Mounts {
		for _, f := range m.Failures {
			fmt.Fprintf(out, "not uploaded: %s: %s\n", m.Mountpoint+"/"+f.Path, f.Reason)
		}
		for _, k := range m.Conflicts {
			fmt.Fprintf(out, "conflict: %s: %s\n", m.Mountpoint+"/"+k.Path, conflictText(k))
		}
		if m.Quarantined > 0 {
			fmt.Fprintf(out, "set aside: %d files of %s\n", m.Quarantined, m.Workspace)
		}
	}
}

func conflictText(k mounts.Conflict) string {
	switch {
	case k.Copy != "":
		return k.Reason + ": " + k.Copy
	case k.Quarantined != "":
		return k.Reason + "; it is set aside as " + k.Quarantined
	}
	return k.Reason
}

// watchStatus is `status --watch`. What a coordinator that is not known says is told once.
func (c *cli) watchStatus(ctx context.Context, app *backend.App) error {
	told := ""
	return c.watch(ctx, func() (any, func(io.Writer), error) {
		o, notice, err := c.overview(ctx, app)
		if err == nil && notice != told && notice != "" {
			c.notify(notice)
		}
		told = notice
		return o, func(out io.Writer) { c.showStatus(out, o) }, err
	})
}

func coordinatorLine(s backend.CoordinatorStatus) string {
	if !s.Running {
		return "not running"
	}
	return fmt.Sprintf("%s %s (pid %d, since %s)", s.Kind, s.URL, s.PID, stamp(s.Since))
}
