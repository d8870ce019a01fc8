package cmd

import (
	"context"
	"fmt"
	"io"
	"sort"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// quarantineCommand is SPEC C7: what a crash left in doubt is named, and nobody's to lose
// but the user's.
func (c *cli) quarantineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "List, restore or discard files that a crash left in doubt",
		Long: "A file that was being written when its mount was killed, and bytes that a power cut may have torn, are set\n" +
			"aside rather than uploaded. They stay until they are restored or discarded.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(c.quarantineList(), c.quarantineShow(), c.quarantineRestore(), c.quarantineDiscard())
	return cmd
}

func (c *cli) quarantineList() *cobra.Command {
	return &cobra.Command{
		Use:   "list [WORKSPACE]",
		Short: "List the files that were set aside",
		Args:  rangeArgs(0, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			list, err := app.Quarantine(cmd.Context(), name)
			if err != nil {
				return err
			}
			sort.Slice(list, func(i, j int) bool { return list[i].File < list[j].File })
			if list == nil {
				list = []backend.QuarantinedFile{}
			}
			c.print(list, func(out io.Writer) {
				if len(list) == 0 {
					fmt.Fprintln(out, "Nothing is in quarantine")
					return
				}
				rows := make([][]string, len(list))
				for i, q := range list {
					rows[i] = []string{q.Workspace, q.File, size(q.Size), q.Path, q.Reason}
				}
				table(out, []string{"WORKSPACE", "FILE", "SIZE", "PATH", "REASON"}, rows)
			})
			return nil
		},
	}
}

func (c *cli) quarantineShow() *cobra.Command {
	var content bool
	cmd := &cobra.Command{
		Use:     "show WORKSPACE FILE",
		Short:   "Show what is known of a file, or its content",
		Long:    "FILE is the name that the list shows, or its beginning or end.",
		Example: c.examples("mount quarantine show notes 20260102T", "", "mount quarantine show notes 20260102T --content > rescued", ""),
		Args:    exactArgs("WORKSPACE", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			q, f, err := app.Quarantined(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			defer f.Close()
			if content {
				_, err := io.Copy(c.out, f)
				return err
			}
			c.print(q, func(out io.Writer) {
				from := ""
				if q.Offset > 0 {
					from = fmt.Sprintf("byte %d on", q.Offset)
				}
				fields(out, "File", q.File, "Path", q.Path, "Size", fmt.Sprintf("%s (%d bytes)", size(q.Size), q.Size),
					"Holds", from, "Set aside", stamp(q.Time), "Reason", q.Reason)
			})
			return nil
		},
	}
	cmd.Flags().BoolVar(&content, "content", false, "print the bytes instead")
	return cmd
}

func (c *cli) quarantineRestore() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "restore WORKSPACE FILE",
		Short: "Bring a file back into the mounted workspace, or elsewhere",
		Long: "Writes the file to its path in the mount, or beside it with .restored after its name where that path is taken,\n" +
			"and takes it out of quarantine.",
		Example: c.examples("mount quarantine restore notes 20260102T", "", "mount quarantine restore notes 20260102T --to ~/rescued", ""),
		Args:    exactArgs("WORKSPACE", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			path, err := app.RestoreQuarantined(cmd.Context(), args[0], args[1], to)
			if err != nil {
				return err
			}
			c.did(map[string]string{"restored": path}, func(out io.Writer) { fmt.Fprintf(out, "Restored %s\n", path) })
			return nil
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "write it to this file, which must not exist")
	return cmd
}

func (c *cli) quarantineDiscard() *cobra.Command {
	var d destruction
	cmd := &cobra.Command{
		Use:   "discard WORKSPACE FILE --yes",
		Short: "Delete a file that was set aside, for good",
		Args:  exactArgs("WORKSPACE", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.confirmed("discarding %s", args[1]); err != nil {
				return err
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			return c.discard(cmd.Context(), app, args[0], args[1], d)
		},
	}
	d.flags(cmd)
	return cmd
}

// discarded is what `mount quarantine discard` prints as JSON.
type discarded struct {
	Discarded string `json:"discarded"`
	DryRun    bool   `json:"dry_run"`
}

func (c *cli) discard(ctx context.Context, app *backend.App, workspace, file string, d destruction) error {
	var q mounts.Quarantined
	var err error
	if d.dryRun {
		var f io.Closer
		if q, f, err = app.Quarantined(ctx, workspace, file); err == nil {
			_ = f.Close()
		}
	} else {
		q, err = app.DiscardQuarantined(ctx, workspace, file)
	}
	if err != nil {
		return err
	}
	c.did(discarded{Discarded: q.File, DryRun: d.dryRun}, func(out io.Writer) { fmt.Fprintf(out, "%s %s\n", d.past("Discarded", "discard"), q.File) })
	return nil
}
