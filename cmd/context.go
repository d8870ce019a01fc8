package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
)

func (c *cli) contextCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "context",
		Short: "List, choose and forget the coordinators you have logged in to",
		Long: "`login` keeps each coordinator as a context. Commands speak to the one that --coordinator or " + backend.EnvCoordinator + "\n" +
			"names, else to the active context, else to the coordinator of this machine, which is the context \"local\".",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(c.contextList(), c.contextUse(), c.contextShow(), c.contextRemove())
	return cmd
}

func (c *cli) contextList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List contexts; * is the active one",
		Args:    exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			list, err := app.Contexts()
			if err != nil {
				return err
			}
			c.print(list, func(out io.Writer) {
				rows := make([][]string, len(list))
				for i, x := range list {
					rows[i] = []string{" ", x.Name, x.URL, x.Peer, string(x.Store)}
					if x.Active {
						rows[i][0] = "*"
					}
					for j, cell := range rows[i] {
						if cell == "" {
							rows[i][j] = "-"
						}
					}
				}
				table(out, []string{" ", "CONTEXT", "URL", "PEER", "TOKEN IN"}, rows)
			})
			return nil
		},
	}
}

func (c *cli) contextUse() *cobra.Command {
	return &cobra.Command{
		Use:     "use CONTEXT",
		Short:   "Choose the coordinator that commands speak to",
		Example: c.examples("context use work", "", "context use local", "the coordinator of this machine"),
		Args:    exactArgs("CONTEXT"),
		RunE: func(_ *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			if err := app.UseContext(args[0]); err != nil {
				return err
			}
			c.did(map[string]string{"active": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "The context is %s\n", args[0]) })
			c.noteOverride(args[0])
			return nil
		},
	}
}

func (c *cli) contextShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show [CONTEXT]",
		Short: "Show a context, the active one where none is named",
		Args:  rangeArgs(0, "CONTEXT"),
		RunE: func(_ *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			x, err := app.Context(name)
			if err != nil {
				return err
			}
			active := "no"
			if x.Active {
				active = "yes"
			}
			c.print(x, func(out io.Writer) {
				fields(out, "Context", x.Name, "Active", active, "URL", x.URL, "Coordinator", x.Coordinator, "Peer", x.Peer, "Name", x.PeerName,
					"Token", keptIn(x.Store, x.Path), "Certificate", tlstrust.Colons(x.CertificatePin))
			})
			return nil
		},
	}
}

func (c *cli) contextRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove CONTEXT",
		Short: "Forget a context and its token, as logout does",
		Args:  exactArgs("CONTEXT"),
		RunE: func(_ *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			if err := app.RemoveContext(args[0]); err != nil {
				return err
			}
			c.did(map[string]string{"removed": args[0]}, func(out io.Writer) { fmt.Fprintf(out, "Removed context %s\n", args[0]) })
			return nil
		},
	}
}
