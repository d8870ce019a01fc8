package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func (c *cli) coordinatorService() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "service",
		Short: "Run the coordinator as a systemd service",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(c.serviceInstall(), c.serviceUninstall())
	return cmd
}

// whose are the flags that say which service manager is meant.
type whose struct{ user, system bool }

func (w *whose) flags(f *pflag.FlagSet) {
	f.BoolVar(&w.user, "user", false, "of your own session (default)")
	f.BoolVar(&w.system, "system", false, "of the machine")
}

func (w *whose) check() error {
	if w.user && w.system {
		return fault.New(fault.Usage, "give one of them", "a service is --user or --system, not both")
	}
	return nil
}

func (c *cli) serviceInstall() *cobra.Command {
	var req backend.ServiceRequest
	var w whose
	cmd := &cobra.Command{
		Use:   "install [--user|--system] [--config FILE]",
		Short: "Write the unit and start the service",
		Long: "Writes a systemd unit that serves with FILE, or without one as the embedded coordinator does, from its folders.\n" +
			"It starts again after a failure, and `systemctl reload` reads FILE again. It may write its data_dir and its state\n" +
			"alone, gains no privileges and makes only the system calls of a server. A unit of the machine runs as the owner of\n" +
			"data_dir, also root without root's powers, and listens for its admin in /var/lib/artifacts-coordinator. One of a\n" +
			"session is shut in as far as a session's manager can do that.",
		Example: c.examples("coordinator service install --dry-run", "", "coordinator service install --system --config /etc/artifacts/coordinator.yaml", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := w.check(); err != nil {
				return err
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			req.System = w.system
			in, err := app.InstallCoordinator(cmd.Context(), req)
			if err != nil {
				return err
			}
			c.print(in, func(out io.Writer) {
				if req.DryRun {
					fmt.Fprint(out, in.Text)
					return
				}
				if !c.quiet {
					fmt.Fprintf(out, "Installed %s\n", in.File)
					if in.Started {
						fmt.Fprintf(out, "Started %s; its admin socket is %s\n", in.Unit, in.Socket)
					}
				}
				nextSteps(out, in.Unreachable, in.Next)
			})
			return nil
		},
	}
	w.flags(cmd.Flags())
	wordVar(cmd.Flags(), &req.Config, "config", "coordinator.yaml to serve with")
	cmd.Flags().BoolVar(&req.DryRun, "dry-run", false, "print the unit and write nothing")
	return cmd
}

func (c *cli) serviceUninstall() *cobra.Command {
	var w whose
	cmd := &cobra.Command{
		Use:     "uninstall [--user|--system]",
		Short:   "Stop the service and remove its unit; the data stays",
		Example: c.examples("coordinator service uninstall", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := w.check(); err != nil {
				return err
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			out, err := app.UninstallCoordinator(cmd.Context(), w.system)
			if err != nil {
				return err
			}
			c.print(out, func(to io.Writer) {
				if !c.quiet {
					fmt.Fprintf(to, "Removed %s\n", out.File)
				}
				nextSteps(to, out.Unreachable, out.Next)
			})
			return nil
		},
	}
	w.flags(cmd.Flags())
	return cmd
}
