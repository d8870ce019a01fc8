package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// bandwidthResult is what `mount bwlimit` prints as JSON; bytes a second, 0: no bound.
type bandwidthResult struct {
	Workspace  string           `json:"workspace"`
	Mountpoint string           `json:"mountpoint"`
	Bandwidth  mounts.Bandwidth `json:"bandwidth"`
}

func (c *cli) bwlimitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bwlimit MOUNTPOINT [RATE|off]",
		Short: "Bound the bandwidth of a running mount, or show the bound",
		Long: "Bounds what a mount's uploads and downloads take of the network, for those under way too. RATE is as with\n" +
			"rclone: 10M is 10 MiB a second for each direction, 1M:512k bounds uploads and downloads apart, off ends it.\n" +
			"A number without a letter counts KiB. What programs do is as fast as ever; the rest waits in the queue.",
		Example: c.examples("mount bwlimit /mnt/work 10M", "", "mount bwlimit /mnt/work 1M:off", "", "mount bwlimit /mnt/work off", ""),
		Args:    rangeArgs(1, "MOUNTPOINT", "RATE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			var s mounts.Status
			if len(args) == 2 {
				b, err := mounts.ParseBandwidth(args[1])
				if err != nil {
					return err
				}
				s, err = app.SetBandwidth(cmd.Context(), args[0], b)
				if err != nil {
					return err
				}
			} else if s, err = app.MountStatus(cmd.Context(), args[0]); err != nil {
				return err
			}
			b := s.Options.Bandwidth
			c.did(bandwidthResult{s.Workspace, s.Mountpoint, b}, func(out io.Writer) {
				fmt.Fprintf(out, "%s: up %s, down %s\n", s.Mountpoint, perSecond(b.Up), perSecond(b.Down))
			})
			return nil
		},
	}
}

func perSecond(bytes int64) string {
	if bytes == 0 {
		return "unbounded"
	}
	return size(bytes) + "/s"
}

// bandwidthFlag is a bandwidth as people write it.
type bandwidthFlag mounts.Bandwidth

// Set implements pflag.Value.
func (b *bandwidthFlag) Set(text string) error {
	v, err := mounts.ParseBandwidth(text)
	*b = bandwidthFlag(v)
	return err
}

// String implements pflag.Value. The zero value means the default.
func (b *bandwidthFlag) String() string {
	if *b == (bandwidthFlag{}) {
		return ""
	}
	return mounts.BandwidthText(mounts.Bandwidth(*b))
}

// Type implements pflag.Value.
func (b *bandwidthFlag) Type() string { return "rate" }
