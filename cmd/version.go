package cmd

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
			c.print(v, func(out io.Writer) {
				fmt.Fprintf(out, "artifacts-tui %s (%s, %s)\n", v["version"], v["go"], v["platform"])
			})
			return nil
		},
	}
}
