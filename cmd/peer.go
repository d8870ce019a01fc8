package cmd

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
)

func (c *cli) peerCommand() *cobra.Command {
	return group("peer", "Enrol, rotate and remove the users and machines of the mesh",
		c.peerAdd(), c.peerList(), c.peerShow(), c.peerRotate(), c.peerRemove())
}

func (c *cli) peerAdd() *cobra.Command {
	var roles []string
	cmd := &cobra.Command{
		Use:   "add NAME [--role ROLE[:BUCKET[/PREFIX]]]...",
		Short: "Enrol a peer and print its token, once",
		Long: "Enrols a user or a machine and prints its id and its mesh token, which is not shown again. In S3 clients the id is\n" +
			"the access key and the token the secret; as a Bearer token it works alone. Without --role the peer may use every\n" +
			"bucket and make its own (bucket-write). The roles are admin, system, bucket-admin, bucket-write and bucket-read.",
		Example: c.examples("peer add ci-runner", "", "peer add auditor --role bucket-read:logs/2026/", "", "peer add backup --role system", ""),
		Args:    exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := coordinator.AddPeer{Name: args[0]}
			for _, r := range roles {
				req.Grants = append(req.Grants, authn.ParseGrant(r))
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				p, err := m.AddPeer(cmd.Context(), req)
				if err != nil {
					return err
				}
				c.print(p, func(out io.Writer) {
					fields(out, "Peer", p.ID, "Token", p.Token)
					fmt.Fprintln(out, "The token is not shown again.")
				})
				return nil
			})
		},
	}
	cmd.Flags().StringArrayVar(&roles, "role", nil, "what it may do, as bucket-read:logs/2026/ (default bucket-write on all buckets)")
	return cmd
}

func (c *cli) peerList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the peers",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				list, err := m.Peers(cmd.Context())
				if err != nil {
					return err
				}
				c.print(list, func(out io.Writer) {
					rows := make([][]string, len(list))
					for i, p := range list {
						rows[i] = []string{p.Name, p.ID, strings.Join(grantsOf(p), " "), seenText(p.LastSeen), stamp(p.Created)}
					}
					table(out, []string{"NAME", "ID", "ROLES", "LAST SEEN", "CREATED"}, rows)
				})
				return nil
			})
		},
	}
}

func grantsOf(p coordinator.PeerInfo) []string {
	list := make([]string, len(p.Bindings))
	for i, b := range p.Bindings {
		list[i] = b.String()
	}
	return list
}

func (c *cli) peerShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME|ID",
		Short: "Show one peer, without its token",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				p, err := m.Peer(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.print(p, func(out io.Writer) {
					fields(out, "Name", p.Name, "ID", p.ID, "Created", stamp(p.Created), "Last seen", stamp(p.LastSeen), "Rotated", stamp(p.Rotated),
						"Old token until", stamp(p.PreviousUntil), "Roles", strings.Join(grantsOf(p), " "), "Buckets", strings.Join(p.Buckets, " "))
				})
				return nil
			})
		},
	}
}

func (c *cli) peerRotate() *cobra.Command {
	var grace string
	cmd := &cobra.Command{
		Use:   "rotate NAME|ID [--grace 24h]",
		Short: "Give a peer another token, and print it once",
		Long: "Gives a peer another token. The old one stays valid for the grace period, so that its machines can be told one\n" +
			"after another; --grace 0s ends it at once.",
		Example: c.examples("peer rotate ci-runner", "", "peer rotate ci-runner --grace 0s", "the old token has leaked"),
		Args:    exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var wanted *time.Duration
			if cmd.Flags().Changed("grace") {
				var d config.Duration
				if err := d.UnmarshalText([]byte(grace)); err != nil {
					return err
				}
				wanted = (*time.Duration)(&d)
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				p, err := m.RotatePeer(cmd.Context(), args[0], wanted)
				if err != nil {
					return err
				}
				c.print(p, func(out io.Writer) {
					until := stamp(p.PreviousUntil)
					if until == "" {
						until = "it has ended"
					}
					fields(out, "Peer", p.ID, "Token", p.Token, "Old token until", until)
					fmt.Fprintln(out, "The token is not shown again.")
				})
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&grace, "grace", "", "how long the old token stays valid (default: as the coordinator is configured)")
	return cmd
}

// removedPeer is what `peer remove` prints as JSON.
type removedPeer struct {
	Removed string   `json:"removed"` // its id
	Name    string   `json:"name"`
	Buckets []string `json:"buckets"` // which stay
	DryRun  bool     `json:"dry_run"`
}

func (c *cli) peerRemove() *cobra.Command {
	var d destruction
	cmd := &cobra.Command{
		Use:   "remove NAME|ID --yes",
		Short: "End a peer at once",
		Long:  "Ends a peer: its token, its roles, its shares and the sessions of its mounts stop working at once. Its buckets and workspaces stay.",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.confirmed("removing peer %q", args[0]); err != nil {
				return err
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				remove := m.RemovePeer
				if d.dryRun {
					remove = m.Peer
				}
				p, err := remove(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.did(removedPeer{Removed: p.ID, Name: p.Name, Buckets: append([]string{}, p.Buckets...), DryRun: d.dryRun}, func(out io.Writer) {
					fmt.Fprintf(out, "%s peer %s (%s)\n", d.past("Removed", "remove"), p.Name, p.ID)
					if len(p.Buckets) > 0 {
						fmt.Fprintf(out, "Its buckets stay: %s\n", strings.Join(p.Buckets, " "))
					}
				})
				return nil
			})
		},
	}
	d.flags(cmd)
	return cmd
}
