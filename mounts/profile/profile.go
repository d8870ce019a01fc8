// Package profile has the cache profiles of a mount (SPEC C8): named sets of the values that
// decide how soon, how wide and how far ahead a mount works. It imports mounts for its types,
// and nothing else of this module but internal/.
package profile

import (
	"cmp"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// The names of the profiles.
const (
	Interactive = "interactive"
	Benchmark   = "benchmark"
	Custom      = "custom"
)

// Adaptive is the number of uploads that a mount finds by itself, between 16 and 64.
const Adaptive = 0

// All are the profiles with values of their own, the default first.
func All() []mounts.Options { return []mounts.Options{interactive, benchmark} }

var (
	// interactive is for people and their programs: what others changed shows soon, a file
	// that is saved again and again is uploaded once, memory stays small.
	// Its uploads adapt.
	interactive = mounts.Options{
		Profile: Interactive, WriteBack: 300 * time.Millisecond, DirCache: 30 * time.Second, Uploads: Adaptive, Streams: 16,
		CacheSize: 10 << 30, StoreTimeout: 30 * time.Second,
	}
	// benchmark is for throughput: whole data sets read through and written out by jobs
	// that nobody interrupts, on a machine with memory and disk to spare.
	benchmark = mounts.Options{
		Profile: Benchmark, WriteBack: 10 * time.Millisecond, DirCache: 10 * time.Minute, Uploads: 64, Streams: 16,
		CacheSize: 50 << 30, StoreTimeout: 30 * time.Second,
	}
)

// Complete gives every value of o that is not set its default, so that all of them show.
func Complete(o mounts.Options) mounts.Options { return over(o, interactive) }

// Resolve returns the values of a profile, with those of o that are set in their place.
// name "" is interactive; file belongs to custom, and to it alone.
func Resolve(name, file string, o mounts.Options) (mounts.Options, error) {
	const hint = "the profiles are interactive, benchmark and custom"
	base := interactive
	switch name {
	case "", Interactive:
	case Benchmark:
		base = benchmark
	case Custom:
		if file == "" {
			return o, fault.New(fault.Usage, "give it with --cache-profile-file FILE", "the cache profile custom needs a file")
		}
		loaded, err := load(file)
		if err != nil {
			return o, err
		}
		base = over(loaded, interactive)
	default:
		return o, fault.New(fault.Usage, hint, "unknown cache profile %q", name)
	}
	if file != "" && name != Custom {
		return o, fault.New(fault.Usage, "add --cache-profile custom", "a profile's file is for the cache profile custom")
	}
	o.Profile = base.Profile
	o = over(o, base)
	return o, Check(o)
}

func over(o, base mounts.Options) mounts.Options {
	o.Profile = cmp.Or(o.Profile, base.Profile)
	o.Uploads = cmp.Or(o.Uploads, base.Uploads)
	o.WriteBack = cmp.Or(o.WriteBack, base.WriteBack)
	o.DirCache = cmp.Or(o.DirCache, base.DirCache)
	o.Streams = cmp.Or(o.Streams, base.Streams)
	o.CacheSize = cmp.Or(o.CacheSize, base.CacheSize)
	o.StoreTimeout = cmp.Or(o.StoreTimeout, base.StoreTimeout)
	return o
}

// bounds of every value; what is outside is a slip of the keyboard or does harm.
var bounds = []struct {
	key         string
	of          func(mounts.Options) int64
	least, most int64
	text        string
}{
	{"write_back", func(o mounts.Options) int64 { return int64(o.WriteBack) }, int64(time.Millisecond), int64(24 * time.Hour), "1ms to 24h"},
	{"dir_cache", func(o mounts.Options) int64 { return int64(o.DirCache) }, int64(100 * time.Millisecond), int64(24 * time.Hour), "100ms to 24h"},
	{"store_timeout", func(o mounts.Options) int64 { return int64(o.StoreTimeout) }, int64(time.Second), int64(time.Hour), "1s to 1h"},
	{"uploads", func(o mounts.Options) int64 { return int64(o.Uploads) }, Adaptive, 256, "1 to 256, or 0 for 16 to 64 as the store takes them"},
	{"streams", func(o mounts.Options) int64 { return int64(o.Streams) }, 1, 16, "1 to 16"},
	{"cache_size", func(o mounts.Options) int64 { return o.CacheSize }, 1 << 20, 1 << 50, "1MiB to 1024TiB"},
}

// Check refuses values that no mount should have.
func Check(o mounts.Options) error {
	for _, b := range bounds {
		if v := b.of(o); v < b.least || v > b.most {
			return fault.New(fault.Usage, "it is "+b.text, "%s is out of bounds", b.key)
		}
	}
	return nil
}

// document is a custom profile's file. What it leaves out is as in interactive.
type document struct {
	WriteBack    *time.Duration `yaml:"write_back"`
	DirCache     *time.Duration `yaml:"dir_cache"`
	StoreTimeout *time.Duration `yaml:"store_timeout"`
	Uploads      *int           `yaml:"uploads"`
	Streams      *int           `yaml:"streams"`
	CacheSize    *size          `yaml:"cache_size"`
}

type size int64

// UnmarshalYAML reads what bytesize.Parse reads.
func (s *size) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	n, err := bytesize.Parse(text)
	*s = size(n)
	return err
}

func load(path string) (mounts.Options, error) {
	o := interactive
	o.Profile = Custom
	text, err := os.ReadFile(path)
	if err != nil {
		return o, fault.Wrap(fault.Usage, err, "give the path of a profile's file", "cannot read the cache profile")
	}
	var d document
	if err := yaml.UnmarshalWithOptions(text, &d, yaml.Strict()); err != nil {
		return o, fault.New(fault.Usage, "the keys are write_back, dir_cache, store_timeout, uploads, streams and cache_size",
			"%s: %s", path, strings.TrimSpace(strings.ReplaceAll(yaml.FormatError(err, false, false), "\n", " ")))
	}
	set(&o.WriteBack, d.WriteBack)
	set(&o.DirCache, d.DirCache)
	set(&o.StoreTimeout, d.StoreTimeout)
	set(&o.Uploads, d.Uploads)
	set(&o.Streams, d.Streams)
	if d.CacheSize != nil {
		o.CacheSize = int64(*d.CacheSize)
	}
	if err := Check(o); err != nil {
		return o, fault.New(fault.Usage, fault.As(err).Hint, "%s: %v", path, err)
	}
	return o, nil
}

// set takes over what the file has, a zero too: Check says what is wrong with it.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
