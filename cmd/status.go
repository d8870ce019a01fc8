package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// overview is what `status` prints as JSON.
type overview struct {
	Coordinator backend.CoordinatorStatus `json:"coordinator"`
	Mounts      []mounts.Status           `json:"mounts"`
}

// watchEvery is how often a watched status is taken; what did not change is not printed.
const watchEvery = time.Second

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

// watchStatus prints the status each time it differs: over the last one on a terminal,
// after an empty line elsewhere, as a line of JSON where that is asked for. It ends with
// the interruption that ends it (SPEC C14).
func (c *cli) watchStatus(ctx context.Context, app *backend.App) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	var last []byte
	told := ""
	for {
		o, notice, err := c.overview(ctx, app)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if notice != told && notice != "" {
			c.notify(notice)
		}
		told = notice
		var now bytes.Buffer
		if c.format == "json" {
			err = json.NewEncoder(&now).Encode(o)
		} else {
			c.showStatus(&now, o)
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(now.Bytes(), last) {
			if _, err := c.out.Write(append(c.between(last == nil), now.Bytes()...)); err != nil {
				return err
			}
			last = now.Bytes()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// between is what stands between one status and the next.
func (c *cli) between(first bool) []byte {
	out, isFile := c.out.(*os.File)
	switch {
	case c.format == "json":
		return nil
	case isFile && term.IsTerminal(int(out.Fd())):
		return []byte("\x1b[H\x1b[2J")
	case first:
		return nil
	}
	return []byte("\n")
}

func coordinatorLine(s backend.CoordinatorStatus) string {
	if !s.Running {
		return "not running"
	}
	return fmt.Sprintf("%s %s (pid %d, since %s)", s.Kind, s.URL, s.PID, stamp(s.Since))
}
