package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

func (c *cli) storageCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "storage",
		Short: "Keep, show and rotate the credentials of your own buckets; see how full the mesh's store is",
		Long: "The credentials of byo workspaces are kept on this machine: in a 0600 file, or in the OS keyring. A mount takes\n" +
			"them from the environment (ARTIFACTS_S3_ACCESS_KEY_ID and the like) first, then from a profile where one is\n" +
			"named, then from what is kept. No command prints a secret, and no coordinator ever gets one.",
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(c.storageSet(), c.storageShow(), c.storageClear(), c.storageExplain(), c.storageVerify(),
		c.storageRotate(), c.profileCommand(), c.storageStatus())
	return cmd
}

func (c *cli) storageSet() *cobra.Command {
	var change backend.StorageChange
	var key, secret, token, region string
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Keep credentials, or change single fields of them",
		Long: "Without a field it saves what the environment has in ARTIFACTS_S3_*. With fields it changes these alone and the\n" +
			"environment has no say. A value of - is read from standard input, a line each, without echo on a terminal.\n" +
			"Mounts that run keep the credentials they were given; `mount refresh-credentials` gives them the new ones.",
		Example: c.examples(
			"storage set", "what the environment has",
			"storage set --access-key-id AKIA... --secret-access-key -", "a new pair, the secret typed or piped in",
			"storage set --region us-west-2", "the region alone",
			`storage set --session-token ""`, "clears the session token",
			"storage set --store keyring", "moves what is kept to the OS keyring",
		),
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			stdin := bufio.NewReader(c.in)
			for _, f := range []struct {
				flag  string
				value *string
			}{{"access-key-id", &key}, {"secret-access-key", &secret}, {"session-token", &token}, {"region", &region}} {
				if !cmd.Flags().Changed(f.flag) || *f.value != "-" {
					if f.flag == "secret-access-key" && *f.value != "" {
						c.notify("note: other users of this machine could read the secret in the command line; `--secret-access-key -` reads it from standard input")
					}
					continue
				}
				line, err := c.readSecret(cmd.Context(), stdin, f.flag)
				if err != nil {
					return err
				}
				*f.value = line
			}
			if cmd.Flags().Changed("access-key-id") {
				change.AccessKeyID = &key
			}
			if cmd.Flags().Changed("secret-access-key") {
				s := keyring.NewSecret(secret)
				change.SecretAccessKey = &s
			}
			if cmd.Flags().Changed("session-token") {
				s := keyring.NewSecret(token)
				change.SessionToken = &s
			}
			if cmd.Flags().Changed("region") {
				change.Region = &region
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			s, notices, err := app.SetStorage(change)
			if err != nil {
				return err
			}
			for _, line := range notices {
				c.notify(line)
			}
			c.did(s, func(out io.Writer) { fmt.Fprintf(out, "Saved credentials at %s (mode 0600)%s\n", s.Path, inKeyring(s)) })
			c.noteStaleMounts(cmd, app)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "access-key-id", "", "access key ID")
	f.StringVar(&secret, "secret-access-key", "", "secret access key; - reads it from standard input")
	f.StringVar(&token, "session-token", "", `session token of a temporary pair; "" clears it, - reads it from standard input`)
	f.StringVar(&region, "region", "", `region; "" clears it`)
	f.StringVar((*string)(&change.Store), "store", "", "where the secret is kept: file or keyring (default: as it is)")
	f.StringVar(&change.Profile, "profile", "", "the pair of this static profile, not the global one")
	return cmd
}

func inKeyring(s backend.Stored) string {
	if s.Store == keyring.InKeyring {
		return ", the pair in the OS keyring"
	}
	return ""
}

// readSecret reads a line from standard input, without echo where that is a terminal.
func (c *cli) readSecret(ctx context.Context, stdin *bufio.Reader, what string) (string, error) {
	if c.interactive() {
		return c.askHidden(ctx, what+": ")
	}
	line, err := stdin.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", fault.New(fault.Usage, "pipe it in, or give --"+what+" VALUE", "standard input holds no %s", what)
	}
	return line, nil
}

// noteStaleMounts says which mounts go on with former credentials.
func (c *cli) noteStaleMounts(cmd *cobra.Command, app *backend.App) {
	list, err := app.Mounts(cmd.Context())
	if err != nil {
		return // what was asked for is done
	}
	for _, m := range list {
		if m.StaleCredentials {
			c.notify(fmt.Sprintf("note: %s keeps its former credentials; `%s mount refresh-credentials %s` gives it these", m.Mountpoint, c.name, m.Mountpoint))
		}
	}
}

func (c *cli) storageShow() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what is kept, with every secret masked",
		Long:  "Shows what is kept, never what the environment has: `storage explain` tells what a mount would use.",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			s, err := app.ShowStorage(profile)
			if err != nil {
				return err
			}
			c.print(s, func(out io.Writer) { showStored(out, s) })
			if app.Overridden() {
				c.notify("note: the environment has credentials too, and they go first; `" + c.name + " storage explain` tells more")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "of this static profile, not the global one")
	return cmd
}

// showStored prints the lines of SPEC A27.
func showStored(out io.Writer, s backend.Stored) {
	unset := func(v string) string {
		if v == "" {
			return "(unset)"
		}
		return v
	}
	fmt.Fprintf(out, "Path: %s\nACCESS_KEY_ID: %s\nSECRET_ACCESS_KEY: %s\nSESSION_TOKEN: %s\nREGION: %s\n",
		s.Path, unset(s.AccessKeyID), unset(s.SecretAccessKey), unset(s.SessionToken), unset(s.Region))
	if s.Store == keyring.InKeyring {
		fmt.Fprintf(out, "Store: %s\n", s.Store)
	}
}

func (c *cli) storageClear() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "clear",
		Short: "Forget what is kept, in the OS keyring too",
		Long:  "Removes the file and its entry in the OS keyring. Mounts that run go on. To clear what is cleared already is no error.",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			s, err := app.ClearStorage(profile)
			if err != nil {
				return err
			}
			c.did(map[string]string{"cleared": s.Path}, func(out io.Writer) { fmt.Fprintf(out, "Cleared %s\n", s.Path) })
			return nil
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "of this static profile, not the global one")
	return cmd
}

func (c *cli) storageExplain() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "explain [WORKSPACE]",
		Short: "Tell which source each field of the credentials comes from",
		Long: "Resolves the credentials as a mount would, of a workspace where one is given, and tells where each field came\n" +
			"from: the environment, a profile, the workspace or what is kept.",
		Example: c.examples("storage explain", "", "storage explain train --profile prod", ""),
		Args:    rangeArgs(0, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			x, err := app.ExplainStorage(cmd.Context(), name, profile)
			if err != nil {
				return err
			}
			c.print(x, func(out io.Writer) {
				rows := make([][]string, len(x.Fields))
				for i, f := range x.Fields {
					value := f.Value
					if value == "" {
						value = "(unset)"
					}
					rows[i] = []string{f.Field, value, string(f.Source), f.From}
				}
				table(out, []string{"FIELD", "VALUE", "SOURCE", "FROM"}, rows)
				for _, line := range x.Unused {
					fmt.Fprintln(out, "not used: "+line)
				}
			})
			return nil
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "the credential profile to use")
	return cmd
}
