package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// listed is one line of `object list` in JSON.
type listed struct {
	Place string `json:"place"`
	objects.Object
}

func (c *cli) objectList() *cobra.Command {
	var flags placeFlags
	var recursive, long bool
	cmd := &cobra.Command{
		Use:     "list [PLACE]",
		Aliases: []string{"ls"},
		Short:   "List objects",
		Long: "Lists what is at a place: the keys and the folders directly in it, or with --recursive all keys. Lines come as the\n" +
			"store tells them. Without a place it lists the buckets.\n\n" + placeHelp,
		Example: c.examples("object list build-artifacts/", "", "object list -r 'workspace:notes/**.md'", ""),
		Args:    rangeArgs(0, "PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.bucketList().RunE(cmd, nil)
			}
			return c.withPlaces(flags, func(_ *backend.App, p *backend.Places) error {
				place, err := remotePlace(cmd.Context(), p, args[0], false)
				if err != nil {
					return err
				}
				printer := newLister(c, long)
				err = objects.Browse(cmd.Context(), place, recursive, func(page []objects.Object) error {
					for _, o := range page {
						printer.one(listed{place.Store.Place(o.Key), o})
					}
					return nil
				})
				printer.end(err == nil)
				if err == nil && printer.count == 0 && place.Path != "" {
					err = fault.New(fault.NotFound, "`"+c.name+" object list "+place.At("").String()+"` shows what is there", "nothing is at %s", place)
				}
				if err != nil && place.Kind == objects.Bucket {
					return meantFile(place.Name, err)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&recursive, "recursive", "r", false, "all that is below it")
	cmd.Flags().BoolVarP(&long, "long", "l", false, "exact sizes, times and ETags")
	flags.add(cmd)
	return cmd
}

// lister prints objects as they come; in JSON as one array.
type lister struct {
	c     *cli
	long  bool
	count int
	bytes int64
}

func newLister(c *cli, long bool) *lister { return &lister{c: c, long: long} }

func (l *lister) one(o listed) {
	l.count++
	l.bytes += o.Size
	if l.c.format == "json" {
		text, err := json.Marshal(o)
		if err != nil {
			return
		}
		before := ",\n  "
		if l.count == 1 {
			before = "[\n  "
		}
		fmt.Fprintf(l.c.out, "%s%s", before, text)
		return
	}
	switch {
	case !l.long && o.Prefix:
		fmt.Fprintf(l.c.out, "%10s  %-19s  %s\n", "-", "", printable(o.Key))
	case !l.long:
		fmt.Fprintf(l.c.out, "%10s  %-19s  %s\n", oneDigit(o.Size), stamp(o.Modified), printable(o.Key))
	default:
		fmt.Fprintf(l.c.out, "%15d  %-19s  %-35s  %s\n", o.Size, stamp(o.Modified), o.ETag, printable(o.Key))
	}
}

func (l *lister) end(ok bool) {
	switch {
	case l.c.format != "json":
	case l.count > 0:
		fmt.Fprintln(l.c.out, "\n]")
	case ok:
		fmt.Fprintln(l.c.out, "[]")
	}
}

// printable is a key for a terminal: what would move its cursor is quoted.
func printable(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(key)
	}
	return key
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// lifeFlag is a duration that knows days.
type lifeFlag time.Duration

const defaultLife = time.Hour

func (l *lifeFlag) duration() time.Duration { return time.Duration(*l) }

// Set implements pflag.Value.
func (l *lifeFlag) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err == nil && n > 0 && n < 1e6 {
			*l = lifeFlag(n * 24 * float64(time.Hour))
			return nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a time such as 15m, 1h or 7d", text)
	}
	*l = lifeFlag(d)
	return nil
}

// String implements pflag.Value.
func (l *lifeFlag) String() string {
	text := time.Duration(*l).String()
	text = strings.TrimSuffix(text, "0s")
	return strings.TrimSuffix(text, "0m")
}

// Type implements pflag.Value.
func (l *lifeFlag) Type() string { return "time" }

func (c *cli) objectCat() *cobra.Command {
	var flags placeFlags
	var head string
	cmd := &cobra.Command{
		Use:   "cat PLACE",
		Short: "Write an object to standard output",
		Long: "Writes one object to standard output, and verifies its checksum: a mismatch is an error at the end, of bytes that\n" +
			"were written already.\n\n" + placeHelp,
		Example: c.examples("object cat workspace:notes/todo.md", "", "object cat build-artifacts/app.log --head 4K", "its beginning alone"),
		Args:    exactArgs("PLACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withPlaces(flags, func(_ *backend.App, p *backend.Places) error {
				place, err := remotePlace(cmd.Context(), p, args[0], false)
				if err != nil {
					return err
				}
				if head != "" {
					return c.beginning(cmd, place, head)
				}
				_, err = objects.Copy(cmd.Context(), objects.Request{From: []objects.Place{place}, To: objects.Place{Name: objects.Name{Kind: objects.Std}}, Out: c.out})
				return err
			})
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "no more than its first bytes, as 4K")
	flags.add(cmd)
	return cmd
}

func (c *cli) beginning(cmd *cobra.Command, place objects.Place, size string) error {
	n, err := parseSize(size)
	if err != nil {
		return err
	}
	key, err := oneKey(place)
	if err != nil {
		return err
	}
	b, _, err := place.Store.Read(cmd.Context(), key, 0, n)
	if err == nil {
		_, err = io.Copy(c.out, strings.NewReader(string(b)))
	}
	return err
}
