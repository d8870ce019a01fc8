package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

func (c *cli) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Name several sets of credentials",
		Long: "A profile is a named way to credentials. static: a pair kept like the global one. process: a command that prints\n" +
			"a pair as AWS's credential_process does; it is run again before the pair ends, for mounts that run too. aws: a\n" +
			"profile of ~/.aws, with SSO, assume-role and web identity. --profile, ARTIFACTS_PROFILE or the binding of a workspace\n" +
			"chooses one; a profile that has no credentials is an error, never a reason to use others.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(c.profileAdd(), c.profileList(), c.profileShow(), c.profileRemove(), c.profileBind(), c.profileUnbind())
	return cmd
}

func (c *cli) profileAdd() *cobra.Command {
	var p keyring.Profile
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a profile",
		Example: c.examples(
			"storage profile add prod", "then: storage set --profile prod --access-key-id AKIA... --secret-access-key -",
			"storage profile add vault --type process --command '/usr/local/bin/vault-s3 --role ml'", "",
			"storage profile add sso --type aws --aws-profile ml-admin", "",
		),
		Args: exactArgs("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			p.Name = args[0]
			app, err := c.app()
			if err != nil {
				return err
			}
			if err := app.AddProfile(p); err != nil {
				return err
			}
			c.print(p, func(out io.Writer) {
				if c.quiet {
					return
				}
				fmt.Fprintf(out, "Added profile %s (%s)\n", p.Name, p.Type)
				if p.Type == keyring.Static {
					fmt.Fprintf(out, "give it a pair: %s storage set --profile %s --access-key-id ID --secret-access-key -\n", c.name, p.Name)
				}
			})
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar((*string)(&p.Type), "type", "static", "static, process or aws")
	f.StringVar(&p.Region, "region", "", "region, where neither the environment nor the workspace has one")
	f.StringVar(&p.Command, "command", "", "process: what prints the pair; it is run by sh")
	f.StringVar(&p.AWSProfile, "aws-profile", "", "aws: a profile of ~/.aws")
	f.StringVar(&p.ConfigFile, "aws-config-file", "", "aws: in place of ~/.aws/config")
	f.StringVar(&p.CredentialsFile, "aws-credentials-file", "", "aws: in place of ~/.aws/credentials")
	return cmd
}

func (c *cli) profileList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List profiles",
		Args:    exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			list, err := app.Profiles()
			if err != nil {
				return err
			}
			c.print(list, func(out io.Writer) {
				if len(list) == 0 {
					fmt.Fprintf(out, "No profiles yet; `%s storage profile add NAME` makes one.\n", c.name)
					return
				}
				rows := make([][]string, len(list))
				for i, p := range list {
					rows[i] = []string{p.Name, string(p.Type), dash(p.Region), profileFrom(p), dash(strings.Join(p.Workspaces, ", "))}
				}
				table(out, []string{"NAME", "TYPE", "REGION", "FROM", "WORKSPACES"}, rows)
			})
			return nil
		},
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// profileFrom is where a profile's pair is from, in a few words.
func profileFrom(p backend.Profile) string {
	switch {
	case p.Type == keyring.Process:
		return p.Command
	case p.Type == keyring.AWS:
		return "~/.aws: " + p.AWSProfile
	case p.Pair == nil:
		return "no pair yet"
	}
	return string(p.Pair.Store)
}

func (c *cli) profileShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show one profile, with every secret masked",
		Args:  exactArgs("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			p, err := app.Profile(args[0])
			if err != nil {
				return err
			}
			c.print(p, func(out io.Writer) {
				fields(out, "Name", p.Name, "Type", string(p.Type), "Region", p.Region, "Command", p.Command, "AWS profile", p.AWSProfile,
					"AWS config file", p.ConfigFile, "AWS credentials file", p.CredentialsFile, "Workspaces", strings.Join(p.Workspaces, ", "))
				if p.Pair != nil {
					showStored(out, *p.Pair)
				}
			})
			return nil
		},
	}
}

func (c *cli) profileRemove() *cobra.Command {
	var d destruction
	cmd := &cobra.Command{
		Use:   "remove NAME --yes",
		Short: "Remove a profile and the pair it keeps",
		Long:  "Removes a profile, and the pair of a static one. Mounts that run go on. One that a workspace is bound to is refused.",
		Args:  exactArgs("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := d.confirmed("removing profile %q", args[0]); err != nil {
				return err
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			p, err := app.Profile(args[0])
			switch {
			case err == nil && !d.dryRun:
				err = app.RemoveProfile(p.Name)
			case err == nil && len(p.Workspaces) > 0:
				err = fault.New(fault.Conflict, "`storage profile unbind` first", "profile %q is that of %s", p.Name, strings.Join(p.Workspaces, ", "))
			}
			if err != nil {
				return err
			}
			c.did(removed{Removed: p.Name, DryRun: d.dryRun}, func(out io.Writer) { fmt.Fprintf(out, "%s profile %s\n", d.past("Removed", "remove"), p.Name) })
			return nil
		},
	}
	d.flags(cmd)
	return cmd
}

func (c *cli) profileBind() *cobra.Command {
	return &cobra.Command{
		Use:   "bind WORKSPACE PROFILE",
		Short: "Make a workspace use a profile on this machine",
		Args:  exactArgs("WORKSPACE", "PROFILE"),
		RunE:  func(cmd *cobra.Command, args []string) error { return c.bindProfile(cmd, args[0], args[1]) },
	}
}

func (c *cli) profileUnbind() *cobra.Command {
	return &cobra.Command{
		Use:   "unbind WORKSPACE",
		Short: "Make a workspace use the global credentials again",
		Args:  exactArgs("WORKSPACE"),
		RunE:  func(cmd *cobra.Command, args []string) error { return c.bindProfile(cmd, args[0], "") },
	}
}

func (c *cli) bindProfile(cmd *cobra.Command, workspace, profile string) error {
	app, err := c.app()
	if err != nil {
		return err
	}
	if err := app.BindProfile(cmd.Context(), workspace, profile); err != nil {
		return err
	}
	c.print(map[string]string{"workspace": workspace, "profile": profile}, func(out io.Writer) {
		switch {
		case c.quiet:
		case profile == "":
			fmt.Fprintf(out, "Workspace %s uses the global credentials\n", workspace)
		default:
			fmt.Fprintf(out, "Workspace %s uses profile %s\n", workspace, profile)
		}
	})
	return nil
}
