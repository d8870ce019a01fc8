package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// control runs f with the coordinator's control plane.
func (c *cli) control(ctx context.Context, f func(*client.Client) error) error {
	app, err := c.app()
	if err != nil {
		return err
	}
	control, err := app.Control(ctx)
	if err != nil {
		return err
	}
	defer control.Close()
	return f(control)
}

// group is a command of commands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	cmd.AddCommand(commands...)
	return cmd
}

// destruction are the flags of a command that destroys something.
type destruction struct{ yes, dryRun bool }

func (d *destruction) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.yes, "yes", false, "do it without asking")
	cmd.Flags().BoolVar(&d.dryRun, "dry-run", false, "say what would be done, and do nothing")
}

// confirmed asks for --yes, but of who only wants to see.
func (d destruction) confirmed(what string, args ...any) error {
	return confirmed(d.yes || d.dryRun, what, args...)
}

// past is what was done, or would be.
func (d destruction) past(done, would string) string {
	if d.dryRun {
		return "Would " + would
	}
	return done
}

// notEmpty refuses flags that were given and say nothing: of a variable that was not set.
func notEmpty(cmd *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if f := cmd.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
			return fault.New(fault.Usage, "give it a value or leave it out", "--%s is empty", name)
		}
	}
	return nil
}

// confirmed asks for --yes where something is destroyed.
func confirmed(yes bool, what string, args ...any) error {
	if yes {
		return nil
	}
	return fault.New(fault.Usage, "add --yes if you mean it", what+" needs a confirmation", args...)
}

// usedOf is 512.0 MiB of 1.0 GiB (50.0%), 536870912 / 1073741824 bytes; without a quota the
// first and the third number alone (SPEC B22, B27).
func usedOf(used, quota int64) string {
	if quota <= 0 {
		return fmt.Sprintf("%s, %d bytes, no quota", oneDigit(used), used)
	}
	return fmt.Sprintf("%s of %s (%.1f%%), %d / %d bytes", oneDigit(used), oneDigit(quota), float64(used)/float64(quota)*100, used, quota)
}

// fullText is how much of a quota is used, for a table.
func fullText(used, quota int64) string {
	if quota <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", float64(used)/float64(quota)*100)
}

// oneDigit is a size with one digit after the point, as B27 has it.
func oneDigit(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	v, i := float64(bytes), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// quotaText is a quota for a table.
func quotaText(quota int64) string {
	if quota <= 0 {
		return "-"
	}
	return oneDigit(quota)
}

// seenText is a time in the past for a table.
func seenText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return stamp(t)
}

// passphrase reads one from a file, or from standard input for "-", without the end of its line.
func (c *cli) passphrase(cmd *cobra.Command, from string) (string, error) {
	if !cmd.Flags().Changed("passphrase-file") {
		return "", nil
	}
	if from == "" {
		return "", fault.New(fault.Usage, "give a file that holds it, or - for standard input", "--passphrase-file names no file")
	}
	var text []byte
	var err error
	if from == "-" {
		text, err = io.ReadAll(io.LimitReader(c.in, 64<<10))
	} else {
		text, err = os.ReadFile(from)
	}
	if err != nil {
		return "", fault.Wrap(fault.Usage, err, "give a file that holds it, or - for standard input", "cannot read the passphrase")
	}
	passphrase := strings.TrimRight(string(text), "\r\n")
	if passphrase == "" {
		return "", fault.New(fault.Usage, "give a file that holds it, or - for standard input", "the passphrase is empty")
	}
	return passphrase, nil
}
