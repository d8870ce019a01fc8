package cmd

import (
	"fmt"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts/profile"
)

// profileHelp explains the cache profiles with the values they have (SPEC C8).
func profileHelp() string {
	var b strings.Builder
	b.WriteString("A cache profile sets several values at once; a flag wins over it:\n")
	head, rows := []string{"", "for", "write-back", "dir-cache", "uploads", "streams", "cache-size"}, [][]string(nil)
	what := map[string]string{
		profile.Interactive: "people and their programs",
		profile.Benchmark:   "jobs that read and write whole data sets",
	}
	for _, o := range profile.All() {
		rows = append(rows, []string{
			"  " + o.Profile, what[o.Profile], o.WriteBack.String(), o.DirCache.String(),
			uploads(o.Uploads), fmt.Sprint(o.Streams), size(o.CacheSize),
		})
	}
	table(&b, head, rows)
	b.WriteString("  custom       takes these, and store_timeout, from a file with lines such as `write_back: 2s` or `cache_size: 20GB`;\n" +
		"               what it leaves out is as in interactive. The JSON of `mount list` shows every value of a mount.")
	return b.String()
}

// uploads are how many changes travel at once.
func uploads(n int) string {
	if n == profile.Adaptive {
		return "16 to 64"
	}
	return fmt.Sprint(n)
}

// sizeFlag is a number of bytes as people write it.
type sizeFlag int64

// Set implements pflag.Value.
func (s *sizeFlag) Set(text string) error {
	n, err := bytesize.Parse(text)
	if err == nil && n <= 0 {
		err = fault.New(fault.Usage, "write it as 20GB or a number of bytes", "%q is no room for anything", text)
	}
	*s = sizeFlag(n)
	return err
}

// String implements pflag.Value. The zero value means the default.
func (s *sizeFlag) String() string {
	if *s == 0 {
		return ""
	}
	return fmt.Sprint(int64(*s))
}

// Type implements pflag.Value.
func (s *sizeFlag) Type() string { return "size" }
