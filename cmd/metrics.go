package cmd

import (
	"bytes"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func (c *cli) mountMetrics() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "metrics [--output FILE]",
		Short: "Print what the mounts of this machine do, in Prometheus' text format",
		Long: "Prints what the mounts of this machine do, in Prometheus' text format. With --output it replaces a file in one step,\n" +
			"for the textfile collector of a node exporter. The coordinator answers GET /metrics itself: on its socket, and\n" +
			"where metrics.listen of coordinator.yaml says.",
		Example: c.examples("mount metrics", "", "mount metrics --output /var/lib/node_exporter/artifacts.prom", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			var text bytes.Buffer
			if err := app.WriteMetrics(cmd.Context(), &text); err != nil {
				return err
			}
			if output == "" {
				_, err := text.WriteTo(c.out)
				return err
			}
			path, err := filepath.Abs(output)
			if err != nil {
				return err
			}
			if err := atomicfile.Write(path, text.Bytes(), 0o644); err != nil {
				return fault.Wrap(fault.Failure, err, "choose a path that you may write", "cannot write the metrics")
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write them to this file instead")
	return cmd
}
