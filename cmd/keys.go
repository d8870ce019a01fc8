package cmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/ui"
	"github.com/artifacts-tui/artifacts-tui/ui/config"
)

func (c *cli) keysCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keys",
		Short: "Print the terminal app's keys in effect, in the form of tui.yaml",
		Long: "Prints every key of the terminal app, as the file " + config.File + " in the config root has it: a line of it, changed, remaps an action.\n" +
			"What is wrong with the file is said on standard error, a line each, and the exit code is 2 then.",
		Example: c.examples("keys", ""),
		Args:    exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			roots, err := xdg.Find(os.Getenv)
			if err != nil {
				return fault.Wrap(fault.Usage, err, "set HOME", "no home for the program's files")
			}
			k := config.Read(roots.Config, ui.DefaultKeys(), ui.KeysTogether())
			c.print(k.Keys, func(out io.Writer) { fmt.Fprint(out, config.Format(k.Keys)) })
			if len(k.Problems) == 0 {
				return nil
			}
			for _, line := range k.Problems {
				c.notify(line)
			}
			return fault.New(fault.Usage, "edit "+filepath.Join(roots.Config, config.File), "%d of its lines were not taken", len(k.Problems))
		},
	}
}
