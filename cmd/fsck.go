package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

// fsckOptions are the flags of `coordinator fsck`.
type fsckOptions struct {
	config  string
	dataDir string
	quick   bool
	dryRun  bool
}

func (c *cli) coordinatorFsck() *cobra.Command {
	var o fsckOptions
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Verify a stopped coordinator's store, byte by byte",
		Long: "Compares the index with the blobs and their checksums, corrects usage counters and removes blobs that nothing\n" +
			"refers to. What is lost is listed, and left as it is. The exit code is 1 where something is lost.",
		Example: c.examples("coordinator stop", "", "coordinator fsck", "", "coordinator fsck --data-dir /var/lib/artifacts/s3 --dry-run", ""),
		Args:    exactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.fsck(cmd.Context(), o) },
	}
	f := cmd.Flags()
	wordVar(f, &o.config, "config", "coordinator.yaml of the coordinator")
	wordVar(f, &o.dataDir, "data-dir", "where its store is kept (default: the embedded coordinator's)")
	f.BoolVar(&o.quick, "quick", false, "only see whether all bytes are there; do not read them")
	f.BoolVar(&o.dryRun, "dry-run", false, "correct and remove nothing")
	return cmd
}

func (c *cli) fsck(ctx context.Context, o fsckOptions) error {
	roots, err := xdg.Find(os.Getenv)
	if err != nil {
		return err
	}
	e, err := c.effective(roots, serveOptions{config: o.config, dataDir: o.dataDir})
	if err != nil {
		return err
	}
	r, err := coordinator.Fsck(ctx, e.Config, store.CheckOptions{
		Deep: !o.quick, Repair: !o.dryRun, Progress: c.fsckProgress(),
	})
	if err != nil {
		return err
	}
	c.print(r, func(out io.Writer) { printCheck(out, r, o.dryRun) })
	if n := len(r.Damaged) + len(r.Index.Problems); n > 0 {
		return fault.New(fault.Failure, "restore what is listed from a backup, or delete it", "%d damaged in %s", n, e.Config.S3.DataDir)
	}
	return nil
}

// fsckProgress rewrites a line of a terminal a few times a second; elsewhere it says nothing.
func (c *cli) fsckProgress() func(store.CheckReport) {
	f := c.canvas()
	if f == nil {
		return nil
	}
	var last time.Time
	return func(r store.CheckReport) {
		if time.Since(last) > 200*time.Millisecond {
			last = time.Now()
			fmt.Fprintf(f, "\r\x1b[K%d objects, %s, %d damaged", r.Objects, size(r.Bytes), len(r.Damaged))
		}
	}
}

func printCheck(out io.Writer, r store.CheckReport, dryRun bool) {
	fmt.Fprintf(out, "Checked %d objects and %d parts of uploads, %d bytes\n", r.Objects, r.Parts, r.Bytes)
	for _, d := range r.Damaged {
		what := d.Bucket + "/" + d.Key
		if d.UploadID != "" {
			what = fmt.Sprintf("part %d of upload %s of %s", d.Part, d.UploadID, what)
		}
		fmt.Fprintf(out, "lost: %s: %s\n", what, d.Reason)
	}
	for _, p := range r.Index.Problems {
		fmt.Fprintf(out, "index: %s\n", p)
	}
	corrected := "corrected"
	if dryRun {
		corrected = "not corrected"
	}
	for _, d := range r.Index.Drifts {
		fmt.Fprintf(out, "usage of %s was %d bytes in %d objects, is %d bytes in %d objects: %s\n",
			d.Where(), d.Recorded.Total(), d.Recorded.Objects, d.Counted.Total(), d.Counted.Objects, corrected)
	}
	if r.Index.Shared > 0 {
		fmt.Fprintf(out, "references of %d shared blobs were counted wrong: %s\n", r.Index.Shared, corrected)
	}
	if r.Orphans > 0 {
		fmt.Fprintf(out, "%d blobs that nothing refers to were removed\n", r.Orphans)
	}
	if r.Sound() {
		fmt.Fprintln(out, "Nothing is lost")
	}
}
