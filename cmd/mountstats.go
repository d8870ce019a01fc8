package cmd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

func (c *cli) mountStatsCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "stats MOUNTPOINT",
		Short: "Show what a mount has read, written, fetched, uploaded and asked of its store",
		Long: "Shows the counters of a mount since it was mounted. Read and written is what programs did; what the kernel\n" +
			"still had in memory does not come to the mount and is not counted. A cache hit is a read that needed no store,\n" +
			"because it was read before or fetched ahead in time. With --watch it shows them again every second, with rates.",
		Example: c.examples("mount stats /mnt/work", "", "mount stats /mnt/work --watch", "", "mount stats /mnt/work --format json", ""),
		Args:    exactArgs("MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			if watch {
				return c.watchStats(cmd.Context(), app, args[0])
			}
			s, err := app.MountStats(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			c.print(s, func(out io.Writer) { showStats(out, s, rates{}) })
			return nil
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show them again every second, with rates, until ctrl+c")
	return cmd
}

func (c *cli) watchStats(ctx context.Context, app *backend.App, where string) error {
	var last mounts.Stats
	var at time.Time
	return c.watch(ctx, func() (any, func(io.Writer), error) {
		s, err := app.MountStats(ctx, where)
		now := time.Now()
		var r rates
		if !at.IsZero() {
			r = ratesOf(last, s, now.Sub(at))
		}
		last, at = s, now
		return s, func(out io.Writer) { showStats(out, s, r) }, err
	})
}

// rates are per second, between two looks; known says that there were two.
type rates struct {
	known                          bool
	read, written, fetched, upload float64
}

func ratesOf(a, b mounts.Stats, took time.Duration) rates {
	per := func(from, to int64) float64 { return float64(max(to-from, 0)) / took.Seconds() }
	return rates{
		known: true, read: per(a.BytesRead, b.BytesRead), written: per(a.BytesWritten, b.BytesWritten),
		fetched: per(a.Store.Fetched, b.Store.Fetched), upload: per(a.Queue.Uploaded, b.Queue.Uploaded),
	}
}

func showStats(out io.Writer, s mounts.Stats, r rates) {
	with := func(bytes int64, rate float64) string {
		if !r.known {
			return size(bytes)
		}
		return fmt.Sprintf("%s (%s/s)", size(bytes), size(int64(rate)))
	}
	hits := "no reads yet"
	if all := s.Cache.Hits + s.Cache.Misses; all > 0 {
		hits = fmt.Sprintf("%d of %d reads (%.1f%%), %s of %s", s.Cache.Hits, all, 100*float64(s.Cache.Hits)/float64(all),
			size(s.Cache.HitBytes), size(s.Cache.HitBytes+s.Cache.MissBytes))
	}
	space := ""
	if s.Space != nil {
		space = size(s.Space.Used)
		if s.Space.Bounded {
			space += ", " + size(s.Space.Free) + " free"
		}
	}
	q := s.Queue
	fields(out,
		"Mount", s.Mountpoint+" ("+s.Workspace+", since "+stamp(s.Since)+")",
		"Read", with(s.BytesRead, r.read), "Written", with(s.BytesWritten, r.written),
		"Fetched", with(s.Store.Fetched, r.fetched), "Uploaded", with(q.Uploaded, r.upload),
		"Cache hits", hits, "In the store", space, "Cache", size(s.CacheBytes)+" of "+size(s.CacheLimit),
		"Queue", fmt.Sprintf("%d queued, %d in progress, %d failed, %s left", q.Queued, q.InProgress, q.Failed, size(q.PendingBytes)),
		"Open files", fmt.Sprint(q.OpenFiles), "Changes", changesText(s.Changes),
		"Process", fmt.Sprintf("%s of memory, %.2f s of CPU, %d goroutines, %d descriptors", size(s.RSS), s.CPUSeconds, s.Process.Goroutines, s.Process.Files),
	)
	names := slices.Sorted(maps.Keys(s.Store.Requests))
	rows := make([][]string, len(names))
	for i, name := range names {
		n := s.Store.Requests[name]
		rows[i] = []string{name, fmt.Sprint(n.Count), fmt.Sprint(n.Errors)}
	}
	table(out, []string{"REQUESTS", "COUNT", "ERRORS"}, rows)
}
