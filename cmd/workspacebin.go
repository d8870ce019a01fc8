package cmd

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
)

// listDeleted is `workspace list --deleted` (SPEC C22).
func (c *cli) listDeleted(cmd *cobra.Command) error {
	return c.control(cmd.Context(), func(m *client.Client) error {
		list, err := m.DeletedWorkspaces(cmd.Context())
		if err != nil {
			return err
		}
		c.print(list, func(out io.Writer) {
			if len(list) == 0 {
				fmt.Fprintln(out, "No deleted workspaces")
				return
			}
			rows := make([][]string, len(list))
			for i, w := range list {
				bytes, objects := "-", "-"
				if w.Usage != nil {
					bytes, objects = size(w.Usage.Total()), strconv.FormatInt(w.Usage.Objects, 10)
				}
				gone := stamp(w.PurgeAfter)
				if w.Purging {
					gone = "being purged"
				}
				rows[i] = []string{w.Name, w.ID, string(w.Backend), bytes, objects, stamp(w.Deleted), gone}
			}
			table(out, []string{"NAME", "ID", "BACKEND", "SIZE", "OBJECTS", "DELETED", "PURGED AFTER"}, rows)
		})
		return nil
	})
}

func (c *cli) workspaceRestore() *cobra.Command {
	return &cobra.Command{
		Use:     "restore NAME|ID",
		Short:   "Bring a deleted workspace back, with everything in it",
		Example: c.examples("workspace list --deleted", "", "workspace restore notes", ""),
		Args:    exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				w, err := m.RestoreWorkspace(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.did(w, func(out io.Writer) { fmt.Fprintf(out, "Restored workspace %s (%s)\n", w.Name, w.ID) })
				return nil
			})
		},
	}
}

func (c *cli) workspacePurge() *cobra.Command {
	var d destruction
	cmd := &cobra.Command{
		Use:   "purge NAME|ID --yes",
		Short: "Remove a deleted workspace for good, and the objects of a managed one",
		Long:  "Removes a deleted workspace for good. The objects of a managed one are deleted and cannot be brought back; those in a bucket of your own are not touched.",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.confirmed("purging workspace %q", args[0]); err != nil {
				return err
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				purge := m.PurgeWorkspace
				if d.dryRun {
					purge = m.DeletedWorkspace
				}
				w, err := purge(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.did(deletedWorkspace{Purged: w.Name, ID: w.ID, DryRun: d.dryRun}, func(out io.Writer) {
					fmt.Fprintf(out, "%s workspace %s (%s)\n", d.past("Purged", "purge"), w.Name, w.ID)
				})
				return nil
			})
		},
	}
	d.flags(cmd)
	return cmd
}

func (c *cli) workspaceRevoke() *cobra.Command {
	var peer string
	cmd := &cobra.Command{
		Use:   "revoke NAME [--peer PEER]",
		Short: "End the sessions of a managed workspace at once, of everybody or of one peer",
		Long: "Ends the keys that mounts of a managed workspace sign with. Mounts that have them keep what was not uploaded yet and\n" +
			"say so in `status`; `mount refresh-credentials` or a new mount gets new keys, where that is still allowed.",
		Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd, "peer"); err != nil {
				return err
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				n, err := m.RevokeSessions(cmd.Context(), args[0], peer)
				if err != nil {
					return err
				}
				c.did(map[string]int{"revoked": n}, func(out io.Writer) { fmt.Fprintf(out, "Revoked %d pairs of workspace %s\n", n, args[0]) })
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&peer, "peer", "", "only those of this peer")
	return cmd
}

func (c *cli) workspaceAcceptLoss() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "accept-loss NAME --yes",
		Short: "After a restore: stop reporting objects of a workspace that are not there",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := confirmed(yes, "accepting what is missing in %q", args[0]); err != nil {
				return err
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				w, err := m.ForgetMissingOf(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.did(w, func(out io.Writer) { fmt.Fprintf(out, "What is missing in workspace %s is reported no more\n", w.Name) })
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	return cmd
}

func (c *cli) workspaceQuotaSet() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "set NAME SIZE",
		Short:   "Bound what a managed workspace may hold",
		Example: c.examples("workspace quota set notes 5GB", ""),
		Args:    exactArgs("NAME", "SIZE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			bytes, err := bytesize.Parse(args[1])
			if err != nil {
				return err
			}
			return c.setWorkspaceQuota(cmd, args[0], coordinator.Quota{Bytes: bytes, Force: force})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also where the workspace holds more: nothing can then be added to it")
	return cmd
}

func (c *cli) workspaceQuotaClear() *cobra.Command {
	return &cobra.Command{
		Use:   "clear NAME",
		Short: "Take a managed workspace's quota away",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.setWorkspaceQuota(cmd, args[0], coordinator.Quota{})
		},
	}
}

func (c *cli) setWorkspaceQuota(cmd *cobra.Command, name string, q coordinator.Quota) error {
	return c.control(cmd.Context(), func(m *client.Client) error {
		w, err := m.SetWorkspaceQuota(cmd.Context(), name, q)
		if err != nil {
			return err
		}
		c.did(w, func(out io.Writer) { workspaceUsage(out, w) })
		return nil
	})
}

func workspaceUsage(out io.Writer, w workspace.Workspace) {
	used := workspace.Usage{}
	if w.Usage != nil {
		used = *w.Usage
	}
	fmt.Fprintf(out, "%s: %s, %d objects\n", w.Name, usedOf(used.Total(), w.Quota), used.Objects)
}
