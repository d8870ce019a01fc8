//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/benchpage"
)

// options are the flags of both commands.
type options struct {
	rounds  int
	objects int
	quick   bool
	dir     string // scratch; emptied at the end
	write   string // file whose block is replaced
	only    string // names of the peers to run, comma-separated; empty: all
	block   string // name of the markers in write
	rows    string // scenes of the mount to play, comma-separated; empty: all
	scale   float64
	within  time.Duration // no round of the mount begins later; 0: all do
}

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	var o options
	f := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	f.BoolVar(&o.quick, "quick", false, "less of everything: to see that it runs")
	f.StringVar(&o.write, "write", "", "replace the table between the markers of this file")
	f.StringVar(&o.block, "block", os.Args[1], "name of those markers")
	parent := f.String("dir", "", "folder on the disk to measure (default: the temporary folder)")
	var run func(options) (string, error)
	switch os.Args[1] {
	case "store":
		f.IntVar(&o.rounds, "rounds", 3, "rounds, interleaved; medians are printed")
		f.StringVar(&o.only, "only", "", "peers to run, comma-separated")
		run = yardsticks
	case "mount":
		f.IntVar(&o.rounds, "rounds", 3, "rounds, interleaved; medians are printed")
		f.StringVar(&o.only, "peers", "", "columns, comma-separated: artifacts-tui, rclone mount, rclone mount2, rclone mount2 tuned, s3fs")
		f.StringVar(&o.rows, "rows", "", "rows, comma-separated: read, cached, write, copy, copy30, ls, tar, git, random")
		f.Float64Var(&o.scale, "scale", 1, "of the files' sizes and numbers")
		f.DurationVar(&o.within, "within", 0, "begin no further round after this long")
		run = mountYardsticks
	case "objects":
		f.IntVar(&o.rounds, "rounds", 3, "rounds, interleaved; medians are printed")
		run = objectYardsticks
	case "scale":
		f.IntVar(&o.objects, "objects", 1_000_000, "objects in the store")
		run = scale
	case "cluster":
		f.IntVar(&o.objects, "objects", 1_000_000, "keys in the bucket that is listed")
		run = cluster
	default:
		usage()
	}
	_ = f.Parse(os.Args[2:])
	if f.NArg() > 0 {
		usage()
	}
	if err := measure(o, *parent, run); err != nil {
		fmt.Fprintln(os.Stderr, "yardstick:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: go run ./internal/yardstick store|mount|objects|scale|cluster [-h]")
	os.Exit(2)
}

// measure runs in a scratch folder that it removes, after a signal too.
func measure(o options, parent string, run func(options) (string, error)) error {
	dir, err := os.MkdirTemp(parent, "yardstick-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.dir = dir
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := run(o)
		done <- result{text, err}
	}()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	var r result
	select {
	case r = <-done:
	case s := <-interrupted:
		running.kill()
		return fmt.Errorf("ended by %s", s)
	}
	if r.err != nil {
		return r.err
	}
	text := benchpage.Machine(dir) + "\n\n" + r.text
	fmt.Print("\n", text)
	if o.write == "" {
		return nil
	}
	return benchpage.Replace(o.write, o.block, text)
}
