package cmd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/store/migrate"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// migrateOptions are the flags of `coordinator migrate`.
type migrateOptions struct {
	from, to string
	quick    bool
	keep     bool
	takeBack bool
}

func (c *cli) coordinatorMigrate() *cobra.Command {
	var o migrateOptions
	cmd := &cobra.Command{
		Use:   "migrate [--from FILE|DIR] --to FILE|DIR",
		Short: "Move a stopped coordinator's store to other engines, and back",
		Long: "Copies everything: buckets, objects with all that is known of them, uploads in flight, quotas, and the control\n" +
			"state. --from and --to are each a coordinator.yaml, or the data_dir of a store that is whole in one folder; without\n" +
			"--from it is the embedded coordinator's. No coordinator may run on either, and the target is empty.\n\n" +
			"It may be stopped, or killed, and run again: it goes on where it was. The target is no store before all of it is\n" +
			"there, counted, and read back; from then on the source is none. Nothing is deleted in the source:\n" +
			"`coordinator migrate --take-back --from FILE` makes it a store again, as it was.",
		Example: c.examples("coordinator stop", "", "coordinator migrate --to /etc/artifacts/coordinator.yaml", "",
			"coordinator migrate --from /etc/artifacts/coordinator.yaml --to /var/lib/artifacts/s3", ""),
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.migrate(cmd.Context(), o) },
	}
	f := cmd.Flags()
	wordVar(f, &o.from, "from", "coordinator.yaml or data_dir of the source (default: the embedded coordinator's)")
	wordVar(f, &o.to, "to", "coordinator.yaml or data_dir of the target")
	f.BoolVar(&o.quick, "quick", false, "count and compare, but do not read the bytes back")
	f.BoolVar(&o.keep, "keep", false, "make a copy: the source stays a store")
	f.BoolVar(&o.takeBack, "take-back", false, "make a source that was moved away a store again")
	return cmd
}

// migrated is the JSON form of `coordinator migrate`.
type migrated struct {
	From string `json:"from"`
	To   string `json:"to"`
	migrate.Report
}

func (c *cli) migrate(ctx context.Context, o migrateOptions) error {
	from, err := c.storeOf(o.from)
	if err != nil {
		return err
	}
	log := c.coordinatorLog(from.Log.Format, slog.LevelError)
	if o.takeBack {
		if o.to != "" {
			return fault.New(fault.Usage, "leave one of them out", "--take-back is about the source, and --to is given")
		}
		where, to, err := coordinator.TakeBack(ctx, from, log)
		if err != nil {
			return err
		}
		c.print(map[string]string{"from": where, "to": to}, func(out io.Writer) {
			fmt.Fprintf(out, "%s is a store again, as it was when it was moved to %s\n", where, to)
		})
		return nil
	}
	if o.to == "" {
		return fault.New(fault.Usage, "give a coordinator.yaml with `storage`, or a folder", "--to is missing")
	}
	to, err := c.storeOf(o.to)
	if err != nil {
		return err
	}
	tell, end := c.migrateProgress()
	report, source, target, err := coordinator.Migrate(ctx, from, to, log, migrate.Options{Quick: o.quick, Keep: o.keep, Progress: tell})
	end()
	if err != nil {
		return err
	}
	c.print(migrated{From: source, To: target, Report: report}, func(out io.Writer) {
		verb := "Moved"
		if o.keep {
			verb = "Copied"
		}
		fmt.Fprintf(out, "%s %s to %s\n", verb, source, target)
		read := fmt.Sprintf("%d bytes read back", report.Verified)
		if o.quick {
			read = "counted and compared, not read back"
		}
		fields(out,
			"Buckets", fmt.Sprintf("%d, %d counted prefixes", report.Buckets, report.Prefixes),
			"Objects", fmt.Sprintf("%d, %d uploads in flight with %d parts", report.Objects, report.Uploads, report.Parts),
			"Bytes", fmt.Sprintf("%d (%s)", report.Bytes, size(report.Bytes)),
			"Copied", fmt.Sprintf("%d objects and parts, %d bytes", report.Copied, report.CopiedBytes),
			"Verified", read)
	})
	return nil
}

// storeOf is the configuration of a store: a coordinator.yaml, or a folder that is all of it.
func (c *cli) storeOf(path string) (config.Config, error) {
	roots, err := xdg.Find(os.Getenv)
	if err != nil {
		return config.Config{}, err
	}
	o := serveOptions{config: path}
	info, err := os.Stat(path)
	folder := err == nil && info.IsDir() || err != nil && filepath.Ext(path) == "" // one that is to be made
	if folder && path != "" {
		o = serveOptions{dataDir: path}
	}
	e, err := c.effective(roots, o)
	return e.Config, err
}

// migrateProgress rewrites a line of a terminal a few times a second; elsewhere it says a line
// at the beginning of each phase and every ten seconds.
func (c *cli) migrateProgress() (tell func(migrate.Progress), end func()) {
	if c.quiet {
		return nil, func() {}
	}
	every, before, after := 10*time.Second, "", "\n"
	if f, ok := c.err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		every, before, after = 200*time.Millisecond, "\r\x1b[K", ""
	}
	var last time.Time
	phase := ""
	tell = func(p migrate.Progress) {
		if p.Phase == phase && time.Since(last) < every || p.Phase == "done" {
			return
		}
		last, phase = time.Now(), p.Phase
		fmt.Fprint(c.err, before, migrateLine(p), after)
	}
	return tell, func() { fmt.Fprint(c.err, before) }
}

func migrateLine(p migrate.Progress) string {
	if p.Phase == "look" {
		return "looking at the source"
	}
	verb := map[string]string{"copy": "copied", "verify": "verified"}[p.Phase]
	line := fmt.Sprintf("%s %d of %d objects, %s of %s", verb, p.Objects, p.All.Objects, size(p.Bytes), size(p.All.Bytes))
	if p.Bucket != "" {
		line += ", in bucket " + p.Bucket
	}
	return line
}
