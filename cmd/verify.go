package cmd

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func (c *cli) storageVerify() *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Try the credentials on every workspace that uses them",
		Long: "Lists each workspace's bucket and prefix with the credentials that a mount would get, and proves that they may\n" +
			"write there, leaving nothing behind.",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			list, err := app.Verify(cmd.Context(), profile, c.sayVerified)
			if err != nil {
				return err
			}
			if c.format == "json" {
				c.print(list, func(io.Writer) {})
			}
			if len(list) == 0 {
				c.say("No workspace uses them.")
			}
			return refusedBy(list)
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "the credentials of this profile, not the global ones")
	return cmd
}

func refusedBy(list []backend.Verified) error {
	refused := 0
	var first *fault.Error
	for _, v := range list {
		if !v.OK {
			refused++
			if first == nil {
				first = v.Error
			}
		}
	}
	if refused == 0 {
		return nil
	}
	return fault.New(first.Kind, first.Hint, "the credentials do not serve %d of %d workspaces", refused, len(list))
}
