package cmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/mountd"
)

func (c *cli) doctorOptions() backend.DoctorOptions {
	return backend.DoctorOptions{Version: Version, Layer: mountd.CheckLayer, Keyring: !c.batch}
}

func (c *cli) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look at what the program needs of this machine and the network, and say what to do about it",
		Long: "Looks at FUSE, the folders and the disk, the files with credentials and who can read them, the OS keyring, proxies and\n" +
			"certificate authorities, the coordinator, the stores of your workspaces, the clock, and every mount. It starts nothing, shows\n" +
			"nobody a key, and mends nothing but the mode of a file with credentials, as every command does. The exit code is 1 where something failed; warnings are none.",
		Example: c.examples("doctor", "", "doctor --format json", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			d := app.Doctor(cmd.Context(), c.doctorOptions())
			for i := range d.Findings {
				d.Findings[i].Hint = c.ownName(d.Findings[i].Hint)
			}
			c.print(d, func(out io.Writer) { c.showDiagnosis(out, d) })
			if !d.OK {
				return fault.New(fault.Failure, "each says what to do", "%d of %d checks failed", d.Failed, len(d.Findings))
			}
			return nil
		},
	}
}

// showDiagnosis prints a line a finding; with --quiet only of what is wrong.
func (c *cli) showDiagnosis(out io.Writer, d backend.Diagnosis) {
	for _, f := range d.Findings {
		if c.quiet && (f.State == backend.FindingOK || f.State == backend.FindingSkipped) {
			continue
		}
		fmt.Fprintf(out, "%-8s %-12s %s\n", f.State, f.Check, clean(f.Message))
		if f.Hint != "" && f.State != backend.FindingOK {
			fmt.Fprintf(out, "%-8s %-12s %s\n", "", "", "-> "+clean(f.Hint))
		}
	}
}

func (c *cli) supportBundleCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "support-bundle [--output FILE]",
		Short: "Write one file with logs, versions and settings, for somebody who helps, without secrets",
		Long: "Writes a .tar.gz, mode 0600, with the logs of mounts and of the local coordinator, what `doctor` and `status` say, and\n" +
			"the settings. Keys, tokens and passwords are masked in all of it; names of files, buckets and machines are not.",
		Example: c.examples("support-bundle", "", "support-bundle --output /tmp/bundle.tar.gz", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			if output == "" {
				output = "artifacts-support-" + time.Now().UTC().Format("20060102-150405") + ".tar.gz"
			}
			path, err := filepath.Abs(output)
			if err != nil {
				return err
			}
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				return fault.New(fault.Usage, "give a file", "%s is a folder", path)
			}
			done, err := app.Support(cmd.Context(), path, c.doctorOptions())
			if err != nil {
				return err
			}
			c.did(done, func(out io.Writer) {
				fmt.Fprintf(out, "Wrote %s: %d files, %s (mode 0600)\n", done.File, len(done.Files), size(done.Bytes))
			})
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the file to write (default: artifacts-support-TIME.tar.gz here)")
	return cmd
}
