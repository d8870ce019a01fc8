package cmd

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/mountd"
)

func (c *cli) workspaceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "workspace",
		Aliases: []string{"ws"},
		Short:   "Create, list, show and delete workspaces",
		Args:    cobra.NoArgs,
	}
	cmd.AddCommand(c.workspaceCreate(), c.workspaceList(), c.workspaceShow(), c.workspaceDelete(), c.workspaceRestore(), c.workspacePurge(),
		c.workspaceRevoke(), c.workspaceAcceptLoss(), group("quota", "Bound what a managed workspace may hold", c.workspaceQuotaSet(), c.workspaceQuotaClear()))
	return cmd
}

func (c *cli) workspaceCreate() *cobra.Command {
	req := backend.CreateRequest{}
	cmd := &cobra.Command{
		Use:   "create NAME [MOUNTPOINT]",
		Short: "Create a workspace, and mount it where a mountpoint is given",
		Long: "Creates a workspace. With --backend managed, the default, its data is in the coordinator's store and\n" +
			"nothing needs to be set up. With --backend byo it is in a bucket of your own; the keys come from\n" +
			"ARTIFACTS_S3_ACCESS_KEY_ID and ARTIFACTS_S3_SECRET_ACCESS_KEY or from the cache of an earlier create,\n" +
			"and never leave this machine. With --backend mesh it is a bucket of the coordinator's store that you may use with\n" +
			"any S3 client too; each peer mounts it with its own token. A create that was cut off is finished by running it again.",
		Example: c.examples(
			"workspace create notes", "in the coordinator's store",
			"workspace create notes ~/mnt/notes", "and mounted at once",
			"workspace create train --backend byo --bucket acme-ml --endpoint https://s3.eu-west-2.amazonaws.com --region eu-west-2", "in a bucket of your own",
			"workspace create shared --backend mesh --bucket team", "a bucket of the coordinator's store",
		),
		Args: rangeArgs(1, "NAME", "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			if err := onlyOfBuckets(cmd, req.Backend); err != nil {
				return err
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			if len(args) == 2 { // before there is a workspace that cannot be mounted there
				if err := mountd.CheckMountpoint(args[1]); err != nil {
					return err
				}
			}
			w, notices, err := app.CreateWorkspace(cmd.Context(), req)
			if err != nil {
				return err
			}
			if len(args) == 2 && c.format == "json" {
				return c.mount(cmd.Context(), app, backend.MountRequest{Workspace: w.Name, Mountpoint: args[1], CreateDir: true})
			}
			c.did(w, func(out io.Writer) {
				fmt.Fprintf(out, "Created workspace %s (%s, %s)\n", w.Name, w.Backend, w.Location())
			})
			for _, line := range notices {
				c.say("%s", line)
			}
			if len(args) == 2 {
				return c.mount(cmd.Context(), app, backend.MountRequest{Workspace: w.Name, Mountpoint: args[1], CreateDir: true})
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar((*string)(&req.Backend), "backend", "managed", "managed: the coordinator's store; byo: a bucket of your own; mesh: a bucket of the coordinator's store")
	f.StringVar(&req.Bucket, "bucket", "", "byo (ARTIFACTS_S3_BUCKET) and mesh: the bucket")
	f.StringVar(&req.Endpoint, "endpoint", "", "byo: address of the S3 service (ARTIFACTS_S3_ENDPOINT)")
	f.StringVar(&req.Region, "region", "", "byo: region (ARTIFACTS_S3_REGION, AWS_REGION, AWS_DEFAULT_REGION)")
	f.Var((*sizeFlag)(&req.Quota), "quota", "managed: how much it may hold, as 10GB; an admin may set it")
	f.StringVar(&req.Prefix, "prefix", "", "byo (ARTIFACTS_S3_PREFIX) and mesh: folder within the bucket")
	f.StringVar(&req.CredentialProfile, "profile", "", "byo: the credential profile to use; the workspace is bound to it")
	f.BoolVar(&req.NoCache, "no-cache-credentials", false, "byo: do not keep the keys of the environment for later mounts")
	return cmd
}

// onlyOfBuckets refuses flags of a bucket of one's own where the workspace would be managed: who
// forgot --backend must not find the data elsewhere.
func onlyOfBuckets(cmd *cobra.Command, backend workspace.Backend) error {
	if backend != workspace.Managed {
		return nil
	}
	for _, name := range []string{"bucket", "endpoint", "region", "prefix"} {
		if cmd.Flags().Changed(name) {
			return fault.New(fault.Usage, "add --backend byo, or mesh, or leave it out", "--%s is not of a managed workspace", name)
		}
	}
	return nil
}

func (c *cli) workspaceList() *cobra.Command {
	var deleted bool
	cmd := &cobra.Command{
		Use:     "list [--deleted]",
		Aliases: []string{"ls"},
		Short:   "List workspaces",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if deleted {
				return c.listDeleted(cmd)
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			list, err := app.Workspaces(cmd.Context())
			if err != nil {
				return err
			}
			mounted, err := app.Mounts(cmd.Context())
			if err != nil {
				return err
			}
			where := map[string]string{}
			for _, m := range mounted {
				if !m.Unmounted {
					where[m.ID] = m.Mountpoint
				}
			}
			c.print(list, func(out io.Writer) {
				if len(list) == 0 {
					fmt.Fprintf(out, "No workspaces yet; `%s workspace create NAME` makes one.\n", c.name)
					return
				}
				rows := make([][]string, len(list))
				for i, w := range list {
					bytes, full, objects := "-", "-", "-"
					if w.Usage != nil {
						bytes, full, objects = size(w.Usage.Total()), fullText(w.Usage.Total(), w.Quota), strconv.FormatInt(w.Usage.Objects, 10)
					}
					at := where[w.ID]
					if at == "" {
						at = "-"
					}
					rows[i] = []string{w.Name, string(w.Backend), w.Location(), bytes, quotaText(w.Quota), full, objects, string(w.State), at}
				}
				table(out, []string{"NAME", "BACKEND", "WHERE", "SIZE", "QUOTA", "FULL", "OBJECTS", "STATE", "MOUNTED AT"}, rows)
				for _, w := range list {
					if missing := w.Missing(); missing != "" {
						fmt.Fprintf(out, "missing: %s: %s\n", w.Name, missing)
					}
				}
			})
			return nil
		},
	}
	cmd.Flags().BoolVar(&deleted, "deleted", false, "those that can still be restored")
	return cmd
}

func (c *cli) workspaceShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show one workspace",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			w, err := app.Workspace(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			c.print(w, func(out io.Writer) { showWorkspace(out, w) })
			return nil
		},
	}
}

func showWorkspace(out io.Writer, w workspace.Workspace) {
	usage, flight, lost := "", "", ""
	if w.Usage != nil {
		usage = fmt.Sprintf("%s (%d bytes), %d objects", size(w.Usage.Total()), w.Usage.Total(), w.Usage.Objects)
		if w.Quota > 0 {
			usage = fmt.Sprintf("%s, %d objects", usedOf(w.Usage.Total(), w.Quota), w.Usage.Objects)
		}
		if w.Usage.PartBytes > 0 {
			flight = fmt.Sprintf("%d bytes of unfinished uploads", w.Usage.PartBytes)
		}
		if m := w.Known.Missing(*w.Usage); m.Objects > 0 {
			lost = fmt.Sprintf("%d objects (%d bytes) known to the backup of %s", m.Objects, m.Bytes, stamp(w.Known.At))
		}
	}
	fields(out, "Name", w.Name, "ID", w.ID, "Backend", string(w.Backend), "State", string(w.State), "Owner", w.Owner, "Bucket", w.Bucket,
		"Prefix", w.Prefix, "Endpoint", w.Endpoint, "Region", w.Region, "Usage", usage, "In flight", flight, "Missing", lost, "Created", stamp(w.Created))
}

// deletedWorkspace is what `workspace delete` and `workspace purge` print as JSON: one of the two names.
type deletedWorkspace struct {
	Deleted string `json:"deleted,omitempty"`
	Purged  string `json:"purged,omitempty"`
	ID      string `json:"id"`
	DryRun  bool   `json:"dry_run"`
}

func (c *cli) workspaceDelete() *cobra.Command {
	var d destruction
	cmd := &cobra.Command{
		Use:   "delete NAME --yes",
		Short: "Delete a workspace; `workspace restore` brings it back",
		Long: "Deletes a workspace: its name is free again and the keys that the coordinator gave it stop working.\n" +
			"Objects in a bucket of your own stay for good. Those of a managed workspace stay, and count, until its retention\n" +
			"is over (workspaces.retention of the coordinator, 30 days unless set) or `workspace purge` removes them; until\n" +
			"then `workspace restore` brings it back. A workspace that is mounted on this machine is refused.",
		Args: exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := workspace.CheckName(args[0]); err != nil {
				return err
			}
			if err := d.confirmed("deleting workspace %q", args[0]); err != nil {
				return err
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			w, err := app.DeletableWorkspace(cmd.Context(), args[0])
			if err == nil && !d.dryRun {
				err = app.DeleteWorkspace(cmd.Context(), args[0])
			}
			if err != nil {
				return err
			}
			c.did(deletedWorkspace{Deleted: w.Name, ID: w.ID, DryRun: d.dryRun}, func(out io.Writer) {
				fmt.Fprintf(out, "%s workspace %s; `%s workspace restore %s` brings it back\n", d.past("Deleted", "delete"), w.Name, c.name, w.Name)
			})
			return nil
		},
	}
	d.flags(cmd)
	return cmd
}
