package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func parseSize(text string) (int64, error) { return bytesize.Parse(text) }

// mostParallel bounds --parallel: more connections than that are refused by stores, or by this system.
const mostParallel = 256

// transferFlags are of the commands that move bytes.
type transferFlags struct {
	placeFlags
	recursive, noOverwrite, always, follow, dryRun bool
	parallel                                       int
}

func (f *transferFlags) addTo(cmd *cobra.Command, whole bool) {
	flags := cmd.Flags()
	if !whole {
		flags.BoolVarP(&f.recursive, "recursive", "r", false, "folders with all that is in them")
		flags.BoolVar(&f.noOverwrite, "no-overwrite", false, "leave what is there already")
	}
	flags.BoolVar(&f.always, "always", false, "transfer what is there with the same content, too")
	flags.BoolVar(&f.follow, "follow", false, "follow symlinks (default: leave them out)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and do nothing")
	flags.IntVar(&f.parallel, "parallel", objects.DefaultParallel, "objects at once")
	addBandwidth(cmd, &f.opt.Bandwidth)
	f.add(cmd)
}

const transferHelp = "What is there already with the same size and checksum is not sent again, so that a second run goes on where the\n" +
	"first one ended; a large upload or download goes on with what arrived. Each object is verified end to end, and appears as a\n" +
	"whole or not at all: ctrl+c leaves nothing half done. What fails is told, and the rest goes on.\n\n" + placeHelp

func (c *cli) objectPut() *cobra.Command {
	var f transferFlags
	cmd := &cobra.Command{
		Use:   "put SRC... DEST",
		Short: "Upload files, folders or standard input",
		Long:  "Uploads local files and folders. A source needs no ./ here; - is standard input.\n" + transferHelp,
		Example: c.examples("object put app.tar.gz build-artifacts/", "", "object put -r dist build-artifacts/v1.2", "dist becomes v1.2",
			"object put - workspace:notes/today.md", "standard input"),
		Args: atLeastArgs("SRC", "DEST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.transfer(cmd, "put", f, args, objects.ParseLocal, objects.Parse, objects.Copy)
		},
	}
	f.addTo(cmd, false)
	return cmd
}

func (c *cli) objectGet() *cobra.Command {
	var f transferFlags
	cmd := &cobra.Command{
		Use:   "get SRC... DEST",
		Short: "Download objects to files, folders or standard output",
		Long:  "Downloads objects. The destination needs no ./ here; - is standard output.\n" + transferHelp,
		Example: c.examples("object get build-artifacts/app.tar.gz .", "", "object get -r build-artifacts/v1.2 dist", "v1.2 becomes dist",
			"object get 'workspace:notes/**.md' notes/", ""),
		Args: atLeastArgs("SRC", "DEST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.transfer(cmd, "get", f, args, objects.Parse, objects.ParseLocal, objects.Copy)
		},
	}
	f.addTo(cmd, false)
	return cmd
}

func (c *cli) objectCopy(move bool) *cobra.Command {
	var f transferFlags
	cmd := &cobra.Command{
		Use:     "cp SRC... DEST",
		Aliases: []string{"copy"},
		Short:   "Copy between buckets, workspaces and this machine",
		Long:    "Copies between places of any kind. Within a store the server copies; between stores it goes through this machine.\n" + transferHelp,
		Example: c.examples("object cp build-artifacts/a build-artifacts/b", "", "object cp -r workspace:train/runs ./runs", ""),
		Args:    atLeastArgs("SRC", "DEST"),
	}
	if move {
		cmd.Use, cmd.Aliases, cmd.Short = "mv SRC... DEST", []string{"move"}, "Move between buckets, workspaces and this machine"
		cmd.Long = "Moves: each source is deleted once its copy is proven, and only while it is what was copied.\n" + transferHelp
		cmd.Example = c.examples("object mv build-artifacts/a build-artifacts/b", "", "object mv -r ./done workspace:archive/", "")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		verb := "cp"
		if move {
			verb = "mv"
		}
		return c.transfer(cmd, verb, f, args, objects.Parse, objects.Parse, func(ctx context.Context, r objects.Request) (objects.Result, error) {
			r.Move = move
			return objects.Copy(ctx, r)
		})
	}
	f.addTo(cmd, false)
	return cmd
}

func (c *cli) objectSync() *cobra.Command {
	var f transferFlags
	var remove bool
	cmd := &cobra.Command{
		Use:   "sync SRC DEST",
		Short: "Make one folder, bucket or workspace hold what another holds",
		Long: "Transfers what differs in content, and with --delete removes what only the destination has, in the end and only if\n" +
			"nothing failed. A source with nothing in it is an error, as a mistyped one would delete everything; an empty bucket,\n" +
			"workspace or local folder is none. An object that somebody changes meanwhile is not overwritten: exit code 5, and\n" +
			"another run looks again.\n" + transferHelp,
		Example: c.examples("object sync ./site workspace:site/ --delete --dry-run", "what would be done", "object sync build-artifacts/ ./backup", ""),
		Args:    exactArgs("SRC", "DEST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.transfer(cmd, "sync", f, args, objects.Parse, objects.Parse, func(ctx context.Context, r objects.Request) (objects.Result, error) {
				return objects.Sync(ctx, r, remove)
			})
		},
	}
	cmd.Flags().BoolVar(&remove, "delete", false, "delete at the destination what the source has not")
	f.addTo(cmd, true)
	return cmd
}

func (c *cli) objectDelete() *cobra.Command {
	var flags placeFlags
	var yes, recursive, dryRun bool
	cmd := &cobra.Command{
		Use:     "delete PLACE... --yes",
		Aliases: []string{"rm"},
		Short:   "Delete objects",
		Long: "Deletes one object, with --recursive all that is below it too, or what matches a pattern.\n" +
			"--dry-run says what that would be.\n\n" + placeHelp,
		Example: c.examples("object delete build-artifacts/old.tar.gz --yes", "", "object delete 'build-artifacts/tmp/**' --dry-run", ""),
		Args:    atLeastArgs("PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !dryRun {
				if err := confirmed(yes, "deleting %s", strings.Join(args, ", ")); err != nil {
					return err
				}
			}
			f := transferFlags{placeFlags: flags, recursive: recursive, dryRun: dryRun}
			return c.transfer(cmd, "delete", f, append(args, ""), objects.Parse, nil, objects.Delete)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	cmd.Flags().BoolVarP(&recursive, "recursive", "r", false, "all that is below it, too")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be deleted, and do nothing")
	flags.add(cmd)
	return cmd
}

// atLeastArgs wants one of each name or more.
func atLeastArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return missing(names[len(args):], "usage: "+cmd.UseLine())
		}
		return nil
	}
}

// transferred is what a transfer prints as JSON.
type transferred struct {
	objects.Result
	DryRun  bool             `json:"dry_run"`
	Changes []objects.Change `json:"changes,omitempty"` // of a dry run
}

// transfer opens the places of args, the last of which is the destination, and runs do as a job.
func (c *cli) transfer(cmd *cobra.Command, kind string, f transferFlags, args []string, from, to func(string) (objects.Name, error),
	do func(context.Context, objects.Request) (objects.Result, error),
) error {
	if f.parallel < 0 || f.parallel > mostParallel || cmd.Flags().Changed("parallel") && f.parallel == 0 {
		return fault.New(fault.Usage, fmt.Sprintf("it is 1 to %d", mostParallel), "--parallel is %d", f.parallel)
	}
	return c.withPlaces(f.placeFlags, func(app *backend.App, p *backend.Places) error {
		r := objects.Request{
			Recursive: f.recursive, NoClobber: f.noOverwrite, Always: f.always, Follow: f.follow, DryRun: f.dryRun, Parallel: f.parallel,
			Resume: app.ResumeDir(), In: c.in, Out: c.out,
		}
		ctx := cmd.Context()
		last := len(args) - 1
		opened := func(text string, parse func(string) (objects.Name, error), write bool) (objects.Place, error) {
			n, err := parse(text)
			if err != nil {
				return objects.Place{}, err
			}
			return openPlace(ctx, p, n, write)
		}
		var err error
		if to != nil { // first, so that a source in the same workspace is read with the same pair, and the server copies
			if r.To, err = opened(args[last], to, true); err != nil {
				return err
			}
		}
		for _, text := range args[:last] {
			place, err := opened(text, from, kind == "mv" || kind == "delete")
			if err == nil && place.Kind == objects.Std && c.deaf {
				err = fault.New(fault.Usage, "give a file, or the commands in one: `"+c.name+" --batch FILE`", "standard input has nothing to upload here")
			}
			if err != nil {
				return err
			}
			r.From = append(r.From, place)
		}
		out := transferred{DryRun: f.dryRun}
		r.Each = func(change objects.Change) { c.change(&out, change) }
		out.Result, err = c.job(ctx, kind, kind+" "+strings.TrimSpace(strings.Join(args, " ")), r, do)
		for i, e := range out.Errors {
			out.Errors[i] = c.named(e)
		}
		streaming := r.To.Kind == objects.Std && c.format == "text"
		if err != nil && len(r.From) > 0 && r.From[0].Kind == objects.Bucket {
			err = meantFile(r.From[0].Name, err)
		}
		if c.format == "json" && r.To.Kind != objects.Std && (err == nil || out.Failed > 0 || out.Transferred > 0) {
			c.json(c.out, out)
		} else if !streaming && r.To.Kind != objects.Std && (err == nil || out.Transferred > 0) && !c.quiet {
			fmt.Fprintln(c.out, transferSummary(kind, out))
		}
		return err
	})
}

// change tells of one change where somebody wants to know.
func (c *cli) change(out *transferred, change objects.Change) {
	switch {
	case change.Action == objects.LeftOut && change.From == "":
		c.notify("note: " + change.Why)
	case change.Action == objects.LeftOut:
		c.notify("note: left out: " + printable(change.From) + ": " + change.Why)
	case out.DryRun && change.Action != objects.Same && c.format == "json":
		out.Changes = append(out.Changes, change)
	case out.DryRun && change.Action != objects.Same || c.verbose && c.format == "text":
		w := c.out
		if !out.DryRun {
			w = c.err
		}
		line := string(change.Action) + " " + printable(change.From)
		if change.To != "" && change.From != "" {
			line += " -> "
		}
		fmt.Fprintln(w, line+printable(change.To))
	}
}

// transferSummary is one line of what was done.
func transferSummary(kind string, t transferred) string {
	verb := "Transferred"
	var parts []string
	if kind != "delete" {
		if t.DryRun {
			verb = "Would transfer"
		}
		parts = append(parts, fmt.Sprintf("%s %s (%s)", verb, objectsText(t.Transferred), oneDigit(t.Bytes)))
	}
	add := func(n int64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(t.Same, "the same already")
	add(t.Kept, "kept")
	deleted := "deleted"
	if t.DryRun {
		deleted = "would be deleted"
	}
	add(t.Deleted, deleted)
	add(t.LeftOut, "left out")
	add(t.Unverified, "without a checksum to verify")
	add(t.Failed, "failed")
	if len(parts) == 0 {
		return "Nothing to do"
	}
	return strings.Join(parts, ", ")
}

func objectsText(n int64) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}
