package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
)

func (c *cli) roleCommand() *cobra.Command {
	return group("role", "Say what peers may do", c.roleBind(), c.roleUnbind(), c.roleList())
}

func (c *cli) roleBind() *cobra.Command {
	var workspace string
	cmd := &cobra.Command{
		Use:   "bind PEER ROLE[:BUCKET[/PREFIX]]",
		Short: "Give a peer a role",
		Long: "Gives a peer a role. The roles are\n\n" +
			"  admin         everything but the coordinator's own buckets, and the control plane\n" +
			"  system        reads the system bucket, for backups, and nothing else\n" +
			"  bucket-admin  writes, and makes and deletes the bucket, and sets its quota\n" +
			"  bucket-write  reads and writes objects; on all buckets it makes new ones too\n" +
			"  bucket-read   lists and reads\n\n" +
			"Those of buckets are bound to one, or to a prefix of one; without a bucket they hold for all.",
		Example: c.examples("role bind ci-runner bucket-write:build-artifacts", "", "role bind auditor bucket-read:logs/2026/", "",
			"role bind maria bucket-read --workspace notes", "she can mount it read-only", "role bind maria admin", ""),
		Args: exactArgs("PEER", "ROLE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd, "workspace"); err != nil { // it would be all buckets
				return err
			}
			req := coordinator.Bind{Peer: args[0], Grant: authn.ParseGrant(args[1]), Workspace: workspace}
			if workspace != "" && req.Bucket == "*" {
				req.Bucket = ""
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				b, err := m.Bind(cmd.Context(), req)
				if err != nil {
					return err
				}
				c.did(b, func(out io.Writer) { fmt.Fprintf(out, "%s has %s (binding %s)\n", b.Peer, clean(b.String()), b.ID) })
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&workspace, "workspace", "", "bind to a managed workspace instead of a bucket")
	return cmd
}

func (c *cli) roleUnbind() *cobra.Command {
	return &cobra.Command{
		Use:   "unbind BINDING",
		Short: "Take a role away, at once",
		Args:  exactArgs("BINDING"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				b, err := m.Unbind(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.did(b, func(out io.Writer) { fmt.Fprintf(out, "%s has %s no more\n", b.Peer, clean(b.String())) })
				return nil
			})
		},
	}
}

func (c *cli) roleList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List who has which role",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				list, err := m.Bindings(cmd.Context())
				if err != nil {
					return err
				}
				c.print(list, func(out io.Writer) {
					rows := make([][]string, len(list))
					for i, b := range list {
						rows[i] = []string{b.ID, b.Peer, string(b.Role), orDash(b.Bucket), orDash(b.Prefix), stamp(b.Created)}
					}
					table(out, []string{"BINDING", "PEER", "ROLE", "BUCKET", "PREFIX", "SINCE"}, rows)
				})
				return nil
			})
		},
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
