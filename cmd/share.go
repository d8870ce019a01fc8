package cmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
)

func (c *cli) shareCommand() *cobra.Command {
	return group("share", "Let guests without a token read a bucket", c.shareCreate(), c.shareList(), c.shareRevoke())
}

func (c *cli) shareCreate() *cobra.Command {
	var req coordinator.NewShare
	var expires string
	cmd := &cobra.Command{
		Use:   "create NAME --bucket BUCKET [--prefix P] [--expires 7d]",
		Short: "Share a bucket, a part of one or a workspace, and print the guests' keys, once",
		Long: "Makes a pair of keys that lists and reads a bucket, a prefix of one or a managed workspace until it expires. Guests\n" +
			"use it with any S3 client within the mesh. It opens no more than you may read yourself, and ends when you do.",
		Example: c.examples("share create release --bucket build-artifacts --prefix v1.0/ --expires 7d", "", "share create review --workspace notes --expires 24h", ""),
		Args:    exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(cmd, "bucket", "prefix", "workspace", "expires"); err != nil { // it would be more than was meant
				return err
			}
			req.Name = args[0]
			if expires != "" {
				var d config.Duration
				if err := d.UnmarshalText([]byte(expires)); err != nil {
					return err
				}
				req.Expires = time.Now().Add(time.Duration(d))
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				s, err := m.CreateShare(cmd.Context(), req)
				if err != nil {
					return err
				}
				status, err := m.Status(cmd.Context())
				if err != nil {
					return err
				}
				c.print(s, func(out io.Writer) {
					fields(out, "Share", s.Name, "Access key", s.AccessKeyID, "Secret key", s.SecretAccessKey, "Endpoint", status.URL+"/s3",
						"Place", "s3://"+s.Bucket+"/"+s.Prefix, "Expires", expiryText(s.Share))
					fmt.Fprintln(out, "The secret key is not shown again.")
				})
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Bucket, "bucket", "", "what is shared")
	f.StringVar(&req.Prefix, "prefix", "", "only the keys that begin with this")
	f.StringVar(&req.Workspace, "workspace", "", "share a managed or mesh workspace instead of a bucket")
	f.StringVar(&expires, "expires", "", "how long it is valid, as 24h or 7d (default: until it is revoked)")
	return cmd
}

func expiryText(s coordinator.Share) string {
	switch {
	case s.Expires.IsZero():
		return "never"
	case !time.Now().Before(s.Expires):
		return "expired " + stamp(s.Expires)
	}
	return stamp(s.Expires)
}

func (c *cli) shareList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List your shares, or all of them where you are an admin",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				list, err := m.Shares(cmd.Context())
				if err != nil {
					return err
				}
				c.print(list, func(out io.Writer) {
					rows := make([][]string, len(list))
					for i, s := range list {
						rows[i] = []string{s.Name, s.Bucket + "/" + s.Prefix, orDash(s.Owner), expiryText(s), stamp(s.Created)}
					}
					table(out, []string{"NAME", "PLACE", "OWNER", "EXPIRES", "CREATED"}, rows)
				})
				return nil
			})
		},
	}
}

func (c *cli) shareRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a share at once",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				s, err := m.RevokeShare(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.did(map[string]string{"revoked": s.Name}, func(out io.Writer) { fmt.Fprintf(out, "Revoked share %s\n", s.Name) })
				return nil
			})
		},
	}
}
