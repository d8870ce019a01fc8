package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// placeHelp is in the help of each command that takes places.
const placeHelp = "A place is written\n" +
	"  BUCKET/KEY           an object of the mesh's store, or what is below a key\n" +
	"  workspace:NAME/PATH  the same within a workspace of any backend\n" +
	"  ./FILE or /FILE      a file or folder of this machine; a bare name is a bucket\n" +
	"  -                    standard input or output\n" +
	"In keys, and in quoted local paths, * is anything but /, ** anything and ? one character; \\* is the character itself.\n" +
	"A destination that ends in / is a folder that sources go into by their names; else the source becomes it."

func (c *cli) objectCommand() *cobra.Command {
	cmd := group("object", "List, copy, share and delete objects and files",
		c.objectList(), c.objectPut(), c.objectGet(), c.objectCat(), c.objectCopy(false), c.objectCopy(true), c.objectSync(),
		c.objectHead(), c.objectShare(), c.objectDelete())
	cmd.Aliases = []string{"objects"}
	return cmd
}

// placeFlags are of every command that opens places.
type placeFlags struct{ opt backend.PlaceOptions }

func (f *placeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.opt.CredentialProfile, "profile", "", "credential profile for workspaces in a bucket of your own")
}

// withPlaces runs f with what opens places.
func (c *cli) withPlaces(flags placeFlags, f func(app *backend.App, p *backend.Places) error) error {
	app, err := c.app()
	if err != nil {
		return err
	}
	p := app.Places(flags.opt)
	defer p.Close()
	return f(app, p)
}

// remotePlace opens a place that has to be in a store.
func remotePlace(ctx context.Context, p *backend.Places, text string, write bool) (objects.Place, error) {
	n, err := objects.Parse(text)
	if err != nil {
		return objects.Place{}, err
	}
	if !n.Remote() {
		return objects.Place{}, fault.New(fault.Usage, "write BUCKET/KEY or workspace:NAME/PATH", "%s is not in a store", text)
	}
	return openPlace(ctx, p, n, write)
}

// openPlace opens a place, and tells who means a file by a bare name.
func openPlace(ctx context.Context, p *backend.Places, n objects.Name, write bool) (objects.Place, error) {
	place, err := p.Open(ctx, n, write)
	if err != nil && n.Kind == objects.Bucket {
		return place, meantFile(n, err)
	}
	return place, err
}

// meantFile adds to the error of a bucket that a file of its name is there.
func meantFile(n objects.Name, err error) error {
	f := fault.As(err)
	if f.Kind != fault.NotFound && f.Kind != fault.Usage {
		return err
	}
	if _, serr := os.Lstat(n.In); serr != nil {
		return err
	}
	return &fault.Error{Kind: f.Kind, Message: f.Error(), Hint: "the local file is written ./" + strings.TrimSuffix(n.String(), "/"), Err: err}
}

// oneKey is the key of a place that is one object.
func oneKey(p objects.Place) (string, error) {
	key, pattern := objects.Plain(p.Path)
	if pattern || p.Dir() {
		return "", fault.New(fault.Usage, `give one object; \* is the character itself`, "%s is not one object", p)
	}
	return key, nil
}

func (c *cli) objectHead() *cobra.Command {
	var flags placeFlags
	cmd := &cobra.Command{
		Use:     "head PLACE",
		Aliases: []string{"info"},
		Short:   "Show an object's size, times, checksums, metadata and tags",
		Long:    "Shows what the store tells of one object.\n\n" + placeHelp,
		Example: c.examples("object head build-artifacts/app.tar.gz", "", "object head workspace:notes/todo.md --format json", ""),
		Args:    exactArgs("PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withPlaces(flags, func(_ *backend.App, p *backend.Places) error {
				place, err := remotePlace(cmd.Context(), p, args[0], false)
				if err != nil {
					return err
				}
				key, err := oneKey(place)
				if err != nil {
					return err
				}
				info, err := place.Store.Look(cmd.Context(), key)
				if err != nil {
					return err
				}
				c.print(struct {
					Place string `json:"place"`
					objects.Info
				}{place.Store.Place(key), info}, func(out io.Writer) { headText(out, place.Store.Place(key), info) })
				return nil
			})
		},
	}
	flags.add(cmd)
	return cmd
}

func headText(out io.Writer, place string, i objects.Info) {
	pairs := []string{
		"Place", printable(place), "Size", fmt.Sprintf("%s, %d bytes", oneDigit(i.Size), i.Size), "Modified", stamp(i.Modified), "File's time", stamp(i.FileTime),
		"ETag", i.ETag, "Type", i.ContentType, "Encoding", i.Encoding, "Disposition", i.Disposition, "Language", i.Language,
		"Cache control", i.CacheControl, "Storage class", i.StorageClass, "Encryption", i.Encryption,
	}
	if i.Parts > 0 {
		pairs = append(pairs, "Parts", fmt.Sprint(i.Parts))
	}
	for _, group := range []struct {
		name string
		of   map[string]string
	}{{"Checksum", i.Checksums}, {"Metadata", i.Metadata}, {"Tag", i.Tags}} {
		for _, k := range sortedKeys(group.of) {
			pairs = append(pairs, group.name, k+"="+group.of[k])
		}
	}
	fields(out, pairs...)
}

func (c *cli) objectShare() *cobra.Command {
	var flags placeFlags
	life := lifeFlag(defaultLife)
	var put bool
	cmd := &cobra.Command{
		Use:   "share PLACE [--expires 1h] [--put]",
		Short: "Make a link by which anybody may read an object, or write it",
		Long: "Prints a presigned URL: whoever has it may read the object, or with --put write it, without credentials, until it\n" +
			"ends (at most 7 days). It cannot be taken back, but by ending the credentials that signed it.\n" +
			"The store is not asked: an object that is not there yet can be shared.\n\n" + placeHelp,
		Example: c.examples("object share build-artifacts/app.tar.gz --expires 7d", "", "object share build-artifacts/upload.bin --put", "curl -T FILE URL writes it"),
		Args:    exactArgs("PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withPlaces(flags, func(_ *backend.App, p *backend.Places) error {
				place, err := remotePlace(cmd.Context(), p, args[0], put)
				if err != nil {
					return err
				}
				key, err := oneKey(place)
				if err != nil {
					return err
				}
				link, err := place.Store.Share(cmd.Context(), key, life.duration(), put)
				if err != nil {
					return err
				}
				if !link.Sooner.IsZero() {
					c.notify("note: the credentials that sign it end at " + stamp(link.Sooner) + ", and the link with them")
				}
				c.print(link, func(out io.Writer) { fmt.Fprintln(out, link.URL) })
				return nil
			})
		},
	}
	cmd.Flags().Var(&life, "expires", "how long it lives, as 15m, 1h or 7d")
	cmd.Flags().BoolVar(&put, "put", false, "a link to write the object")
	flags.add(cmd)
	return cmd
}

// bandwidth is of the commands that transfer.
func addBandwidth(cmd *cobra.Command, b *mounts.Bandwidth) {
	cmd.Flags().Var((*bandwidthFlag)(b), "bwlimit", "bytes a second, as 10M, or 1M:512k for uploads and downloads (default: no bound)")
}
